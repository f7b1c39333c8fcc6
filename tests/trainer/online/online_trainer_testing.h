#ifndef TAUD_TESTS_TRAINER_ONLINE_ONLINE_TRAINER_TESTING_H_
#define TAUD_TESTS_TRAINER_ONLINE_ONLINE_TRAINER_TESTING_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "trainer/online/online_trainer.h"

namespace taud::trainer {

// Only to end a test that hangs.
inline constexpr absl::Duration kDeadline = absl::Seconds(60);

inline OnlineTrainerOptions SmallOptions() {
  OnlineTrainerOptions options;
  options.dim = 16;
  options.device = "cpu";
  options.nice = 0;
  options.negatives = 128;
  // Published when settled or asked for, not by the clock.
  options.publish_interval = absl::Hours(1);
  return options;
}

// A trainer on the CPU, what it publishes, and waiting for it.
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

}  // namespace taud::trainer

#endif  // TAUD_TESTS_TRAINER_ONLINE_ONLINE_TRAINER_TESTING_H_
