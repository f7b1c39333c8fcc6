// A bad model that was let through by force, from its first answers until the
// one before serves again: the publisher and the watch together, wired as the
// daemon does.

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/lifecycle/publisher.h"
#include "server/quality/quality_watch.h"
#include "tests/server/publishing.h"
#include "tests/server/test_world.h"
#include "tests/store/temp_dir.h"

namespace taud::server {
namespace {

constexpr size_t kUsers = 150, kItems = 120, kDim = 8;

class TakenBackTest : public testing::Test {
 protected:
  TakenBackTest() {
    FillDictionaries(kUsers, kItems, &state_);
    QualityWatch::Options watch;
    watch.evaluation_share = 1;
    watch.steady_now = [this] { return Now(); };
    watch.cpu_time = [] { return absl::ZeroDuration(); };
    QualityWatch::Callbacks callbacks;
    callbacks.on_fall = [this](std::shared_ptr<const ServingModel> good,
                               model::SnapshotVersion bad, std::string why) {
      EXPECT_TRUE(
          publisher_->TakeBack(std::move(good), bad, std::move(why)).ok());
    };
    watch_ = std::make_unique<QualityWatch>(watch, &state_, callbacks);
    Publisher::Options options;
    options.shelf.directory = directory_.path();
    options.shelf.keep = 10;
    options.dim = kDim;
    options.steady_now = [this] { return Now(); };
    options.compared_with = [this] { return watch_->reference(); };
    publisher_ = std::make_unique<Publisher>(
        options, &state_, &slot_, [this](Publisher::SwapKind kind) {
          watch_->OnSwap(slot_.Get(), kind == Publisher::SwapKind::kPublished
                                          ? QualityWatch::Swap::kNext
                                          : QualityWatch::Swap::kChosen);
        });
    publisher_->Start();
    watch_->Begin();
  }
  ~TakenBackTest() override { publisher_->Stop(); }

  absl::StatusOr<Published> Publish(std::unique_ptr<model::Snapshot> snapshot,
                                    bool force) {
    return PublishAndSettle(publisher_.get(), std::move(snapshot), force);
  }
  model::ItemIndex FourthOf(const ServingModel& model, uint32_t user) {
    RecommendTask task;
    task.user = user;
    task.k = 4;
    std::vector<Recommendation> answers;
    EXPECT_TRUE(Recommend(model, state_, 0, {&task, 1}, &answers).ok());
    return answers[0].items[3].item;
  }
  // A user takes what `good` ranks fourth; then the watch looks.
  void Take(const ServingModel& good, size_t event) {
    const auto user = static_cast<uint32_t>(event % kUsers);
    Interact(user, FourthOf(good, user), &state_);
    ++seconds_;
    watch_->Look();
    Settle(publisher_.get());
  }

  absl::Time Now() const { return absl::FromUnixSeconds(seconds_.load()); }

  std::atomic<int64_t> seconds_{0};  // the publisher reads the time, too
  model::State state_;
  store::TempDir directory_;
  ServingSlot slot_;
  std::unique_ptr<QualityWatch> watch_;
  std::unique_ptr<Publisher> publisher_;
};

TEST_F(TakenBackTest, AForcedBadModelServesForFewEvents) {
  ASSERT_TRUE(Publish(MakeSnapshot(kUsers, kItems, kDim), false).ok());
  const std::shared_ptr<const ServingModel> good = slot_.Get();
  EXPECT_FALSE(Publish(CollapsedSnapshot(kUsers, kItems, kDim), false).ok());
  ASSERT_EQ(slot_.Get(), good);
  const auto forced = Publish(CollapsedSnapshot(kUsers, kItems, kDim), true);
  ASSERT_TRUE(forced.ok()) << forced.status();
  EXPECT_TRUE(forced->verdict.forced());
  ASSERT_NE(slot_.Get(), good);

  size_t events = 0;
  while (slot_.Get() != good && events < 500) Take(*good, events++);
  EXPECT_EQ(slot_.Get(), good);
  EXPECT_LT(events, 60u);
  EXPECT_EQ(publisher_->stats().taken_back, 1u);
  const auto decisions = publisher_->decisions().Newest(1);
  ASSERT_FALSE(decisions.empty());
  EXPECT_EQ(decisions[0].kind(), v1::Decision::KIND_ROLLED_BACK_AUTOMATICALLY);
  EXPECT_EQ(decisions[0].from_version(), forced->version);
  EXPECT_THAT(decisions[0].text(), testing::HasSubstr("on the same"));
  RecordProperty("events_until_taken_back", static_cast<int>(events));
  // Nothing is taken back again: what serves now is compared with nothing.
  for (size_t e = 0; e < 60; ++e) Take(*good, events + e);
  EXPECT_EQ(slot_.Get(), good);
  EXPECT_EQ(publisher_->stats().taken_back, 1u);
}

}  // namespace
}  // namespace taud::server
