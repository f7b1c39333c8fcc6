// What the publisher does with the gate's verdicts, and with versions that turn
// out bad.

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/lifecycle/publisher.h"
#include "store/files/snapshot_files.h"
#include "tests/server/publishing.h"
#include "tests/server/test_world.h"
#include "tests/store/temp_dir.h"

namespace taud::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr size_t kUsers = 150, kItems = 120, kDim = 8;

class PublisherGateTest : public testing::Test {
 protected:
  PublisherGateTest() {
    FillDictionaries(kUsers, kItems, &state_);
    Open();
  }
  ~PublisherGateTest() override { publisher_->Stop(); }

  void Open() {
    Publisher::Options options;
    options.shelf.directory = directory_.path();
    options.shelf.keep = 10;
    options.dim = kDim;
    options.steady_now = [this] {
      return absl::UnixEpoch() + absl::Seconds(seconds_.load());
    };
    publisher_ = std::make_unique<Publisher>(
        options, &state_, &slot_,
        [this](Publisher::SwapKind kind) { swaps_.push_back(kind); });
  }
  void Restart() {
    publisher_->Stop();
    slot_.Swap(nullptr);
    Open();
    const auto restored = publisher_->Restore(1000);
    ASSERT_TRUE(restored.ok()) << restored.status();
    publisher_->Start();
  }

  static std::unique_ptr<model::Snapshot> Collapsed() {
    return CollapsedSnapshot(kUsers, kItems, kDim);
  }
  absl::StatusOr<Published> Publish(std::unique_ptr<model::Snapshot> snapshot,
                                    bool force = false) {
    return PublishAndSettle(publisher_.get(), std::move(snapshot), force);
  }
  void Settle() { server::Settle(publisher_.get()); }
  absl::StatusOr<model::SnapshotVersion> Keep(model::SnapshotVersion version,
                                              const std::string& name) {
    absl::StatusOr<model::SnapshotVersion> outcome = absl::UnknownError("");
    EXPECT_TRUE(
        publisher_->Keep(version, name, [&](auto kept) { outcome = kept; })
            .ok());
    Settle();
    return outcome;
  }
  model::SnapshotVersion Serving() {
    const auto model = slot_.Get();
    return model == nullptr ? 0 : model->snapshot->version;
  }
  v1::Decision LastDecision() {
    const auto newest = publisher_->decisions().Newest(1);
    return newest.empty() ? v1::Decision() : newest[0];
  }

  std::atomic<int64_t> seconds_{0};
  model::State state_;
  store::TempDir directory_;
  ServingSlot slot_;
  std::vector<Publisher::SwapKind> swaps_;
  std::unique_ptr<Publisher> publisher_;
};

TEST_F(PublisherGateTest, ABadOneIsRejectedExplainedAndKeptAside) {
  publisher_->Start();
  ASSERT_TRUE(Publish(MakeSnapshot(kUsers, kItems, kDim)).ok());
  const auto refused = Publish(Collapsed());
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.status().message()),
              HasSubstr("spread (users) 1"));
  EXPECT_EQ(Serving(), 1u);
  EXPECT_EQ(publisher_->stats().rejected, 1u);
  EXPECT_EQ(publisher_->stats().rejected_in_a_row, 1u);
  EXPECT_EQ(LastDecision().kind(), v1::Decision::KIND_REJECTED);
  EXPECT_EQ(LastDecision().from_version(), 1u);
  // It lies on disk, with its verdict, and serves neither after a restart nor
  // by a roll-back that names none.
  EXPECT_TRUE(publisher_->records()->Of(2).bad());
  EXPECT_FALSE(publisher_->records()->Of(2).verdict().passed());
  EXPECT_EQ(publisher_->Saved().size(), 2u);
  Restart();
  EXPECT_EQ(Serving(), 1u);
  EXPECT_TRUE(publisher_->records()->Of(2).bad());
}

// What lies aside is not taken for what serves: at the end that is saved once.
TEST_F(PublisherGateTest, ARejectionDoesNotSaveTheServingOneTwice) {
  publisher_->Start();
  ASSERT_TRUE(Publish(MakeSnapshot(kUsers, kItems, kDim)).ok());
  EXPECT_FALSE(Publish(Collapsed()).ok());
  publisher_->Stop();
  EXPECT_EQ(publisher_->stats().save_errors, 0u);
  EXPECT_EQ(publisher_->Saved().size(), 2u);
}

