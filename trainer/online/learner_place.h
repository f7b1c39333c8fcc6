#ifndef TAUD_TRAINER_ONLINE_LEARNER_PLACE_H_
#define TAUD_TRAINER_ONLINE_LEARNER_PLACE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "device/device.h"
#include "trainer/kernels/worker_pool.h"
#include "trainer/mf/mf_learner.h"

namespace taud::trainer {

// When a GPU that failed is tried again: after two snapshots, then after twice
// as many each time, up to 128. Pure.
class GpuRetry {
 public:
  void NoteError() {
    wait_ = next_;
    next_ = next_ < kMost ? 2 * next_ : kMost;
  }
  // Whether this snapshot is the one to try it at.
  bool DueAtSnapshot() { return wait_ > 0 && --wait_ == 0; }

 private:
  static constexpr int kMost = 128;
  int wait_ = 0;  // snapshots until the next try; 0: none is owed
  int next_ = 2;
};

// Where the online trainer's learner is, on a GPU or on the CPU, and what makes
// it there:
//
//   cuda ──Leave, or it cannot be made──▶ cpu ──TryAgain──▶ cuda
//
// One thread's. Owns the threads of learners on the CPU, and outlives every
// learner that it made.
class LearnerPlace {
 public:
  // Makes what learns on a GPU; UNAVAILABLE or RESOURCE_EXHAUSTED.
  using GpuMaker =
      std::function<absl::StatusOr<std::unique_ptr<MfLearner>>(int dim)>;
  // Called with what a GPU said when it failed.
  using OnError = std::function<void(const std::string& error)>;

  // `device` as in OnlineTrainerOptions. UNAVAILABLE or INVALID_ARGUMENT,
  // naming the option, if it cannot be had. `make` null: our kernels, or
  // LibTorch's for rows that are too wide for them; not null: it stands for a
  // GPU that is there. `on_error` may be null.
  static absl::StatusOr<std::unique_ptr<LearnerPlace>> Create(
      const std::string& device, int dim, int threads, GpuMaker make,
      OnError on_error);

  // A learner without rows. On the CPU from now on if the GPU does not make it.
  std::unique_ptr<MfLearner> Make();

  bool on_gpu() const { return place_.is_cuda; }
  std::string name() const { return device::ToString(place_); }
  uint64_t errors() const { return errors_; }
  const std::string& last_error() const { return last_error_; }

  // The GPU failed: the next learner is on the CPU.
  void Leave(const std::string& error);
  // To be asked at each snapshot. True when the next learner is to be on the
  // GPU again; its rows are then moved there.
  bool TryAgain();

 private:
  LearnerPlace(const device::Wish& wish, const device::Place& place, int dim,
               int threads, GpuMaker make, OnError on_error);
  absl::StatusOr<std::unique_ptr<MfLearner>> MakeOnGpu() const;
  void Note(const std::string& error);

  const device::Wish wish_;
  const int dim_;
  const int threads_;
  const GpuMaker make_;
  const OnError on_error_;
  device::Place place_;
  std::unique_ptr<WorkerPool> pool_;  // once there was a learner on the CPU
  GpuRetry retry_;
  uint64_t errors_ = 0;
  std::string last_error_;
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_ONLINE_LEARNER_PLACE_H_
