#include "server/lifecycle/snapshot_shelf.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/files/snapshot_files.h"
#include "tests/server/test_world.h"
#include "tests/store/temp_dir.h"

namespace taud::server {
namespace {

constexpr size_t kUsers = 3, kItems = 10, kDim = 8;

class SnapshotShelfTest : public testing::Test {
 protected:
  SnapshotShelfTest() {
    FillDictionaries(kUsers, kItems, &state_);
    options_.directory = directory_.path();
    Reopen();
  }

  void Reopen() {
    shelf_ = std::make_unique<SnapshotShelf>(options_, &state_, &records_);
  }
  void Save(model::SnapshotVersion version, model::Sequence through = 0,
            model::SnapshotVersion pinned = 0) {
    auto snapshot = MakeSnapshot(kUsers, kItems, kDim);
    snapshot->version = version;
    snapshot->trained_through = through;
    const absl::Status status = shelf_->Save(*snapshot, pinned);
    ASSERT_TRUE(status.ok()) << status;
  }
  std::vector<model::SnapshotVersion> Versions() {
    std::vector<model::SnapshotVersion> versions;
    for (const auto& info : shelf_->Saved()) versions.push_back(info.version);
    return versions;
  }

  model::State state_;
  store::TempDir directory_;
  SnapshotShelf::Options options_;
  SnapshotRecords records_{directory_.path() + "/records.json"};
  std::unique_ptr<SnapshotShelf> shelf_;
};

TEST_F(SnapshotShelfTest, KeepsTheNewestAndThePinnedOne) {
  options_.keep = 2;
  Reopen();
  ASSERT_TRUE(shelf_->Open(100).ok());
  for (model::SnapshotVersion v = 1; v <= 5; ++v) Save(v, 0, 2);
  EXPECT_THAT(Versions(), testing::ElementsAre(2, 4, 5));
}

TEST_F(SnapshotShelfTest, NumbersAreNotGivenTwiceAcrossARestart) {
  ASSERT_TRUE(shelf_->Open(100).ok());
  const auto first = shelf_->NextVersion();
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(*first, 1u);
  Reopen();
  ASSERT_TRUE(shelf_->Open(100).ok());
  const auto second = shelf_->NextVersion();
  ASSERT_TRUE(second.ok());
  EXPECT_GT(*second, *first);
}

TEST_F(SnapshotShelfTest, ASnapshotBeyondTheLogIsRefused) {
  ASSERT_TRUE(shelf_->Open(100).ok());
  ASSERT_TRUE(shelf_->NextVersion().ok());
  Save(1, 50);
  EXPECT_TRUE(SnapshotShelf(options_, &state_, &records_).Open(50).ok());
  const absl::Status lost =
      SnapshotShelf(options_, &state_, &records_).Open(49);
  EXPECT_EQ(lost.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(lost.message()), testing::HasSubstr("snapshot 1"));
}

TEST_F(SnapshotShelfTest, FindsTheNewestThatIsOlder) {
  ASSERT_TRUE(shelf_->Open(100).ok());
  EXPECT_EQ(shelf_->NewestBefore(0), 0u);
  for (const model::SnapshotVersion v : {2, 4, 7}) Save(v);
  EXPECT_EQ(shelf_->NewestBefore(2), 0u);
  EXPECT_EQ(shelf_->NewestBefore(5), 4u);
  EXPECT_EQ(shelf_->NewestBefore(7), 4u);
  EXPECT_EQ(shelf_->NewestBefore(0), 7u);
}

TEST_F(SnapshotShelfTest, ThePinOutlivesARestart) {
  ASSERT_TRUE(shelf_->Open(100).ok());
  ASSERT_TRUE(shelf_->WritePin(4).ok());
  Reopen();
  const auto pin = shelf_->ReadPin();
  ASSERT_TRUE(pin.ok());
  EXPECT_EQ(*pin, 4u);
}

TEST_F(SnapshotShelfTest, AnErasureEmptiesRowsAndRemovesWhatIsDamaged) {
  ASSERT_TRUE(shelf_->Open(100).ok());
  for (const model::SnapshotVersion v : {1, 2}) Save(v);
  std::ofstream(std::filesystem::path(directory_.path()) /
                absl::StrFormat("%020d", 1) / "users.npy")
      << "damaged";
  state_.users.Erase(1);
  ASSERT_TRUE(shelf_->Erase({1}, {}, {}, 0).ok());
  EXPECT_THAT(Versions(), testing::ElementsAre(2));
  const auto loaded = store::LoadSnapshot(directory_.path(), 2);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  for (size_t c = 0; c < kDim; ++c) {
    EXPECT_EQ((*loaded)->users.Row(1)[c], 0);
  }
}

TEST_F(SnapshotShelfTest, AnErasureTakesWhatAHistoryHasInListsOfNeighbours) {
  ASSERT_TRUE(shelf_->Open(100).ok());
  auto snapshot = MakeSnapshot(kUsers, kItems, kDim);
  snapshot->version = 1;
  snapshot->neighbours.Grow(kItems);
  snapshot->neighbours.Set(0, {{1, .5f}, {2, .25f}});
  snapshot->neighbours.Set(1, {{0, .5f}});
  ASSERT_TRUE(shelf_->Save(*snapshot, 0).ok());
  state_.users.Erase(1);
  ASSERT_TRUE(shelf_->Erase({1}, {}, {{0, 1}}, 0).ok());
  const auto loaded = store::LoadSnapshot(directory_.path(), 1);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ASSERT_EQ((*loaded)->neighbours.Of(0).size(), 1u);
  EXPECT_EQ((*loaded)->neighbours.Of(0)[0].item, 2u);
  EXPECT_TRUE((*loaded)->neighbours.Of(1).empty());
}

TEST_F(SnapshotShelfTest, WhatIsErasedIsNotLoadedEither) {
  ASSERT_TRUE(shelf_->Open(100).ok());
  Save(1);
  state_.items.Erase(3);
  const auto loaded = shelf_->Load(1);
  ASSERT_TRUE(loaded.ok());
  for (size_t c = 0; c < kDim; ++c) {
    EXPECT_EQ((*loaded)->items.Row(3)[c], 0);
  }
}

TEST_F(SnapshotShelfTest, MoreRowsThanIdsBelongToAnotherLog) {
  ASSERT_TRUE(shelf_->Open(100).ok());
  Save(1);
  model::State smaller;
  FillDictionaries(kUsers, kItems - 1, &smaller);
  EXPECT_EQ(
      SnapshotShelf(options_, &smaller, &records_).Load(1).status().code(),
      absl::StatusCode::kDataLoss);
}

TEST_F(SnapshotShelfTest, WhatCannotBeSavedIsCounted) {
  options_.min_free_bytes = ~uint64_t{0};
  Reopen();
  ASSERT_TRUE(shelf_->Open(100).ok());
  const absl::Status status =
      shelf_->Save(*MakeSnapshot(kUsers, kItems, kDim), 0);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(shelf_->save_errors(), 1u);
  EXPECT_TRUE(Versions().empty());
}

}  // namespace
}  // namespace taud::server
