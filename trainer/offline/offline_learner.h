#ifndef TAUD_TRAINER_OFFLINE_OFFLINE_LEARNER_H_
#define TAUD_TRAINER_OFFLINE_OFFLINE_LEARNER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "model/item_lists.h"
#include "model/snapshot.h"
#include "trainer/kernels/worker_pool.h"
#include "trainer/mf/mf_learner.h"
#include "trainer/mf/ssm_loss.h"
#include "trainer/offline/offline_options.h"
#include "trainer/temperature/temperature.h"

// No LibTorch header is included here.

namespace taud::trainer {

// The rows of an offline fit and how a step moves them: what OfflineFit does
// not need to know of backbones and devices. Thread-compatible.
class OfflineLearner {
 public:
  virtual ~OfflineLearner() = default;

  // Whether Step mostly waits for a device: the next batch is then drawn
  // meanwhile, on another thread.
  virtual bool waits_for_device() const { return false; }

  // Before each epoch: graphs and clusters that change with the epoch.
  virtual void StartEpoch() {}

  // One step with one learning rate for all rows. `batch.negatives` is empty
  // if the learner draws its own. The result is that of MfLearner::Step.
  virtual void Step(const SsmBatch& batch, float rate,
                    MfStepResult* result) = 0;

  // The moments of the cosine over the rows that take part.
  virtual CosineMoments Moments(const std::vector<uint32_t>& pair_users,
                                const std::vector<uint32_t>& pair_items) = 0;

  // What to rank by, as inner products. [users × width], [items × width];
  // rows that were never learnt are zero.
  virtual model::Matrix Users() const = 0;
  virtual model::Matrix Items() const = 0;
  // The norms of the rows before normalisation, by item; SSM's Figure 5.
  virtual std::vector<float> ItemNorms() const = 0;

  // Temperatures that are learned through the loss, by user; empty if none.
  virtual std::vector<float> LearnedTemperatures() const { return {}; }
};

// Matrix factorisation by a MfLearner, which is empty and becomes the
// learner's. `train` must outlive the learner.
std::unique_ptr<OfflineLearner> MakeMfOfflineLearner(
    const OfflineFitOptions& options, const model::ItemLists& train,
    uint32_t num_items, std::unique_ptr<MfLearner> learner);

// What CpuLearnerTakes says yes to, by loops on the threads of `pool`, which
// must outlive the learner, as must `train`.
std::unique_ptr<OfflineLearner> MakeCpuLearner(const OfflineFitOptions& options,
                                               const model::ItemLists& train,
                                               uint32_t num_items,
                                               WorkerPool* pool);

// Any combination of the options, as LibTorch tensors with autograd on
// `device` ("cpu", "cuda", "cuda:1"); products with graphs on the CPU run on
// `pool`, which must outlive the learner, as must `train`.
// UNAVAILABLE if there is no such device, naming it.
absl::StatusOr<std::unique_ptr<OfflineLearner>> MakeAutogradLearner(
    const OfflineFitOptions& options, const model::ItemLists& train,
    uint32_t num_items, const std::string& device, WorkerPool* pool);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_OFFLINE_OFFLINE_LEARNER_H_
