#ifndef TAUD_TRAINER_KERNELS_ROW_ADAM_H_
#define TAUD_TRAINER_KERNELS_ROW_ADAM_H_

#include <cstdint>
#include <vector>

#include "trainer/kernels/embedding_table.h"
#include "trainer/kernels/gradient_rows.h"
#include "trainer/kernels/worker_pool.h"

namespace taud::trainer {

// Row-wise lazy Adam on the unit sphere: only rows with a gradient move, each
// counts its own steps for the bias correction, and each returns to unit norm.
// Rows that stay on the sphere keep their effective step size; free norms grow
// and training crawls.
//
// A row whose step would not be finite stays where it is and starts again
// with fresh moments.
//
// `rates` [gradients.rows()] are learning rates in radians-like units of the
// unit sphere. Returns the number of rows kept back because of a non-finite
// step. `pool` shares the rows out.
int64_t RowAdamStep(const GradientRows& gradients,
                    const std::vector<float>& rates, WorkerPool* pool,
                    EmbeddingTable* table);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_KERNELS_ROW_ADAM_H_