TEST_F(PublisherGateTest, ARunOfRejectionsEndsWithTheNextGoodOne) {
  publisher_->Start();
  ASSERT_TRUE(Publish(MakeSnapshot(kUsers, kItems, kDim)).ok());
  for (int i = 0; i < 4; ++i) {
    publisher_->Offer(Collapsed());
    Settle();
  }
  EXPECT_EQ(publisher_->stats().rejected_in_a_row, 4u);
  // The first, and the third.
  EXPECT_EQ(publisher_->decisions().Newest(10).size(), 3u);
  EXPECT_THAT(LastDecision().text(), HasSubstr("3 one after another"));
  // Of a run one lies aside.
  EXPECT_EQ(publisher_->Saved().size(), 2u);
  publisher_->Offer(MakeSnapshot(kUsers, kItems, kDim));
  Settle();
  EXPECT_EQ(publisher_->stats().rejected_in_a_row, 0u);
  EXPECT_EQ(publisher_->stats().rejected, 4u);
}

TEST_F(PublisherGateTest, WhatIsForcedServesAndSaysSoForEver) {
  publisher_->Start();
  ASSERT_TRUE(Publish(MakeSnapshot(kUsers, kItems, kDim)).ok());
  const auto forced = Publish(Collapsed(), true);
  ASSERT_TRUE(forced.ok()) << forced.status();
  EXPECT_TRUE(forced->verdict.forced());
  EXPECT_FALSE(forced->verdict.passed());
  EXPECT_EQ(Serving(), 2u);
  EXPECT_EQ(LastDecision().kind(), v1::Decision::KIND_FORCED);
  EXPECT_THAT(LastDecision().text(), HasSubstr("spread (users)"));
  Restart();
  EXPECT_EQ(Serving(), 2u);
  EXPECT_TRUE(publisher_->records()->Of(2).verdict().forced());
}

TEST_F(PublisherGateTest, WhatCannotServeIsNotForced) {
  publisher_->Start();
  ASSERT_TRUE(Publish(MakeSnapshot(kUsers, kItems, kDim)).ok());
  EXPECT_EQ(
      Publish(MakeSnapshot(kUsers, kItems, kDim / 2), true).status().code(),
      absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Serving(), 1u);
}

// A rollback stays as it was when what is published is rejected.
TEST_F(PublisherGateTest, ARejectionLeavesARollback) {
  publisher_->Start();
  ASSERT_TRUE(Publish(MakeSnapshot(kUsers, kItems, kDim)).ok());
  ASSERT_TRUE(Publish(MakeSnapshot(kUsers, kItems, kDim)).ok());
  ASSERT_TRUE(publisher_->Rollback(1, [](const auto&) {}).ok());
  Settle();
  ASSERT_EQ(publisher_->pinned(), 1u);
  EXPECT_FALSE(Publish(Collapsed()).ok());
  EXPECT_EQ(publisher_->pinned(), 1u);
  EXPECT_EQ(Serving(), 1u);
  Restart();
  EXPECT_EQ(publisher_->pinned(), 1u);
  EXPECT_EQ(Serving(), 1u);
}

TEST_F(PublisherGateTest, AVersionThatTurnedOutBadIsTakenBack) {
  publisher_->Start();
  ASSERT_TRUE(Publish(MakeSnapshot(kUsers, kItems, kDim)).ok());
  const auto good = slot_.Get();
  ASSERT_TRUE(Publish(MakeSnapshot(kUsers, kItems, kDim)).ok());
  ASSERT_TRUE(publisher_->TakeBack(good, 2, "it fell to a half").ok());
  Settle();
  EXPECT_EQ(Serving(), 1u);
  EXPECT_EQ(publisher_->pinned(), 0u);
  EXPECT_EQ(publisher_->stats().taken_back, 1u);
  EXPECT_EQ(swaps_.back(), Publisher::SwapKind::kChosen);
  EXPECT_EQ(LastDecision().kind(),
            v1::Decision::KIND_ROLLED_BACK_AUTOMATICALLY);
  EXPECT_EQ(LastDecision().version(), 1u);
  EXPECT_EQ(LastDecision().from_version(), 2u);
  EXPECT_THAT(LastDecision().text(), HasSubstr("it fell to a half"));
  // After a crash, too.
  Restart();
  EXPECT_EQ(Serving(), 1u);
  // What comes next and is good serves.
  ASSERT_TRUE(Publish(MakeSnapshot(kUsers, kItems, kDim)).ok());
  EXPECT_GT(Serving(), 2u);
}

