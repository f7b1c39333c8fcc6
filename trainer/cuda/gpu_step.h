#ifndef TAUD_TRAINER_CUDA_GPU_STEP_H_
#define TAUD_TRAINER_CUDA_GPU_STEP_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "device/cuda_memory.h"
#include "trainer/cuda/mf_kernels.h"
#include "trainer/mf/mf_learner.h"
#include "trainer/mf/ssm_loss.h"

// Only in a program built with CUDA.

namespace taud::trainer {

// The distinct rows of a step in order of first appearance, with the places
// of each in what was added. Thread-compatible.
class Grouping {
 public:
  // Forgets all. `rows` bounds the values that Add will be given.
  void Reset(size_t rows);
  void Add(const std::vector<uint32_t>& rows);

  const std::vector<uint32_t>& distinct() const { return distinct_; }
  size_t entries() const { return slots_.size(); }

  // For each distinct row where its part of `entries` begins,
  // [distinct() + 1], and the places [entries()], ascending for each row.
  void Write(uint32_t* begin, uint32_t* entries) const;

 private:
  std::vector<uint32_t> distinct_;
  std::vector<uint32_t> slots_;   // of each value added
  std::vector<int32_t> slot_of_;  // by row; −1: not met
};

// What one step of learning sends to a GPU and gets back, whatever moves the
// rows: the batch in one copy, scratch memory, and the losses. Its memory is
// used again by the next step. One thread's; `stream` outlives it. Throws
// device::CudaError.
class GpuStep {
 public:
  GpuStep(const device::Stream* stream, int dim);

  // Sends the batch for tables of so many rows; fills in what of *result the
  // CPU knows. Rates are by table row; null: none are sent.
  void Send(const SsmBatch& batch, size_t user_rows, size_t item_rows,
            const std::vector<float>* user_rates,
            const std::vector<float>* item_rates, MfStepResult* result);

  const GpuBatch& batch() const { return batch_; }
  const GpuMoves& user_moves() const { return user_moves_; }
  const GpuMoves& item_moves() const { return item_moves_; }
  // A number on the GPU, 0 after Send: what Receive puts into kept_back.
  int32_t* counter() const { return counter_.data(); }

  // Waits for the step and copies its losses and the counter.
  void Receive(MfStepResult* result);

 private:
  struct Layout;
  // REQUIRES: the batch is grouped.
  Layout PlaceBatch(const SsmBatch& batch) const;
  void WriteBatch(const SsmBatch& batch, const Layout& layout, size_t item_rows,
                  const std::vector<float>* user_rates,
                  const std::vector<float>* item_rates, MfStepResult* result);
  void PointIntoSent(const SsmBatch& batch, const Layout& layout);
  void PlaceScratch();
  // The slots of the negatives, and what of them does not count.
  void FindFalseNegatives(const SsmBatch& batch, size_t item_rows,
                          int32_t* own_slot, uint32_t* excluded,
                          MfStepResult* result);

  const device::Stream* const stream_;
  const int dim_;
  Grouping user_grouping_, item_grouping_;
  std::vector<int32_t> slot_of_item_;  // by item; −1: not a negative
  device::PinnedArray<uint32_t> to_send_;
  device::PinnedArray<float> received_;
  device::DeviceArray<uint32_t> sent_;
  device::DeviceArray<float4> scratch_;
  device::DeviceArray<int32_t> counter_;
  GpuBatch batch_;
  GpuMoves user_moves_, item_moves_;
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_CUDA_GPU_STEP_H_
