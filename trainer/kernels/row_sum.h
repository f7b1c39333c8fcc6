#ifndef TAUD_TRAINER_KERNELS_ROW_SUM_H_
#define TAUD_TRAINER_KERNELS_ROW_SUM_H_

#include <cstdint>

namespace taud::trainer {

// y = scale · (base + Σ_e weights[e] · x[rows[e]]) for the `count` entries; x
// is row-major, `dim` wide, and base [dim] or null for zero. The sum stays in
// registers while the rows stream by, fetched ahead: rows of a graph lie about
// in memory. Compiled for plain x86-64, AVX2 and AVX-512, the best that the
// processor has is taken. Pure; any thread.
void SumOfRows(const float* x, const uint32_t* rows, const float* weights,
               int64_t count, int64_t dim, float scale, const float* base,
               float* y);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_KERNELS_ROW_SUM_H_
