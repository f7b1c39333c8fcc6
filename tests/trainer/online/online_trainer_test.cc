#include "trainer/online/online_trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "device/device.h"
#include "tests/trainer/synthetic_data.h"
#include "trainer/kernels/worker_pool.h"
#include "trainer/mf/mf_learner.h"

namespace taud::trainer {
namespace {

using ::testing::HasSubstr;

// Only to end a test that hangs.
constexpr absl::Duration kDeadline = absl::Seconds(60);

OnlineTrainerOptions SmallOptions() {
  OnlineTrainerOptions options;
  options.dim = 16;
  options.device = "cpu";
  options.nice = 0;
  options.negatives = 128;
  // Published when settled or asked for, not by the clock.
  options.publish_interval = absl::Hours(1);
  return options;
}

class OnlineTrainerTest : public testing::Test {
 protected:
  ~OnlineTrainerTest() override {
    if (trainer_ != nullptr) trainer_->Stop();
  }

  void Make(const OnlineTrainerOptions& options = SmallOptions()) {
    auto made = OnlineTrainer::Create(
        options, &interactions_,
        [this](std::unique_ptr<model::Snapshot> snapshot) {
          absl::MutexLock lock(&mutex_);
          if (throw_) throw std::runtime_error("no room for a snapshot");
          ++published_;
          newest_ = std::move(snapshot);
        });
    ASSERT_TRUE(made.ok()) << made.status();
    trainer_ = *std::move(made);
  }

  // The n-th publication, counted from 1, or a later one.
  std::unique_ptr<model::Snapshot> AwaitPublication(int n) {
    absl::MutexLock lock(&mutex_);
    const auto there = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return published_ >= n;
    };
    EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&there), kDeadline));
    EXPECT_NE(newest_, nullptr);
    if (newest_ == nullptr) return std::make_unique<model::Snapshot>();
    const absl::Status status = model::ValidateSnapshot(*newest_);
    EXPECT_TRUE(status.ok()) << status;
    return std::make_unique<model::Snapshot>(*newest_);
  }
  int published() {
    absl::MutexLock lock(&mutex_);
    return published_;
  }
  // Polls: the trainer tells nobody when its state changes.
  void AwaitState(TrainerState state) {
    AwaitStatus([state](const TrainerStatus& s) { return s.state == state; });
  }
  // Behind a publication: it has been noted, and when it was.
  void AwaitPublishes(uint64_t n) {
    AwaitStatus([n](const TrainerStatus& s) { return s.publishes >= n; });
  }
  // When there is nothing left to learn.
  void AwaitLearnt() {
    AwaitStatus([](const TrainerStatus& s) {
      return s.backlog == 0 && s.state == TrainerState::kIdle;
    });
  }
  // What it has learnt until there is nothing left, asked for.
  std::unique_ptr<model::Snapshot> PublicationWhenLearnt(int n) {
    AwaitLearnt();
    EXPECT_TRUE(trainer_->RequestPublish().ok());
    return AwaitPublication(n);
  }
  void AwaitStatus(const std::function<bool(const TrainerStatus&)>& there) {
    absl::Mutex mutex;
    absl::MutexLock lock(&mutex);
    const absl::Time end = absl::Now() + kDeadline;
    while (!there(trainer_->status())) {
      ASSERT_LT(absl::Now(), end) << TrainerStateName(trainer_->status().state)
                                  << " " << trainer_->status().error;
      mutex.AwaitWithTimeout(absl::Condition(
                                 +[](bool* b) { return *b; }, &never_),
                             absl::Milliseconds(1));
    }
  }

  bool never_ = false;
  model::Interactions interactions_;
  absl::Mutex mutex_;
  int published_ ABSL_GUARDED_BY(mutex_) = 0;
  bool throw_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<model::Snapshot> newest_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<OnlineTrainer> trainer_;
};

// Intervals go by the clock that nobody sets.
TEST_F(OnlineTrainerTest, PublishesByTheSteadyClock) {
  const ClusteredData data = MakeClusters(300, 200, 10, 12, 1);
  AppendAll(data.train, 1, &interactions_);
  std::atomic<int64_t> hours{0};
  OnlineTrainerOptions options = SmallOptions();
  options.steady_now = [&hours] {
    return absl::UnixEpoch() + absl::Hours(hours.load());
  };
  Make(options);
  trainer_->Start();
  AwaitPublication(1);
  AwaitPublishes(1);
  AwaitState(TrainerState::kIdle);
  // Nothing to learn: how far it has come is told when the interval is over.
  AppendOne(0, data.train[0][0], &interactions_);
  hours = 2;
  trainer_->Notify();
  EXPECT_EQ(AwaitPublication(2)->trained_through,
            interactions_.last_sequence());
}

