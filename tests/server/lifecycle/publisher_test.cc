#include "server/lifecycle/publisher.h"

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/serving/serving_model.h"
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
    options.directory = directory_.path();
    options.dim = kDim;
    publisher_ = std::make_unique<Publisher>(options, &state_, &slot_, [] {});
  }

  // Counts how often it is called, and keeps what with.
  Publisher::Done Count() {
    return [this](absl::StatusOr<Publisher::Published> published) {
      answers_.push_back(std::move(published));
    };
  }

  model::State state_;
  store::TempDir directory_;
  ServingSlot slot_;
  // After Stop, which joins the thread that adds to it.
  std::vector<absl::StatusOr<Publisher::Published>> answers_;
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

}  // namespace
}  // namespace taud::server
