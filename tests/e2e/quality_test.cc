// What a daemon knows of its model, and what is done with its snapshots.

#include <algorithm>
#include <iostream>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "tests/e2e/api_client.h"

namespace taud::e2e {
namespace {

using testing::HasSubstr;

class QualityTest : public testing::Test {
 protected:
  QualityTest() {
    std::vector<std::string> arguments = QuickTraining();
    arguments.insert(arguments.end(),
                     {"--set", "quality.evaluation_percent=50"});
    daemon_ = std::make_unique<DaemonProcess>(directory_.path(), arguments);
    EXPECT_TRUE(daemon_->WaitUntilServing()) << daemon_->log();
    api_ = std::make_unique<ApiClient>(*daemon_);
    lab::Simulator::Options world;
    world.users = 200;
    world.items = 300;
    simulator_ = std::make_unique<lab::Simulator>(world);
  }
  void Train(int interactions) {
    ASSERT_TRUE(api_->WaitTrained(Feed(*api_, simulator_.get(), interactions)));
  }
  v1::Quality Quality() const {
    grpc::ClientContext context;
    v1::Quality quality;
    EXPECT_TRUE(
        api_->model->GetQuality(&context, v1::GetQualityRequest(), &quality)
            .ok());
    return quality;
  }
  grpc::Status Publish(v1::PublishResponse* response) const {
    grpc::ClientContext context;
    return api_->model->Publish(&context, v1::PublishRequest(), response);
  }
  grpc::Status Keep(uint64_t version, const std::string& name,
                    v1::SnapshotInfo* info) const {
    grpc::ClientContext context;
    v1::KeepSnapshotRequest request;
    request.set_version(version);
    request.set_name(name);
    return api_->model->KeepSnapshot(&context, request, info);
  }
  grpc::Status Release(uint64_t version, const std::string& name) const {
    grpc::ClientContext context;
    v1::ReleaseSnapshotRequest request;
    request.set_version(version);
    request.set_name(name);
    v1::SnapshotInfo info;
    return api_->model->ReleaseSnapshot(&context, request, &info);
  }
  grpc::Status Diff(uint64_t from, uint64_t to, v1::SnapshotDiff* diff) const {
    grpc::ClientContext context;
    v1::DiffSnapshotsRequest request;
    request.set_from(from);
    request.set_to(to);
    return api_->model->DiffSnapshots(&context, request, diff);
  }
  void SetLearning(bool goes_on) const {
    grpc::ClientContext context;
    v1::PauseResponse paused;
    v1::ResumeResponse resumed;
    const grpc::Status status =
        goes_on ? api_->model->Resume(&context, v1::ResumeRequest(), &resumed)
                : api_->model->Pause(&context, v1::PauseRequest(), &paused);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  std::vector<v1::Decision> Decisions() const {
    grpc::ClientContext context;
    v1::ListDecisionsResponse response;
    EXPECT_TRUE(
        api_->model
            ->ListDecisions(&context, v1::ListDecisionsRequest(), &response)
            .ok());
    return {response.decisions().begin(), response.decisions().end()};
  }

  TemporaryDirectory directory_;
  std::unique_ptr<DaemonProcess> daemon_;
  std::unique_ptr<ApiClient> api_;
  std::unique_ptr<lab::Simulator> simulator_;
};

TEST_F(QualityTest, WhatArrivesIsEvaluatedAndWhatGoesOutIsLookedAt) {
  Train(4000);
  for (int i = 0; i < 200; ++i) {
    v1::RecommendRequest request;
    request.set_user_id(simulator_->UserId(i));
    request.set_k(10);
    v1::RecommendResponse response;
    ASSERT_TRUE(api_->Recommend(request, &response).ok());
  }
  // Some come between two publications, and are events.
  ASSERT_TRUE(api_->WaitStatus([&](const v1::Status& status) {
    Feed(*api_, simulator_.get(), 20);
    return status.quality().events() >= 50;
  }));
  const v1::Quality quality = Quality();
  const v1::Evaluation& evaluation = quality.evaluation();
  EXPECT_GE(evaluation.evaluated(), 50u);
  const v1::Ranking& model = evaluation.short_().model();
  EXPECT_GT(model.hit_rate_20().value(), 0);
  EXPECT_LE(model.hit_rate_10().value(), model.hit_rate_20().value());
  EXPECT_LT(model.hit_rate_20().low(), model.hit_rate_20().value());
  EXPECT_GT(model.hit_rate_20().high(), model.hit_rate_20().value());
  EXPECT_EQ(evaluation.by_popularity_tenth_size(), 10);
  EXPECT_GT(evaluation.seconds(), 0);
  EXPECT_GE(quality.served().lists(), 5);
  EXPECT_GT(quality.served().coverage(), 0);
  EXPECT_GT(quality.learning().tau0(), 0);
  EXPECT_GT(quality.learning().gradient_norm(), 0);
  EXPECT_GT(quality.learning().tau_user_size(), 5);
  EXPECT_GT(quality.input().interactions(), 4000u);
  EXPECT_GT(quality.input().top_user_share(), 0);
}

TEST_F(QualityTest, AVersionIsKeptComparedAndReleased) {
  Train(2000);
  v1::PublishResponse published;
  ASSERT_TRUE(Publish(&published).ok());
  EXPECT_TRUE(published.verdict().passed());
  EXPECT_GT(published.verdict().checks_size(), 5);
  v1::SnapshotInfo kept;
  ASSERT_TRUE(Keep(published.version(), "before-sale", &kept).ok());
  EXPECT_EQ(kept.version(), published.version());
  EXPECT_EQ(kept.kept_as(), "before-sale");
  EXPECT_TRUE(kept.verdict().passed());
  v1::SnapshotInfo none;
  EXPECT_EQ(Keep(999999, "x", &none).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Keep(0, "no spaces", &none).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);

  Train(3000);
  EXPECT_EQ(Keep(0, "before-sale", &none).error_code(),
            grpc::StatusCode::ALREADY_EXISTS);
  v1::SnapshotDiff diff;
  const grpc::Status compared = Diff(published.version(), 0, &diff);
  ASSERT_TRUE(compared.ok()) << compared.error_message();
  EXPECT_EQ(diff.from().kept_as(), "before-sale");
  EXPECT_GT(diff.to().version(), published.version());
  EXPECT_GT(diff.sampled_users(), 50u);
  EXPECT_GT(diff.list_overlap_10(), 0);
  EXPECT_LT(diff.list_overlap_10(), 1);
  EXPECT_GT(diff.item_cosine(), 0);
  EXPECT_GT(diff.gained_size(), 0);
  EXPECT_EQ(Diff(0, 0, &diff).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  const grpc::Status missing = Diff(999999, 0, &diff);
  EXPECT_EQ(missing.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(missing.error_message(), HasSubstr("from"));

  ASSERT_TRUE(Release(0, "before-sale").ok());
  EXPECT_EQ(Release(0, "before-sale").error_code(),
            grpc::StatusCode::NOT_FOUND);
  const auto decisions = Decisions();
  ASSERT_GE(decisions.size(), 3u);
  EXPECT_EQ(decisions[0].kind(), v1::Decision::KIND_RELEASED);
  EXPECT_EQ(decisions[1].kind(), v1::Decision::KIND_KEPT);
  EXPECT_EQ(decisions[2].kind(), v1::Decision::KIND_PUBLISHED);
  EXPECT_GT(decisions[0].time_ms(), 0);
}

TEST_F(QualityTest, LearningIsPausedAndGoesOn) {
  Train(1000);
  SetLearning(false);
  ASSERT_TRUE(api_->WaitStatus([](const v1::Status& status) {
    return status.trainer().state() == "paused" &&
           status.summary().find("paused") != std::string::npos;
  }));
  // What is written meanwhile counts as seen, and is not learnt.
  const uint64_t last = api_->WriteOne("somebody", "item-1");
  ASSERT_GT(last, 0u);
  EXPECT_LT(api_->Status().trainer().trained_through(), last);
  SetLearning(true);
  EXPECT_TRUE(api_->WaitTrained(last));
  const auto decisions = Decisions();
  ASSERT_GE(decisions.size(), 2u);
  EXPECT_EQ(decisions[0].kind(), v1::Decision::KIND_RESUMED);
  EXPECT_EQ(decisions[1].kind(), v1::Decision::KIND_PAUSED);
}

// Users of ten tastes: each takes items of his own tenth alone.
class TenTastes {
 public:
  static constexpr int kUsers = 300, kItems = 600;

  // `count` interactions that are as they should be; nothing twice.
  void Feed(const ApiClient& api, int count) {
    v1::WriteInteractionsRequest request;
    while (request.interactions_size() < count) {
      const int user = static_cast<int>(random_() % kUsers);
      const int item = static_cast<int>(random_() % (kItems / 10)) * 10;
      if (!taken_.insert({user, item}).second) continue;
      Add(user, item + user % 10, &request);
    }
    Write(api, &request);
  }
  // Purchases of any item, of the greatest weight, in everybody's name.
  void Poison(const ApiClient& api, int count) {
    v1::WriteInteractionsRequest request;
    for (int n = 0; n < count; ++n) {
      v1::Interaction* one =
          Add(static_cast<int>(random_() % kUsers),
              static_cast<int>(random_() % kItems), &request);
      one->set_kind(v1::INTERACTION_KIND_PURCHASE);
      one->set_weight(100);
    }
    Write(api, &request);
  }

 private:
  static v1::Interaction* Add(int user, int item,
                              v1::WriteInteractionsRequest* request) {
    v1::Interaction* one = request->add_interactions();
    one->set_user_id(absl::StrCat("u", user));
    one->set_item_id(absl::StrCat("i", item));
    return one;
  }
  static void Write(const ApiClient& api,
                    v1::WriteInteractionsRequest* request) {
    v1::WriteInteractionsResponse response;
    const grpc::Status status = api.Write(*request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  std::mt19937 random_{5};
  std::set<std::pair<int, int>> taken_;
};

// What was learnt of poison is put into service by force, and what people then
// take shows that it is worse.
TEST_F(QualityTest, APoisonedModelIsTakenBack) {
  TenTastes world;
  for (int batch = 0; batch < 9; ++batch) world.Feed(*api_, 1000);
  // It has learnt them, and its quality is known by what came in.
  ASSERT_TRUE(api_->WaitStatus([&](const v1::Status& status) {
    world.Feed(*api_, 20);
    return status.trainer().epochs() > 10 && status.quality().events() >= 800;
  }));
  SetLearning(false);
  for (int batch = 0; batch < 18; ++batch) world.Poison(*api_, 1000);
  const double before = api_->Status().trainer().epochs();
  SetLearning(true);
  ASSERT_TRUE(api_->WaitStatus([&](const v1::Status& status) {
    return status.trainer().epochs() > before + 1;
  }));
  {
    grpc::ClientContext context;
    v1::PublishRequest force;
    force.set_force(true);
    v1::PublishResponse published;
    ASSERT_TRUE(api_->model->Publish(&context, force, &published).ok());
  }
  // Lest it heals.
  SetLearning(false);
  ASSERT_TRUE(api_->WaitStatus([&](const v1::Status& status) {
    world.Feed(*api_, 20);
    return status.serving().automatic_rollbacks() > 0;
  }));
  // The newest first.
  const auto decisions = Decisions();
  const auto taken_back = std::find_if(
      decisions.rbegin(), decisions.rend(), [](const v1::Decision& decision) {
        return decision.kind() == v1::Decision::KIND_ROLLED_BACK_AUTOMATICALLY;
      });
  ASSERT_NE(taken_back, decisions.rend());
  const auto forced = std::find_if(
      decisions.rbegin(), decisions.rend(), [](const v1::Decision& decision) {
        return decision.kind() == v1::Decision::KIND_FORCED ||
               decision.kind() == v1::Decision::KIND_PUBLISHED;
      });
  ASSERT_NE(forced, decisions.rend());
  std::cout << "taken back after " << taken_back->time_ms() - forced->time_ms()
            << " ms: " << taken_back->text() << "\n";
  EXPECT_GT(taken_back->from_version(), taken_back->version());
  EXPECT_THAT(taken_back->text(), HasSubstr("hit rate at 20"));
}

}  // namespace
}  // namespace taud::e2e
