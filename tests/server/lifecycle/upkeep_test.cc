#include "server/lifecycle/upkeep.h"

#include <atomic>
#include <filesystem>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/serving/serving_model.h"
#include "store/files/checkpoint_files.h"
#include "store/files/data_directory.h"
#include "tests/store/log/event_store_testing.h"
#include "tests/store/temp_dir.h"

namespace taud::server {
namespace {

constexpr int kDim = 8;

// The parts that the upkeep looks after, as the daemon puts them together.
class UpkeepTest : public testing::Test {
 protected:
  UpkeepTest() { options_.data_dir = dir_ / "data"; }
  ~UpkeepTest() override {
    if (upkeep_ == nullptr) return;
    trainer_->Stop();
    upkeep_->Stop(nullptr);
    publisher_->Stop();
    store_->Close();
  }

  void Start() {
    store::EventStore::Options store;
    store.directory = store::LogIn(options_.data_dir);
    auto opened = store::EventStore::Open(store, &state_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
    ASSERT_TRUE(store_->Replay(nullptr).ok());
    Publisher::Options publisher;
    publisher.shelf.directory = store::SnapshotsIn(options_.data_dir);
    publisher.dim = kDim;
    publisher_ = std::make_unique<Publisher>(publisher, &state_, &slot_,
                                             [this](Publisher::SwapKind) {
                                               if (!serves_.HasBeenNotified())
                                                 serves_.Notify();
                                             });
    trainer::OnlineTrainerOptions trainer;
    trainer.dim = kDim;
    trainer.device = "cpu";
    trainer.nice = 0;
    auto made = trainer::OnlineTrainer::Create(
        trainer, &state_.interactions,
        [this](std::unique_ptr<model::Snapshot> snapshot) {
          publisher_->Offer(std::move(snapshot));
        });
    ASSERT_TRUE(made.ok()) << made.status();
    trainer_ = *std::move(made);
    upkeep_ = std::make_unique<Upkeep>(options_, &state_, store_.get(),
                                       publisher_.get(), trainer_.get());
    publisher_->Start();
    trainer_->Start();
    upkeep_->Start();
  }

  // Enough to learn from, and learnt.
  void Learn() {
    std::vector<store::NewInteraction> batch;
    for (int n = 0; n < 60; ++n) {
      batch.push_back(
          store::Event(absl::StrCat("u", n % 6), absl::StrCat("i", n % 10)));
      batch.back().kind = model::InteractionKind::kLike;
    }
    ASSERT_TRUE(store::AppendAndWait(store_.get(), std::move(batch)).ok());
    trainer_->Notify();
    serves_.WaitForNotification();
  }
  absl::StatusOr<store::Erasure> Erase(const std::string& user) {
    absl::Notification finished;
    absl::StatusOr<store::Erasure> erasure = absl::UnknownError("");
    absl::Status status =
        store_->Erase(store::ErasureSubject::kUser, user, "", [&](auto done) {
          erasure = std::move(done);
          finished.Notify();
        });
    if (!status.ok()) return status;
    finished.WaitForNotification();
    upkeep_->Notify();
    return erasure;
  }
  // A backup has its turn behind the erasures that were notified before.
  absl::StatusOr<store::BackupManifest> Backup(const std::string& name) {
    absl::Notification finished;
    absl::StatusOr<store::BackupManifest> manifest = absl::UnknownError("");
    absl::Status status = upkeep_->Backup(dir_ / name, [&](auto made) {
      manifest = std::move(made);
      finished.Notify();
    });
    if (!status.ok()) return status;
    finished.WaitForNotification();
    return manifest;
  }

  std::atomic<int> calls_{0};
  store::TempDir dir_;
  Upkeep::Options options_;
  model::State state_;
  ServingSlot slot_;
  absl::Notification serves_;
  std::unique_ptr<store::EventStore> store_;
  std::unique_ptr<Publisher> publisher_;
  std::unique_ptr<trainer::OnlineTrainer> trainer_;
  std::unique_ptr<Upkeep> upkeep_;
};

TEST_F(UpkeepTest, ABackupThatIsCalledOffEndsAndLeavesNothing) {
  Start();
  ASSERT_TRUE(
      store::AppendAndWait(store_.get(), {store::Event("u", "i")}).ok());
  const auto made = Backup("first");
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_TRUE(std::filesystem::exists(dir_ / "first/BACKUP.json"));
  upkeep_->CallOffBackup();
  const auto called_off = Backup("second");
  EXPECT_EQ(called_off.status().code(), absl::StatusCode::kUnavailable)
      << called_off.status();
  EXPECT_FALSE(std::filesystem::exists(dir_ / "second"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "second.incomplete"));
}

TEST_F(UpkeepTest, AnErasureEndsWithoutRoomForACheckpoint) {
  options_.min_free_bytes = ~uint64_t{0};
  Start();
  Learn();
  ASSERT_TRUE(Erase("u3").ok());
  const uint64_t version = publisher_->stats().swaps;
  Backup("barrier").IgnoreError();
  EXPECT_TRUE(store_->PendingErasures().empty());
  const Upkeep::Stats stats = upkeep_->stats();
  EXPECT_EQ(stats.checkpoint_errors, 1u);
  EXPECT_GT(stats.checkpoints.since_ms, 0);
  EXPECT_THAT(stats.checkpoints.why, testing::HasSubstr("MiB left"));
  EXPECT_EQ(stats.erasure.since_ms, 0);
  EXPECT_TRUE(
      store::ListCheckpoints(store::CheckpointsIn(options_.data_dir))->empty());
  EXPECT_GE(publisher_->stats().swaps, version);
}

TEST_F(UpkeepTest, KnowsWhatIsOnTheDisk) {
  options_.watched = [] {};
  Start();
  // The first look is before the first backup.
  ASSERT_TRUE(Backup("barrier").ok());
  const Upkeep::Stats stats = upkeep_->stats();
  EXPECT_GT(stats.log_bytes, 0u);
  EXPECT_GT(stats.space.capacity_bytes, 0u);
  EXPECT_LE(stats.space.free_bytes, stats.space.capacity_bytes);
  EXPECT_EQ(stats.snapshots.since_ms, 0);
}

// The edge of the thread: what throws there ends nothing but itself.
TEST_F(UpkeepTest, WhatThrowsOnItsThreadIsSurvived) {
  options_.watch_interval = absl::ZeroDuration();
  options_.watched = [this] {
    ++calls_;
    throw std::bad_alloc();
  };
  Start();
  ASSERT_TRUE(
      store::AppendAndWait(store_.get(), {store::Event("u", "i")}).ok());
  EXPECT_TRUE(Backup("one").ok());
  EXPECT_TRUE(Backup("two").ok());
  EXPECT_GE(calls_, 1);
}

}  // namespace
}  // namespace taud::server
