#include "server/lifecycle/publisher.h"

#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/serving/serving_model.h"
#include "store/files/snapshot_files.h"
#include "tests/server/test_world.h"
#include "tests/store/temp_dir.h"

namespace taud::server {
namespace {

constexpr size_t kUsers = 3, kItems = 10, kDim = 8;

class PublisherTest : public testing::Test {
 protected:
  PublisherTest() {
    FillDictionaries(kUsers, kItems, &state_);
    Publisher::Options options;
    options.shelf.directory = directory_.path();
    options.dim = kDim;
    options.steady_now = [this] {
      return absl::UnixEpoch() + absl::Seconds(seconds_.load());
    };
    publisher_ = std::make_unique<Publisher>(options, &state_, &slot_,
                                             [](Publisher::SwapKind) {});
  }

  // Counts how often it is called, and keeps what with.
  Publisher::Done Count() {
    return [this](absl::StatusOr<Published> published) {
      answers_.push_back(std::move(published));
    };
  }

  // Has its turn when all that was offered has been taken, and so replaces
  // nothing.
  void LetItWork() {
    ASSERT_TRUE(publisher_->RunQuietly([] { return absl::OkStatus(); }).ok());
    ASSERT_TRUE(publisher_->RunQuietly([] { return absl::OkStatus(); }).ok());
  }
  std::unique_ptr<model::Snapshot> Snapshot(model::Sequence through) {
    auto snapshot = MakeSnapshot(kUsers, kItems, kDim);
    snapshot->trained_through = through;
    return snapshot;
  }
  absl::Status Publish() {
    return publisher_->PublishNow([] { return absl::OkStatus(); }, Count());
  }
  size_t OnDisk() {
    const auto saved = store::ListSnapshots(directory_.path());
    return saved.ok() ? saved->size() : 0;
  }

  std::atomic<int64_t> seconds_{0};
  model::State state_;
  store::TempDir directory_;
  ServingSlot slot_;
  // After Stop, which joins the thread that adds to it.
  std::vector<absl::StatusOr<Published>> answers_;
  std::unique_ptr<Publisher> publisher_;
};

TEST_F(PublisherTest, SoManyRollbacksWaitAndEachIsAnswered) {
  for (int i = 0; i < 64; ++i) {
    ASSERT_TRUE(publisher_->Rollback(1, Count()).ok()) << i;
  }
  const absl::Status full = publisher_->Rollback(1, Count());
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(full.message()), testing::HasSubstr("Rollback"));
  publisher_->Start();
  publisher_->Stop();
  ASSERT_EQ(answers_.size(), 64u);
  for (const auto& answer : answers_) {
    EXPECT_EQ(answer.status().code(), absl::StatusCode::kNotFound);
  }
}

TEST_F(PublisherTest, SoManyCallsOfPublishWaitAndOneSnapshotAnswersAll) {
  const auto trainer_agrees = [] { return absl::OkStatus(); };
  for (int i = 0; i < 64; ++i) {
    ASSERT_TRUE(publisher_->PublishNow(trainer_agrees, Count()).ok()) << i;
  }
  bool asked = false;
  const absl::Status full = publisher_->PublishNow(
      [&] {
        asked = true;
        return absl::OkStatus();
      },
      Count());
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(asked) << "the trainer was asked for a call that was refused";
  publisher_->Offer(MakeSnapshot(kUsers, kItems, kDim));
  publisher_->Start();
  publisher_->Stop();
  ASSERT_EQ(answers_.size(), 64u);
  for (const auto& answer : answers_) {
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->version, 1u);
  }
  EXPECT_EQ(publisher_->Saved().size(), 1u);
}

