#ifndef TAUD_TESTS_TRAINER_ONLINE_ONLINE_FIT_TESTING_H_
#define TAUD_TESTS_TRAINER_ONLINE_ONLINE_FIT_TESTING_H_

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "trainer/kernels/worker_pool.h"
#include "trainer/online/online_fit.h"

namespace taud::trainer {

inline constexpr int kDim = 16;

// A fit of small data on the CPU.
class OnlineFitTest : public testing::Test {
 protected:
  OnlineFitTest() : fit_(MakeFit()) {}

  std::unique_ptr<OnlineFit> MakeFit(uint64_t seed = 1) {
    OnlineFitOptions options;
    options.seed = seed;
    options.negatives = 128;
    auto learner = MakeCpuMf(kDim, &pool_);
    learner_ = learner.get();
    return std::make_unique<OnlineFit>(options, std::move(learner));
  }

  // Steps until settled; fails the test if that takes for ever.
  void Settle() {
    fit_->Absorb(interactions_);
    for (int step = 0; !fit_->Settled(); ++step) {
      ASSERT_LT(step, 200000);
      const absl::Status status = fit_->Step();
      ASSERT_TRUE(status.ok()) << status;
    }
  }
  std::unique_ptr<model::Snapshot> ValidSnapshot() {
    std::unique_ptr<model::Snapshot> snapshot = fit_->MakeSnapshot();
    const absl::Status status = model::ValidateSnapshot(*snapshot);
    EXPECT_TRUE(status.ok()) << status;
    return snapshot;
  }

  WorkerPool pool_{1};
  model::Interactions interactions_;
  MfLearner* learner_ = nullptr;  // the fit's
  std::unique_ptr<OnlineFit> fit_;
};

}  // namespace taud::trainer

#endif  // TAUD_TESTS_TRAINER_ONLINE_ONLINE_FIT_TESTING_H_