// One write after the other, each learnt before the next: an idle trainer does
// not publish each of them.
TEST_F(OnlineTrainerTest, TheIntervalHoldsWhenIdle) {
  const ClusteredData data = MakeClusters(100, 80, 4, 8, 1);
  AppendAll(data.train, 1, &interactions_);
  std::atomic<int64_t> hours{0};
  OnlineTrainerOptions options = SmallOptions();
  options.steady_now = [&hours] {
    return absl::UnixEpoch() + absl::Hours(hours.load());
  };
  Make(options);
  trainer_->Start();
  AwaitPublication(1);
  for (uint32_t k = 0; k < 4; ++k) {
    AppendOne(100, 1 + 4 * k, &interactions_);
    trainer_->Notify();
    AwaitLearnt();
  }
  EXPECT_EQ(published(), 1);
  hours = 2;
  trainer_->Notify();
  EXPECT_EQ(AwaitPublication(2)->trained_through,
            interactions_.last_sequence());
}

TEST_F(OnlineTrainerTest, LearnsPublishesAndGoesIdle) {
  const ClusteredData data = MakeClusters(300, 200, 10, 12, 1);
  AppendAll(data.train, 1, &interactions_);
  Make();
  EXPECT_EQ(trainer_->status().state, TrainerState::kStopped);
  EXPECT_EQ(trainer_->status().device, "cpu");
  trainer_->Start();
  const auto snapshot = AwaitPublication(1);
  EXPECT_GT(Recall(*snapshot, data, 10), 0.9);
  EXPECT_GT(snapshot->created_ms, 0);
  EXPECT_EQ(snapshot->version, 0u);
  AwaitState(TrainerState::kIdle);
  const TrainerStatus status = trainer_->status();
  EXPECT_EQ(status.backlog, 0u);
  EXPECT_EQ(status.pairs, 300u * 12u);
  EXPECT_EQ(status.trained_through, interactions_.last_sequence());
  EXPECT_EQ(status.publishes, 1u);
  EXPECT_GT(status.steps, 0u);
  EXPECT_GT(status.epochs, 1);
  EXPECT_GT(status.tau0, 0);
  EXPECT_EQ(status.rho, snapshot->metrics.at("rho"));
  EXPECT_GT(status.loss, 0);
  EXPECT_LE(status.tau_user_p10, status.tau_user_p50);
  EXPECT_LE(status.tau_user_p50, status.tau_user_p90);
  EXPECT_FALSE(status.warming_up);
  EXPECT_EQ(status.positives_per_second, 0);
}

TEST_F(OnlineTrainerTest, WaitsForEnoughThenLearns) {
  Make();
  trainer_->Start();
  AwaitState(TrainerState::kWaiting);
  EXPECT_EQ(trainer_->RequestPublish().code(), absl::StatusCode::kUnavailable);
  const ClusteredData data = MakeClusters(50, 40, 4, 5, 1);
  AppendAll(data.train, 1, &interactions_);
  trainer_->Notify();
  AwaitPublication(1);
  AwaitState(TrainerState::kIdle);
}

// What is taken back may leave too little to learn from: the model that there
// is says all the same that it knows of it.
TEST_F(OnlineTrainerTest, WhatLeavesTooLittleToLearnIsPublishedToo) {
  OnlineTrainerOptions options = SmallOptions();
  options.publish_interval = absl::Milliseconds(1);
  Make(options);
  for (uint32_t user = 0; user < 4; ++user) {
    for (uint32_t k = 0; k < 2; ++k) {
      AppendOne(user, user + k, &interactions_);
    }
  }
  trainer_->Start();
  AwaitLearnt();
  for (uint32_t user = 0; user < 3; ++user) {
    AppendOne(user, user, &interactions_, model::InteractionKind::kDislike);
  }
  trainer_->Notify();
  AwaitState(TrainerState::kWaiting);
  const model::Sequence last = interactions_.last_sequence();
  const auto told = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return newest_ != nullptr && newest_->trained_through == last;
  };
  absl::MutexLock lock(&mutex_);
  EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&told), kDeadline));
}

