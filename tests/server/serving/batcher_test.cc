#include "server/serving/batcher.h"

#include <new>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "tests/server/test_world.h"

namespace taud::server {
namespace {

struct Outcome {
  absl::Status status;
  uint64_t version = 0;
  size_t answers = 0;
  std::vector<Recommendation> recommendations;
  absl::Notification done;
};

RecommendJob Job(size_t tasks, Outcome* outcome) {
  RecommendJob job;
  RecommendTask task;
  task.user = 0;
  task.k = 5;
  job.tasks.assign(tasks, task);
  job.done = {[outcome](absl::StatusOr<Answered> answered) {
    outcome->status = answered.status();
    if (answered.ok()) {
      outcome->version = answered->model->snapshot->version;
      outcome->answers = answered->answers.size();
      outcome->recommendations.assign(answered->answers.begin(),
                                      answered->answers.end());
    }
    outcome->done.Notify();
  }};
  return job;
}

std::shared_ptr<const ServingModel> Version(uint64_t version) {
  auto snapshot = MakeSnapshot(4, 20, 8, static_cast<int>(version));
  snapshot->version = version;
  return Build(std::move(snapshot));
}

class BatcherTest : public testing::Test {
 protected:
  BatcherTest() { FillDictionaries(4, 20, &state_); }

  // Occupies the only searcher until `release` is notified.
  void Block(Batcher* batcher, absl::Notification* release) {
    auto* blocked = new absl::Notification;
    RecommendJob job;
    job.tasks.resize(1);
    job.tasks[0].k = 1;
    job.done = {[blocked, release](const absl::StatusOr<Answered>&) {
      blocked->Notify();
      release->WaitForNotification();
    }};
    ASSERT_TRUE(batcher->Submit(std::move(job)).ok());
    blocked->WaitForNotification();
    delete blocked;
  }