TEST_F(PublisherGateTest, TheSecondTimeWithinAnHourItStays) {
  publisher_->Start();
  ASSERT_TRUE(Publish(MakeSnapshot(kUsers, kItems, kDim)).ok());
  const auto good = slot_.Get();
  for (model::SnapshotVersion bad = 2; bad <= 3; ++bad) {
    publisher_->Offer(MakeSnapshot(kUsers, kItems, kDim));
    Settle();
    ASSERT_EQ(Serving(), bad);
    ASSERT_TRUE(publisher_->TakeBack(good, bad, "it fell").ok());
    Settle();
    ASSERT_EQ(Serving(), 1u);
    seconds_ += 600;
  }
  EXPECT_EQ(publisher_->pinned(), 1u);
  publisher_->Offer(MakeSnapshot(kUsers, kItems, kDim));
  Settle();
  EXPECT_EQ(Serving(), 1u);
  EXPECT_EQ(publisher_->stats().held_back, 1u);
}

TEST_F(PublisherGateTest, WhatDoesNotServeAnyMoreIsNotTakenBack) {
  publisher_->Start();
  ASSERT_TRUE(Publish(MakeSnapshot(kUsers, kItems, kDim)).ok());
  const auto good = slot_.Get();
  ASSERT_TRUE(Publish(MakeSnapshot(kUsers, kItems, kDim)).ok());
  ASSERT_TRUE(Publish(MakeSnapshot(kUsers, kItems, kDim)).ok());
  ASSERT_TRUE(publisher_->TakeBack(good, 2, "it fell").ok());
  Settle();
  EXPECT_EQ(Serving(), 3u);
  EXPECT_EQ(publisher_->stats().taken_back, 0u);
}

// The version before has what was erased since.
TEST_F(PublisherGateTest, NothingErasedIsTakenBack) {
  publisher_->Start();
  ASSERT_TRUE(Publish(MakeSnapshot(kUsers, kItems, kDim)).ok());
  const auto good = slot_.Get();
  ASSERT_TRUE(Publish(MakeSnapshot(kUsers, kItems, kDim)).ok());
  ASSERT_TRUE(publisher_->Erase({7}, {}, {}).ok());
  ASSERT_EQ(Serving(), 3u);
  ASSERT_TRUE(publisher_->TakeBack(good, 3, "it fell").ok());
  Settle();
  EXPECT_EQ(Serving(), 3u);
}

TEST_F(PublisherGateTest, AKeptVersionOutlivesTheOthers) {
  publisher_->Start();
  EXPECT_EQ(Keep(0, "early").status().code(), absl::StatusCode::kNotFound);
  publisher_->Offer(MakeSnapshot(kUsers, kItems, kDim));
  Settle();
  publisher_->Offer(MakeSnapshot(kUsers, kItems, kDim));  // not on disk
  Settle();
  const auto kept = Keep(0, "before-sale");
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(*kept, 2u);
  EXPECT_EQ(Keep(77, "other").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Keep(2, "a b").status().code(), absl::StatusCode::kInvalidArgument);
  for (int i = 0; i < 15; ++i) {
    ASSERT_TRUE(Publish(MakeSnapshot(kUsers, kItems, kDim)).ok());
  }
  std::vector<model::SnapshotVersion> versions;
  for (const auto& info : publisher_->Saved()) versions.push_back(info.version);
  EXPECT_EQ(versions.size(), 11u);
  EXPECT_EQ(versions.front(), 2u);
  absl::StatusOr<model::SnapshotVersion> released = absl::UnknownError("");
  ASSERT_TRUE(
      publisher_
          ->Release(0, "before-sale", [&](auto version) { released = version; })
          .ok());
  Settle();
  EXPECT_EQ(*released, 2u);
  ASSERT_TRUE(Publish(MakeSnapshot(kUsers, kItems, kDim)).ok());
  EXPECT_NE(publisher_->Saved().front().version, 2u);
}

}  // namespace
}  // namespace taud::server
