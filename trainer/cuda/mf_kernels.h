#ifndef TAUD_TRAINER_CUDA_MF_KERNELS_H_
#define TAUD_TRAINER_CUDA_MF_KERNELS_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

// The kernels of one step of matrix factorisation on a GPU. The mathematics is
// SsmLoss' and RowAdamStep's, in float; sums have a fixed order, so that the
// same step on the same GPU gives the same bits. All pointers are to memory of
// the GPU, and all calls return at once: what they start is done in the order
// of `stream`.

namespace taud::trainer {

// The widest rows that these kernels take.
constexpr int kMaxGpuDim = 128;

// The width that rows are computed with, and their number in whole tiles.
constexpr int PaddedDim(int dim) {
  return dim <= 32 ? 32 : dim <= 64 ? 64 : 128;
}
constexpr uint32_t kTileRows = 64;
constexpr uint32_t PaddedRows(uint32_t rows) {
  return (rows + kTileRows - 1) / kTileRows * kTileRows;
}

// The rows of one side with their optimiser's state.
struct GpuTable {
  float* values = nullptr;      // [rows × dim]
  float* moment1 = nullptr;     // the same
  float* moment2 = nullptr;     // the same
  uint32_t* updates = nullptr;  // [rows]
};

// A batch as SsmBatch has it, and the scratch memory of its step.
struct GpuBatch {
  int dim = 0;
  uint32_t rows = 0;
  uint32_t negatives = 0;
  const uint32_t* users = nullptr;           // [rows]
  const uint32_t* positives = nullptr;       // [rows]
  const float* temperatures = nullptr;       // [rows]
  const float* weights = nullptr;            // [rows]
  const uint32_t* negative_items = nullptr;  // [negatives]
  const float* counts = nullptr;             // [negatives], or null: 1
  // [rows] where the row's positive stands among the negatives; −1: nowhere.
  const int32_t* own_slot = nullptr;
  // [rows × ⌈negatives / 32⌉] bits of negatives that are not to count in the
  // row, or null.
  const uint32_t* excluded = nullptr;
  // [rows × ⌈dim / 32⌉] bits of coordinates that dropout leaves, or null.
  const uint32_t* kept = nullptr;
  float common_temperature = 0;
  float rho = 1;
  float negative_weight = 1;

  // How many parts the negatives, and the rows, are divided into for sums.
  uint32_t negative_parts = 1;
  uint32_t row_parts = 1;

  // What follows is scratch memory. Columns are rows again, for the products:
  // tiles of 64 rows, each [PaddedDim(dim) × 64], zero where there is nothing.
  float* user_columns = nullptr;      // [PaddedRows(rows) × PaddedDim(dim)]
  float* negative_columns = nullptr;  // the same of the negatives
  float* user_rows = nullptr;         // [rows × dim] after dropout, unit norm
  float* kept_scale = nullptr;        // [rows] MaskRow's factor
  float* negative_rows = nullptr;     // [negatives × dim]
  float4* sums = nullptr;             // [negative_parts × rows]
  float4* row_terms = nullptr;        // [rows]
  float* user_parts = nullptr;        // [negative_parts × rows × dim]
  float* negative_grads = nullptr;    // [row_parts × negatives × dim]

  float* cosines = nullptr;        // [rows], as MfStepResult
  float* losses = nullptr;         // [rows]
  float* common_losses = nullptr;  // [rows]
};

// Which gradients belong to each distinct row that a step moves.
struct GpuMoves {
  uint32_t count = 0;              // distinct rows
  const uint32_t* rows = nullptr;  // [count] of the table
  const float* rates = nullptr;    // [count]
  // [count + 1] where each row's part of `entries` begins. An entry is a row
  // of the batch, or for items batch.rows + j for negative j.
  const uint32_t* begin = nullptr;
  const uint32_t* entries = nullptr;
};

// Losses, and the gradients in parts. `users` and `items` are read.
void ComputeGradients(const GpuTable& users, const GpuTable& items,
                      const GpuBatch& batch, cudaStream_t stream);

// Adam on the sphere for the rows of a step, after ComputeGradients; users
// first, for their gradients read the items. Adds to *kept_back how many rows
// stayed where they were. `corrections` [2 × (kCorrectedSteps + 1)], see
// FillCorrections.
constexpr uint32_t kCorrectedSteps = 20000;
void MoveUsers(const GpuTable& users, const GpuTable& items,
               const GpuBatch& batch, const GpuMoves& moves,
               const float* corrections, int32_t* kept_back,
               cudaStream_t stream);
void MoveItems(const GpuTable& items, const GpuBatch& batch,
               const GpuMoves& moves, const float* corrections,
               int32_t* kept_back, cudaStream_t stream);
// 1 / (1 − β₁^t) for t up to kCorrectedSteps, then 1 / (1 − β₂^t). On the CPU.
void FillCorrections(float* corrections);

// Representations that are made of other parameters: the users' rows, then the
// items'.
struct GpuRepresentations {
  uint32_t users = 0;
  const float* units = nullptr;  // [users + items × dim] unit norm
  const float* norms = nullptr;  // [users + items] before that
  // What the parameters are to be multiplied by, and with them the norms.
  const float* scale = nullptr;
  float share = 1;             // factor of all gradients
  float* gradients = nullptr;  // [users + items × dim], zero where nobody moves
  int32_t* failed = nullptr;   // set to 1 if a gradient is not finite
};

// After ComputeGradients on the unit rows: the gradients on the
// representations.
void CollectGradients(const GpuRepresentations& all, const GpuBatch& batch,
                      const GpuMoves& users, const GpuMoves& items,
                      cudaStream_t stream);

// Replaces `rows` [count] of the table by `values` [count × dim], with fresh
// optimiser state.
void ScatterRows(const uint32_t* rows, uint32_t count, const float* values,
                 int dim, const GpuTable& table, cudaStream_t stream);
// Copies `rows` of the table to `values`.
void GatherRows(const uint32_t* rows, uint32_t count, const GpuTable& table,
                int dim, float* values, cudaStream_t stream);

// For each of kMomentBlocks blocks the sum of its rows [dim] and of their
// outer products [dim × dim]: sums [kMomentBlocks × (dim + dim · dim)].
constexpr int kMomentBlocks = 128;
void SumMoments(const float* values, size_t rows, int dim, float* sums,
                cudaStream_t stream);
// The products of pairs of rows.
void PairCosines(const GpuTable& users, const GpuTable& items, int dim,
                 const uint32_t* pair_users, const uint32_t* pair_items,
                 uint32_t count, float* cosines, cudaStream_t stream);
// flags[r] = 1 where row r has a value that is not finite, 0 elsewhere.
void FlagNonFinite(const float* values, size_t rows, int dim, uint8_t* flags,
                   cudaStream_t stream);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_CUDA_MF_KERNELS_H_
