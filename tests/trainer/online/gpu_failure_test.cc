// A trainer whose GPU fails: learning goes on on the CPU, from what was handed
// out last, and comes back.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "device/device.h"
#include "tests/trainer/online/online_trainer_testing.h"
#include "tests/trainer/synthetic_data.h"
#include "trainer/kernels/worker_pool.h"
#include "trainer/mf/mf_learner.h"

namespace taud::trainer {
namespace {

using ::testing::HasSubstr;

// Learns on the CPU, and fails like a GPU when its steps are used up.
class FailingGpu final : public MfLearner {
 public:
  FailingGpu(int dim, int steps) : pool_(1), steps_(steps) {
    learner_ = MakeCpuMf(dim, &pool_);
  }
  int dim() const override { return learner_->dim(); }
  size_t rows(Side side) const override { return learner_->rows(side); }
  void Grow(size_t users, size_t items) override {
    learner_->Grow(users, items);
  }
  void SetRows(Side side, const std::vector<uint32_t>& rows,
               const float* values) override {
    Check();
    learner_->SetRows(side, rows, values);
  }
  void GetRows(Side side, const std::vector<uint32_t>& rows,
               float* values) const override {
    Check();
    learner_->GetRows(side, rows, values);
  }
  void GetAllRows(Side side, float* values) const override {
    Check();
    learner_->GetAllRows(side, values);
  }
  void Step(const SsmBatch& batch, const std::vector<float>& user_rates,
            const std::vector<float>& item_rates,
            MfStepResult* result) override {
    --steps_;
    Check();
    learner_->Step(batch, user_rates, item_rates, result);
  }
  CosineMoments Moments(size_t trained_users, size_t trained_items,
                        const std::vector<uint32_t>& pair_users,
                        const std::vector<uint32_t>& pair_items) override {
    Check();
    return learner_->Moments(trained_users, trained_items, pair_users,
                             pair_items);
  }
  void Export(Side side, MfTable* table) const override {
    Check();
    learner_->Export(side, table);
  }
  void Import(Side side, const MfTable& table) override {
    Check();
    learner_->Import(side, table);
  }
  std::vector<uint32_t> NonFiniteRows(Side side) const override {
    return learner_->NonFiniteRows(side);
  }

 private:
  void Check() const {
    if (steps_ < 0) throw device::DeviceError("the GPU fell off the bus");
  }
  WorkerPool pool_;
  std::unique_ptr<MfLearner> learner_;
  int steps_;
};

class GpuFailureTest : public OnlineTrainerTest {
 protected:
  // Other pairs of the same users and items each time.
  void AppendClusters() {
    const ClusteredData data = MakeClusters(100, 80, 4, 6, ++clusters_);
    AppendAll(data.train, static_cast<uint32_t>(clusters_), &interactions_);
  }
  // The n-th GPU learner makes steps[n] steps and then fails; beyond the end
  // there is none.
  OnlineTrainerOptions Options(std::vector<int> steps) {
    OnlineTrainerOptions options = SmallOptions();
    options.device = "cuda";
    options.make_gpu_learner =
        [this, steps](int dim) -> absl::StatusOr<std::unique_ptr<MfLearner>> {
      const size_t made = made_++;
      if (made >= steps.size()) return absl::UnavailableError("no GPU left");
      return std::make_unique<FailingGpu>(dim, steps[made]);
    };
    options.on_gpu_error = [this](const std::string& error) {
      absl::MutexLock lock(&errors_mutex_);
      errors_.push_back(error);
    };
    return options;
  }
  std::vector<std::string> errors() {
    absl::MutexLock lock(&errors_mutex_);
    return errors_;
  }

