#ifndef TAUD_TRAINER_MF_MF_LEARNER_H_
#define TAUD_TRAINER_MF_MF_LEARNER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "trainer/kernels/worker_pool.h"
#include "trainer/mf/ssm_loss.h"
#include "trainer/temperature/temperature.h"

// No LibTorch header is included here.

namespace taud::trainer {

enum class Side { kUsers, kItems };

// What a step reports, one value a row of the batch.
struct MfStepResult {
  std::vector<float> cosines;        // f(u, i) before the step
  std::vector<float> losses;         // at the row's τ_u
  std::vector<float> common_losses;  // at the common temperature
  // Rows kept back because their step was not finite; see RepairRows.
  int64_t kept_back = 0;
  int64_t false_negatives = 0;  // see SsmResult
  // Root of the mean squared gradient of a row's user; 0 where it is not
  // computed: on a GPU it would have to be fetched.
  double gradient_norm = 0;
};

// One side's rows and their optimiser's state, [rows × dim] and [rows].
struct MfTable {
  std::vector<float> values, moment1, moment2;
  std::vector<uint32_t> updates;
};

// Matrix factorisation on the unit sphere: a row for each user and item,
// moved by the SSM loss and row-wise Adam. Three implementations compute the
// same thing: fused loops over chunks for the CPU (MakeCpuMf), kernels of our
// own for a GPU (MakeCudaMf in cuda/cuda_mf.h), and LibTorch tensors with the
// whole batch as one chunk for any device (MakeTensorMf): the reference of
// both, and for rows that are too wide for the kernels.
//
// On a GPU every method may throw device::DeviceError. The learner is then not
// to be used any more.
//
// Thread-compatible: one thread at a time. A row that was never set is zero
// and takes no part.
class MfLearner {
 public:
  virtual ~MfLearner() = default;

  virtual int dim() const = 0;
  virtual size_t rows(Side side) const = 0;
  // Whether Step mostly waits for a device, so that the CPU is free meanwhile.
  virtual bool waits_for_device() const { return false; }

  // Adds zero rows until there are that many. Never shrinks.
  virtual void Grow(size_t users, size_t items) = 0;
  // Replaces `rows` by `values` [rows.size() × dim] and forgets their optimiser
  // state. REQUIRES: distinct, below rows(side), unit norm.
  virtual void SetRows(Side side, const std::vector<uint32_t>& rows,
                       const float* values) = 0;
  // Copies `rows` to `values` [rows.size() × dim], or all rows in order.
  virtual void GetRows(Side side, const std::vector<uint32_t>& rows,
                       float* values) const = 0;
  virtual void GetAllRows(Side side, float* values) const = 0;

  // One step down the gradient of the batch. `user_rates` and `item_rates`
  // are learning rates by table row. REQUIRES: the batch names rows that
  // exist and were set.
  virtual void Step(const SsmBatch& batch, const std::vector<float>& user_rates,
                    const std::vector<float>& item_rates,
                    MfStepResult* result) = 0;

  // The moments of the cosine, see ComputeMoments. `trained_users` and
  // `trained_items` count the rows that were set.
  virtual CosineMoments Moments(size_t trained_users, size_t trained_items,
                                const std::vector<uint32_t>& pair_users,
                                const std::vector<uint32_t>& pair_items) = 0;

  // All rows with their optimiser's state. Import replaces what there was.
  // REQUIRES: the sizes agree.
  virtual void Export(Side side, MfTable* table) const = 0;
  virtual void Import(Side side, const MfTable& table) = 0;

  // The rows with a value that is not finite.
  virtual std::vector<uint32_t> NonFiniteRows(Side side) const = 0;
};

// `pool` must outlive the learner. 1 <= dim <= kMaxDim.
std::unique_ptr<MfLearner> MakeCpuMf(int dim, WorkerPool* pool);

// `device` as LibTorch writes it: "cpu", "cuda:0". Throws what LibTorch
// throws (c10::Error) where the device does not exist or fails.
std::unique_ptr<MfLearner> MakeTensorMf(int dim, const std::string& device);

// Whether LibTorch sees a CUDA device.
bool TorchHasCuda();

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_MF_MF_LEARNER_H_