TEST_F(PublisherTest, WhoWaitsWhenItStopsIsTold) {
  ASSERT_TRUE(
      publisher_->PublishNow([] { return absl::OkStatus(); }, Count()).ok());
  publisher_->Start();
  publisher_->Stop();
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(publisher_->Rollback(1, Count()).code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(
      publisher_->PublishNow([] { return absl::OkStatus(); }, Count()).code(),
      absl::StatusCode::kUnavailable);
  EXPECT_EQ(answers_.size(), 1u);
}

TEST_F(PublisherTest, ATrainerThatRefusesEndsTheWait) {
  const auto trainer_refuses = [] { return absl::InternalError("not now"); };
  for (int i = 0; i < 65; ++i) {
    EXPECT_EQ(publisher_->PublishNow(trainer_refuses, Count()).message(),
              "not now");
  }
  publisher_->Start();
  publisher_->Stop();
  EXPECT_TRUE(answers_.empty());
}

TEST_F(PublisherTest, ASnapshotThatIsNotFiniteIsRefusedAndTheOldOneServes) {
  publisher_->Start();
  publisher_->Offer(MakeSnapshot(kUsers, kItems, kDim));
  // Has its turn when the first was taken, so that the second cannot replace
  // it.
  ASSERT_TRUE(publisher_->RunQuietly([] { return absl::OkStatus(); }).ok());
  auto bad = MakeSnapshot(kUsers, kItems, kDim, 2);
  bad->items.Row(4)[2] = std::nanf("");
  publisher_->Offer(std::move(bad));
  publisher_->Stop();
  EXPECT_EQ(publisher_->stats().rejected, 1u);
  EXPECT_THAT(publisher_->stats().last_rejection,
              testing::HasSubstr("not finite"));
  ASSERT_NE(slot_.Get(), nullptr);
  EXPECT_EQ(slot_.Get()->snapshot->version, 1u);
}

// A rollback holds until a snapshot that was asked for serves.
TEST_F(PublisherTest, ARejectedOrUnsavedPublishDoesNotEndARollback) {
  publisher_->Start();
  publisher_->Offer(Snapshot(5));
  LetItWork();
  ASSERT_TRUE(publisher_->Rollback(1, Count()).ok());
  LetItWork();
  ASSERT_EQ(publisher_->pinned(), 1u);

  ASSERT_TRUE(Publish().ok());
  auto bad = Snapshot(6);
  bad->items.Row(4)[2] = std::nanf("");
  publisher_->Offer(std::move(bad));
  LetItWork();
  EXPECT_EQ(publisher_->pinned(), 1u);

  // The place of the next version is taken by what is no snapshot.
  std::ofstream(directory_.path() + "/" + absl::StrFormat("%020d", 2)) << "x";
  ASSERT_TRUE(Publish().ok());
  publisher_->Offer(Snapshot(6));
  LetItWork();
  EXPECT_EQ(publisher_->pinned(), 1u);
  EXPECT_EQ(slot_.Get()->snapshot->version, 1u);
  EXPECT_EQ(store::ReadPinned(directory_.path()).value(), 1u);

  ASSERT_TRUE(Publish().ok());
  publisher_->Offer(Snapshot(6));
  publisher_->Stop();
  EXPECT_EQ(publisher_->pinned(), 0u);
  EXPECT_EQ(store::ReadPinned(directory_.path()).value(), 0u);
  EXPECT_EQ(slot_.Get()->snapshot->version, 3u);
  ASSERT_EQ(answers_.size(), 4u);
  EXPECT_TRUE(answers_[0].ok());
  EXPECT_FALSE(answers_[1].ok());
  EXPECT_FALSE(answers_[2].ok());
  EXPECT_TRUE(answers_[3].ok());
}

// After a start from a checkpoint that is older than the snapshot.
TEST_F(PublisherTest, WhatIsBehindTheServingSnapshotIsHeldBackNotRejected) {
  publisher_->Start();
  publisher_->Offer(Snapshot(100));
  LetItWork();
  ASSERT_TRUE(Publish().ok());
  publisher_->Offer(Snapshot(40));
  LetItWork();
  publisher_->Offer(Snapshot(99));
  LetItWork();
  EXPECT_EQ(publisher_->stats().rejected, 0u);
  EXPECT_EQ(publisher_->stats().held_back, 2u);
  EXPECT_EQ(slot_.Get()->snapshot->version, 1u);
  EXPECT_TRUE(answers_.empty()) << "the caller waits until it has caught up";
  publisher_->Offer(Snapshot(100));
  publisher_->Stop();
  EXPECT_EQ(slot_.Get()->snapshot->version, 2u);
  ASSERT_EQ(answers_.size(), 1u);
  ASSERT_TRUE(answers_[0].ok()) << answers_[0].status();
  EXPECT_EQ(answers_[0]->trained_through, 100u);
}

TEST_F(PublisherTest, WhatThrowsOnItsThreadFailsTheOneThing) {
  publisher_->Start();
  const absl::Status thrown =
      publisher_->RunQuietly([]() -> absl::Status { throw std::bad_alloc(); });
  EXPECT_EQ(thrown.code(), absl::StatusCode::kResourceExhausted) << thrown;
  publisher_->Offer(Snapshot(5));
  publisher_->Stop();
  EXPECT_EQ(slot_.Get()->snapshot->version, 1u);
}

TEST_F(PublisherTest, SavesByTheSteadyClock) {
  publisher_->Start();
  publisher_->Offer(Snapshot(1));
  LetItWork();
  EXPECT_EQ(OnDisk(), 1u);
  publisher_->Offer(Snapshot(2));
  LetItWork();
  EXPECT_EQ(OnDisk(), 1u);
  seconds_ = 31;
  publisher_->Offer(Snapshot(3));
  LetItWork();
  EXPECT_EQ(OnDisk(), 2u);
  publisher_->Stop();
}

// An erasure does not make a snapshot a saved one.
TEST_F(PublisherTest, WhatAnErasureLeavesOfAnUnsavedSnapshotIsSavedAtTheEnd) {
  publisher_->Start();
  publisher_->Offer(Snapshot(1));
  LetItWork();
  publisher_->Offer(Snapshot(2));
  LetItWork();
  ASSERT_EQ(OnDisk(), 1u);
  ASSERT_TRUE(publisher_->Erase({0}, {}, {}).ok());
  publisher_->Stop();
  EXPECT_EQ(OnDisk(), 2u);
  const auto saved = store::ListSnapshots(directory_.path());
  ASSERT_TRUE(saved.ok());
  EXPECT_EQ(saved->back().trained_through, 2u);
}

}  // namespace
}  // namespace taud::server