TEST_F(OnlineTrainerTest, WakesOnNotifyAndGrows) {
  const ClusteredData data = MakeClusters(100, 80, 4, 8, 1);
  AppendAll(data.train, 1, &interactions_);
  Make();
  trainer_->Start();
  EXPECT_EQ(AwaitPublication(1)->users.rows, 100u);
  AwaitState(TrainerState::kIdle);
  for (uint32_t k = 0; k < 8; ++k) AppendOne(100, 1 + 4 * k, &interactions_);
  EXPECT_EQ(trainer_->status().backlog, 8u);
  trainer_->Notify();
  const auto snapshot = PublicationWhenLearnt(2);
  ASSERT_EQ(snapshot->users.rows, 101u);
  EXPECT_EQ(snapshot->user_degree[100], 8u);
  EXPECT_EQ(snapshot->trained_through, interactions_.last_sequence());
  EXPECT_GT(Cosine(*snapshot, 100, 1 + 4 * 15), Cosine(*snapshot, 100, 4 * 15));
}

TEST_F(OnlineTrainerTest, PausedLearnsNothingAndStillPublishesOnRequest) {
  const ClusteredData data = MakeClusters(100, 80, 4, 8, 1);
  AppendAll(data.train, 1, &interactions_);
  Make();
  trainer_->Start();
  AwaitPublication(1);
  AwaitState(TrainerState::kIdle);
  trainer_->Pause();
  AwaitState(TrainerState::kPaused);
  AppendOne(100, 1, &interactions_);
  trainer_->Notify();
  ASSERT_TRUE(trainer_->RequestPublish().ok());
  EXPECT_EQ(AwaitPublication(2)->users.rows, 100u);
  EXPECT_EQ(trainer_->status().state, TrainerState::kPaused);
  EXPECT_EQ(trainer_->status().backlog, 1u);
  trainer_->Resume();
  EXPECT_EQ(PublicationWhenLearnt(3)->users.rows, 101u);
}

TEST_F(OnlineTrainerTest, PausedBeforeStartWaitsForResume) {
  const ClusteredData data = MakeClusters(50, 40, 4, 5, 1);
  AppendAll(data.train, 1, &interactions_);
  Make();
  trainer_->Pause();
  trainer_->Start();
  AwaitState(TrainerState::kPaused);
  EXPECT_EQ(trainer_->status().steps, 0u);
  trainer_->Resume();
  AwaitPublication(1);
}

TEST_F(OnlineTrainerTest, PublishesWithinTheIntervalWhileLearning) {
  const ClusteredData data = MakeClusters(300, 200, 10, 12, 1);
  AppendAll(data.train, 1, &interactions_);
  OnlineTrainerOptions options = SmallOptions();
  options.publish_interval = absl::Microseconds(1);
  Make(options);
  trainer_->Start();
  AwaitPublication(20);
}

TEST_F(OnlineTrainerTest, AnAcceptedRequestIsKeptEvenIfStopFollows) {
  const ClusteredData data = MakeClusters(100, 80, 4, 8, 1);
  AppendAll(data.train, 1, &interactions_);
  Make();
  trainer_->Start();
  AwaitPublication(1);
  AwaitState(TrainerState::kIdle);
  ASSERT_TRUE(trainer_->RequestPublish().ok());
  trainer_->Stop();
  EXPECT_EQ(published(), 2);
  EXPECT_EQ(trainer_->status().state, TrainerState::kStopped);
  EXPECT_EQ(trainer_->RequestPublish().code(), absl::StatusCode::kUnavailable);
  trainer_->Stop();
}

TEST_F(OnlineTrainerTest, StopsInEveryState) {
  Make();
  trainer_->Stop();  // never started
  trainer_->Start();
  trainer_->Stop();  // waiting
  const ClusteredData data = MakeClusters(300, 200, 10, 12, 1);
  AppendAll(data.train, 1, &interactions_);
  trainer_->Start();
  trainer_->Stop();  // training, or before
  trainer_->Start();
  trainer_->Pause();
  trainer_->Stop();  // paused, or before
  EXPECT_EQ(trainer_->status().state, TrainerState::kStopped);
  trainer_->Resume();
  trainer_->Start();  // and it still learns
  EXPECT_GT(Recall(*AwaitPublication(1), data, 10), 0.9);
  trainer_.reset();  // idle, or before; the destructor stops it
}

