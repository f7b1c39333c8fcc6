#include "trainer/online/online_trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tests/trainer/online/online_trainer_testing.h"
#include "tests/trainer/synthetic_data.h"

namespace taud::trainer {
namespace {

using ::testing::HasSubstr;

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

}  // namespace
}  // namespace taud::trainer