  model::State state_;
  ServingSlot slot_;
};

TEST_F(BatcherTest, WithoutASnapshotItIsUnavailable) {
  Batcher batcher({}, &state_, &slot_);
  Outcome online;
  Outcome bulk;
  ASSERT_TRUE(batcher.Submit(Job(1, &online)).ok());
  ASSERT_TRUE(batcher.Submit(Job(3, &bulk)).ok());
  online.done.WaitForNotification();
  bulk.done.WaitForNotification();
  EXPECT_TRUE(absl::IsUnavailable(online.status)) << online.status;
  EXPECT_TRUE(absl::IsUnavailable(bulk.status)) << bulk.status;
}

TEST_F(BatcherTest, AnswersManyCallers) {
  slot_.Swap(Version(1));
  Batcher::Options options;
  options.threads = 2;
  Batcher batcher(options, &state_, &slot_);
  std::vector<Outcome> outcomes(200);
  for (Outcome& outcome : outcomes) {
    ASSERT_TRUE(batcher.Submit(Job(1, &outcome)).ok());
  }
  for (Outcome& outcome : outcomes) {
    outcome.done.WaitForNotification();
    EXPECT_TRUE(outcome.status.ok()) << outcome.status;
    EXPECT_EQ(outcome.answers, 1u);
    EXPECT_EQ(outcome.version, 1u);
  }
  EXPECT_EQ(batcher.stats().queries, 200u);
}

TEST_F(BatcherTest, GathersWhileBusy) {
  slot_.Swap(Version(1));
  Batcher batcher({}, &state_, &slot_);
  absl::Notification release;
  Block(&batcher, &release);
  std::vector<Outcome> outcomes(40);
  for (Outcome& outcome : outcomes) {
    ASSERT_TRUE(batcher.Submit(Job(1, &outcome)).ok());
  }
  EXPECT_EQ(batcher.stats().queued, 40u);
  release.Notify();
  for (Outcome& outcome : outcomes) outcome.done.WaitForNotification();
  EXPECT_EQ(batcher.stats().batches, 2u);  // the blocking one, and all others
}

// Those with rules are answered one by one, in turns with the others, and what
// a turn has no time for is not lost.
TEST_F(BatcherTest, CostlyJobsAndOthersAreAllAnswered) {
  slot_.Swap(Version(1));
  Batcher::Options options;
  options.max_batch = 8;
  Batcher batcher(options, &state_, &slot_);
  absl::Notification release;
  Block(&batcher, &release);
  std::vector<Outcome> outcomes(100);
  Outcome bulk;
  for (size_t i = 0; i < outcomes.size(); ++i) {
    RecommendJob job = Job(1, &outcomes[i]);
    if (i % 2 == 0) job.tasks[0].rules.max_per_tag = 1;
    if (i % 10 == 0) job.deadline = model::SteadyNow() - absl::Seconds(1);
    ASSERT_TRUE(batcher.Submit(std::move(job)).ok());
  }
  RecommendJob job = Job(30, &bulk);
  for (RecommendTask& task : job.tasks) task.rules.max_per_tag = 1;
  ASSERT_TRUE(batcher.Submit(std::move(job)).ok());
  EXPECT_EQ(batcher.stats().queued, 130u);
  release.Notify();
  bulk.done.WaitForNotification();
  EXPECT_EQ(bulk.answers, 30u);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    outcomes[i].done.WaitForNotification();
    if (i % 10 == 0) {
      EXPECT_TRUE(absl::IsDeadlineExceeded(outcomes[i].status));
    } else {
      EXPECT_TRUE(outcomes[i].status.ok()) << outcomes[i].status;
      EXPECT_EQ(outcomes[i].recommendations[0].items.size(), 5u);
    }
  }
  EXPECT_EQ(batcher.stats().queued, 0u);
}

TEST_F(BatcherTest, AFullQueueRefusesAtOnce) {
  slot_.Swap(Version(1));
  Batcher::Options options;
  options.max_queue = 2;
  options.max_batch = 4;
  Batcher batcher(options, &state_, &slot_);
  absl::Notification release;
  Block(&batcher, &release);
  Outcome first, second, refused, bulk, refused_bulk;
  ASSERT_TRUE(batcher.Submit(Job(1, &first)).ok());
  ASSERT_TRUE(batcher.Submit(Job(1, &second)).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(batcher.Submit(Job(1, &refused))));
  ASSERT_TRUE(batcher.Submit(Job(8, &bulk)).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(batcher.Submit(Job(2, &refused_bulk))));
  release.Notify();
  first.done.WaitForNotification();
  second.done.WaitForNotification();
  bulk.done.WaitForNotification();
  EXPECT_EQ(bulk.answers, 8u);
  EXPECT_FALSE(refused.done.HasBeenNotified());
  EXPECT_EQ(batcher.stats().refused, 2u);
}

TEST_F(BatcherTest, TheExpiredAndTheCancelledAreDropped) {
  slot_.Swap(Version(1));
  Batcher batcher({}, &state_, &slot_);
  Outcome expired, cancelled, live;
  RecommendJob late = Job(1, &expired);
  late.deadline = absl::InfinitePast();
  const std::atomic<bool> gone{true};
  RecommendJob abandoned = Job(1, &cancelled);
  abandoned.cancelled = &gone;
  ASSERT_TRUE(batcher.Submit(std::move(late)).ok());
  ASSERT_TRUE(batcher.Submit(std::move(abandoned)).ok());
  ASSERT_TRUE(batcher.Submit(Job(1, &live)).ok());
  expired.done.WaitForNotification();
  cancelled.done.WaitForNotification();
  live.done.WaitForNotification();
  EXPECT_TRUE(absl::IsDeadlineExceeded(expired.status));
  EXPECT_TRUE(absl::IsCancelled(cancelled.status));
  EXPECT_TRUE(live.status.ok());
  EXPECT_EQ(batcher.stats().expired, 2u);
}

// A bulk job takes several turns, and the model is swapped in between.
TEST_F(BatcherTest, OneBulkAnswerOneSnapshot) {
  slot_.Swap(Version(1));
  Batcher::Options options;
  options.max_batch = 2;
  Batcher batcher(options, &state_, &slot_);
  absl::Notification release;
  Block(&batcher, &release);
  Outcome bulk;
  ASSERT_TRUE(batcher.Submit(Job(6, &bulk)).ok());
  // Online work between the bulk turns; the first of it swaps the model.
  absl::BlockingCounter online(12);
  for (int i = 0; i < 12; ++i) {
    RecommendJob job;
    job.tasks.resize(1);
    job.tasks[0].k = 1;
    job.done = {[this, i, &online](const absl::StatusOr<Answered>&) {
      slot_.Swap(Version(static_cast<uint64_t>(i) + 2));
      online.DecrementCount();
    }};
    ASSERT_TRUE(batcher.Submit(std::move(job)).ok());
  }
  release.Notify();
  bulk.done.WaitForNotification();
  online.Wait();
  EXPECT_TRUE(bulk.status.ok());
  EXPECT_EQ(bulk.answers, 6u);
  ASSERT_GT(bulk.version, 0u);
  // The tasks are all the same: so are the answers of one snapshot.
  for (const Recommendation& answer : bulk.recommendations) {
    ASSERT_EQ(answer.items.size(), 5u);
    for (size_t i = 0; i < 5; ++i) {
      EXPECT_EQ(answer.items[i].item, bulk.recommendations[0].items[i].item);
      EXPECT_EQ(answer.items[i].score, bulk.recommendations[0].items[i].score);
    }
  }
}

TEST_F(BatcherTest, StopAnswersWhatWasAccepted) {
  slot_.Swap(Version(1));
  Batcher batcher({}, &state_, &slot_);
  absl::Notification release;
  Block(&batcher, &release);
  Outcome online, bulk, late;
  ASSERT_TRUE(batcher.Submit(Job(1, &online)).ok());
  ASSERT_TRUE(batcher.Submit(Job(100, &bulk)).ok());
  release.Notify();
  batcher.Stop();
  EXPECT_TRUE(online.done.HasBeenNotified());
  EXPECT_TRUE(bulk.done.HasBeenNotified());
  EXPECT_EQ(bulk.answers, 100u);
  EXPECT_TRUE(absl::IsUnavailable(batcher.Submit(Job(1, &late))));
}

// An index without memory.
class ThrowingIndex : public index::SearchIndex {
 public:
  absl::Status Search(absl::Span<const index::Query>,
                      std::vector<std::vector<index::Hit>>*) const override {
    throw std::bad_alloc();
  }
  std::string device() const override { return "cpu"; }
  index::IndexReport report() const override { return {}; }
  size_t size() const override { return 20; }
  size_t dim() const override { return 8; }
};

// Memory may be missing anywhere below: everybody gets an answer all the same,
// and the searcher goes on.
TEST_F(BatcherTest, AnExceptionIsAnAnswer) {
  auto broken = std::make_shared<ServingModel>();
  broken->snapshot = MakeSnapshot(4, 20, 8);
  broken->fold_in = std::make_unique<query::FoldIn>(broken->snapshot.get());
  broken->index = std::make_unique<ThrowingIndex>();
  slot_.Swap(broken);
  Batcher batcher({}, &state_, &slot_);
  Outcome first, second, bulk, later;
  ASSERT_TRUE(batcher.Submit(Job(1, &first)).ok());
  ASSERT_TRUE(batcher.Submit(Job(1, &second)).ok());
  ASSERT_TRUE(batcher.Submit(Job(3, &bulk)).ok());
  for (Outcome* outcome : {&first, &second, &bulk}) {
    outcome->done.WaitForNotification();
    EXPECT_TRUE(absl::IsResourceExhausted(outcome->status)) << outcome->status;
  }
  slot_.Swap(Version(1));
  ASSERT_TRUE(batcher.Submit(Job(1, &later)).ok());
  later.done.WaitForNotification();
  EXPECT_TRUE(later.status.ok()) << later.status;
}

TEST_F(BatcherTest, ADelayGathersAFullBatch) {
  slot_.Swap(Version(1));
  Batcher::Options options;
  options.max_batch = 8;
  options.max_delay = absl::InfiniteDuration();
  Batcher batcher(options, &state_, &slot_);
  std::vector<Outcome> outcomes(8);
  for (Outcome& outcome : outcomes) {
    EXPECT_EQ(batcher.stats().batches, 0u);
    ASSERT_TRUE(batcher.Submit(Job(1, &outcome)).ok());
  }
  for (Outcome& outcome : outcomes) outcome.done.WaitForNotification();
  EXPECT_EQ(batcher.stats().batches, 1u);
  Outcome last;
  ASSERT_TRUE(batcher.Submit(Job(1, &last)).ok());
  batcher.Stop();
  EXPECT_TRUE(last.status.ok()) << "nothing more comes";
}

TEST_F(BatcherTest, SaysBeforehandThatThereIsNoRoom) {
  slot_.Swap(Version(1));
  Batcher::Options options;
  options.max_queue = 1;
  Batcher batcher(options, &state_, &slot_);
  absl::Notification release;
  Block(&batcher, &release);
  EXPECT_TRUE(batcher.CheckRoom().ok());
  Outcome first;
  ASSERT_TRUE(batcher.Submit(Job(1, &first)).ok());
  const absl::Status full = batcher.CheckRoom();
  EXPECT_TRUE(absl::IsResourceExhausted(full));
  EXPECT_TRUE(
      full.GetPayload("type.googleapis.com/google.rpc.RetryInfo").has_value());
  EXPECT_EQ(batcher.stats().refused, 1u);
  release.Notify();
  first.done.WaitForNotification();
}

TEST_F(BatcherTest, AJobWithoutTasksIsRefused) {
  Batcher batcher({}, &state_, &slot_);
  Outcome outcome;
  EXPECT_TRUE(absl::IsInvalidArgument(batcher.Submit(Job(0, &outcome))));
}

}  // namespace
}  // namespace taud::server