  size_t made_ = 0;
  int clusters_ = 0;
  absl::Mutex errors_mutex_;
  std::vector<std::string> errors_ ABSL_GUARDED_BY(errors_mutex_);
};

TEST_F(GpuFailureTest, LearningGoesOnOnTheCpu) {
  AppendClusters();
  Make(Options({40}));
  trainer_->Start();
  const std::unique_ptr<model::Snapshot> snapshot = AwaitPublication(1);
  ASSERT_NE(snapshot, nullptr);
  EXPECT_TRUE(model::ValidateSnapshot(*snapshot).ok());
  EXPECT_EQ(snapshot->trained_through, interactions_.last_sequence());
  const TrainerStatus status = trainer_->status();
  EXPECT_EQ(status.device, "cpu");
  EXPECT_EQ(status.gpu_errors, 1u);
  EXPECT_EQ(status.last_gpu_error, "the GPU fell off the bus");
  EXPECT_EQ(errors().size(), 1u);
}

TEST_F(GpuFailureTest, WhatWasPublishedIsNotLearntFromNothingAgain) {
  AppendClusters();
  Make(Options({100000}));
  trainer_->Start();
  const std::unique_ptr<model::Snapshot> first = AwaitPublication(1);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(trainer_->status().device, "cuda:0");
  const uint64_t steps = trainer_->status().steps;
  trainer_->Stop();
  EXPECT_GT(steps, 0u);

  // The same again with a GPU that fails at the first step after that.
  trainer_.reset();
  published_ = 0;
  made_ = 0;
  Make(Options({static_cast<int>(steps)}));
  trainer_->Start();
  ASSERT_NE(AwaitPublication(1), nullptr);
  AppendClusters();
  trainer_->Notify();
  const std::unique_ptr<model::Snapshot> second = PublicationWhenLearnt(2);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(trainer_->status().device, "cpu");
  EXPECT_EQ(trainer_->status().gpu_errors, 1u);
  EXPECT_EQ(second->trained_through, interactions_.last_sequence());
  // It went on from the first snapshot: its rows are near where they were.
  double cosine = 0;
  for (size_t i = 0; i < first->items.rows; ++i) {
    for (size_t c = 0; c < first->items.cols; ++c) {
      cosine += double{first->items.Row(i)[c]} * second->items.Row(i)[c];
    }
  }
  EXPECT_GT(cosine / static_cast<double>(first->items.rows), 0.8);
}

TEST_F(GpuFailureTest, TheGpuIsTriedAgainAtALaterSnapshot) {
  AppendClusters();
  Make(Options({40, 100000}));
  trainer_->Start();
  ASSERT_NE(AwaitPublication(1), nullptr);
  for (int publication = 2; publication < 10; ++publication) {
    if (trainer_->status().device == "cuda:0") break;
    ASSERT_TRUE(trainer_->RequestPublish().ok());
    ASSERT_NE(AwaitPublication(publication), nullptr);
  }
  EXPECT_EQ(made_, 2u);
  EXPECT_EQ(trainer_->status().device, "cuda:0");
  EXPECT_EQ(trainer_->status().gpu_errors, 1u);
}

TEST_F(GpuFailureTest, AnErasureIsCarriedOutThough) {
  AppendClusters();
  Make(Options({100000}));
  trainer_->Start();
  ASSERT_NE(AwaitPublication(1), nullptr);
  const uint64_t steps = trainer_->status().steps;
  trainer_.reset();
  published_ = 0;
  made_ = 0;
  Make(Options({static_cast<int>(steps)}));
  trainer_->Start();
  ASSERT_NE(AwaitPublication(1), nullptr);
  AppendClusters();  // the next step fails
  absl::Notification done;
  std::unique_ptr<model::TrainingState> state;
  interactions_.Erase({0}, {});
  ASSERT_TRUE(trainer_
                  ->Forget({0}, {},
                           [&](auto after) {
                             ASSERT_TRUE(after.ok()) << after.status();
                             state = *std::move(after);
                             done.Notify();
                           })
                  .ok());
  trainer_->Notify();
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(kDeadline));
  const std::unique_ptr<model::Snapshot> after = PublicationWhenLearnt(3);
  ASSERT_NE(after, nullptr);
  EXPECT_EQ(after->user_degree[0], 0u);
  for (size_t c = 0; c < after->users.cols; ++c) {
    EXPECT_EQ(after->users.Row(0)[c], 0.0f);
  }
}

TEST_F(GpuFailureTest, WithoutAGpuCudaIsRefusedAndSaysWhy) {
  if (device::NumGpus() > 0) GTEST_SKIP() << "there is a GPU";
  OnlineTrainerOptions options = SmallOptions();
  options.device = "cuda";
  const auto made = OnlineTrainer::Create(
      options, &interactions_, [](std::unique_ptr<model::Snapshot>) {});
  EXPECT_TRUE(absl::IsUnavailable(made.status()));
  EXPECT_THAT(made.status().message(), HasSubstr("trainer.device"));
  options.device = "auto";
  Make(options);
  EXPECT_EQ(trainer_->status().device, "cpu");
}

}  // namespace
}  // namespace taud::trainer