TEST_F(OnlineTrainerTest, WarmStartKeepsQuality) {
  const ClusteredData data = MakeClusters(300, 200, 10, 12, 1);
  AppendAll(data.train, 1, &interactions_);
  Make();
  trainer_->Start();
  const auto first = AwaitPublication(1);
  trainer_->Stop();

  Make();
  ASSERT_TRUE(trainer_->WarmStart(*first).ok());
  trainer_->Start();
  AwaitState(TrainerState::kIdle);
  EXPECT_EQ(trainer_->status().steps, 0u);
  ASSERT_TRUE(trainer_->RequestPublish().ok());
  EXPECT_EQ(AwaitPublication(2)->users.values, first->users.values);
}

TEST_F(OnlineTrainerTest, WarmStartOfAnotherDimension) {
  Make();
  model::Snapshot snapshot;
  snapshot.items = model::Matrix(0, 5);
  const absl::Status status = trainer_->WarmStart(snapshot);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("5"));
}

TEST_F(OnlineTrainerTest, AnExceptionEndsLearningAndIsTold) {
  const ClusteredData data = MakeClusters(50, 40, 4, 5, 1);
  AppendAll(data.train, 1, &interactions_);
  {
    absl::MutexLock lock(&mutex_);
    throw_ = true;
  }
  Make();
  trainer_->Start();
  AwaitState(TrainerState::kFailed);
  EXPECT_THAT(trainer_->status().error, HasSubstr("no room for a snapshot"));
  const absl::Status status = trainer_->RequestPublish();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no room"));
  trainer_->Notify();

  // Once the cause is gone, Start begins again.
  {
    absl::MutexLock lock(&mutex_);
    throw_ = false;
  }
  trainer_->Start();
  AwaitPublication(1);
  AwaitState(TrainerState::kIdle);
  EXPECT_EQ(trainer_->status().error, "");
  EXPECT_EQ(trainer_->status().trained_through, interactions_.last_sequence());
}

TEST_F(OnlineTrainerTest, SeveralThreadsLearnAsWell) {
  const ClusteredData data = MakeClusters(300, 200, 10, 12, 1);
  AppendAll(data.train, 1, &interactions_);
  OnlineTrainerOptions options = SmallOptions();
  options.threads = 3;
  Make(options);
  trainer_->Start();
  EXPECT_GT(Recall(*AwaitPublication(1), data, 10), 0.9);
}

TEST(OnlineTrainerOptionsTest, RefusalsNameTheOption) {
  const struct {
    const char* name;
    std::function<void(OnlineTrainerOptions*)> spoil;
  } cases[] = {
      {"dim", [](auto* o) { o->dim = 0; }},
      {"dim", [](auto* o) { o->dim = 1025; }},
      {"device", [](auto* o) { o->device = "abacus"; }},
      {"threads", [](auto* o) { o->threads = 0; }},
      {"nice", [](auto* o) { o->nice = -1; }},
      {"nice", [](auto* o) { o->nice = 20; }},
      {"batch_rows", [](auto* o) { o->batch_rows = 0; }},
      {"negatives", [](auto* o) { o->negatives = 0; }},
      {"learning_rate", [](auto* o) { o->learning_rate = -0.1; }},
      {"learning_rate", [](auto* o) { o->learning_rate = std::nan(""); }},
      {"publish_interval",
       [](auto* o) { o->publish_interval = absl::ZeroDuration(); }},
  };
  const model::Interactions interactions;
  for (const auto& c : cases) {
    OnlineTrainerOptions options;
    c.spoil(&options);
    const absl::Status status =
        OnlineTrainer::Create(options, &interactions, [](auto) {}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.name;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.name));
  }
  EXPECT_FALSE(OnlineTrainer::Create({}, nullptr, [](auto) {}).ok());
  EXPECT_FALSE(OnlineTrainer::Create({}, &interactions, nullptr).ok());
}

TEST(TrainerStateNameTest, EveryStateHasOne) {
  EXPECT_STREQ(TrainerStateName(TrainerState::kIdle), "idle");
  EXPECT_STREQ(TrainerStateName(TrainerState::kFailed), "failed");
}

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
