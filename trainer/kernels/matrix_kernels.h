#ifndef TAUD_TRAINER_KERNELS_MATRIX_KERNELS_H_
#define TAUD_TRAINER_KERNELS_MATRIX_KERNELS_H_

#include <cstdint>

namespace taud::trainer {

// A matrix operand: element (i, p) is values[i · row_step + p · column_step].
struct StridedMatrix {
  const float* values = nullptr;
  int64_t row_step = 0;
  int64_t column_step = 1;
};

// The width that MultiplyInto wants n to be a multiple of.
inline constexpr int64_t kPanel = 16;

// C[m × n] += A[m × k] · B[k × n] on the calling thread. Rows of B are
// `b_step` apart and contiguous, rows of C `c_step`. n is a multiple of
// kPanel. A register tile of rows of A is held against a panel of B, so B
// should fit the L1 cache: callers split k or n.
//
// Besides OpenBLAS because the products of a training step are small and of
// three fixed shapes, and because OpenBLAS picks its code by processor model:
// on a model newer than itself it falls back to SSE, at a quarter of the
// speed. This one goes by the instructions the processor says it has.
// Pure; any thread.
void MultiplyInto(int64_t m, int64_t n, int64_t k, const StridedMatrix& a,
                  const float* b, int64_t b_step, float* c, int64_t c_step);

// Rows turned into columns, for use as B: `rows` [count × width] becomes panels
// [count / 64][width × 64], each to be given to MultiplyInto with n = b_step =
// 64 for 64 of the rows. A panel of 64 × 64 fits the L1 cache. count is a
// multiple of kPackedRows.
inline constexpr int64_t kPackedRows = 64;
void PackTransposed(const float* rows, int64_t count, int64_t width,
                    float* panels);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_KERNELS_MATRIX_KERNELS_H_
