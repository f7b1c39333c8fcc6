// The main job through the API of a real daemon.

#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "tests/e2e/api_client.h"

namespace taud::e2e {
namespace {

using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

// One daemon with a trained world for all tests of the suite.
class RecommendTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = new TemporaryDirectory;
    daemon_ = new DaemonProcess(directory_->path(), QuickTraining());
    ASSERT_TRUE(daemon_->WaitUntilServing()) << daemon_->log();
    lab::Simulator::Options world;
    world.users = 200;
    world.items = 300;
    simulator_ = new lab::Simulator(world);
    const ApiClient api(*daemon_);
    last_ = Feed(api, simulator_, 8000);
    ASSERT_GE(last_, 8000u);
    ASSERT_TRUE(api.WaitTrained(last_)) << daemon_->log();
    ASSERT_TRUE(api.WaitEpochs(10)) << daemon_->log();
  }
  static void TearDownTestSuite() {
    delete simulator_;
    delete daemon_;
    delete directory_;
    simulator_ = nullptr;
    daemon_ = nullptr;
    directory_ = nullptr;
  }

  static TemporaryDirectory* directory_;
  static DaemonProcess* daemon_;
  static lab::Simulator* simulator_;
  static uint64_t last_;
};

TemporaryDirectory* RecommendTest::directory_ = nullptr;
DaemonProcess* RecommendTest::daemon_ = nullptr;
lab::Simulator* RecommendTest::simulator_ = nullptr;
uint64_t RecommendTest::last_ = 0;

v1::RecommendRequest For(const std::string& user, int k) {
  v1::RecommendRequest request;
  request.set_user_id(user);
  request.set_k(k);
  return request;
}

TEST_F(RecommendTest, RecommendsFromWhatItLearnt) {
  const ApiClient api(*daemon_);
  v1::RecommendResponse response;
  const grpc::Status status = api.Recommend(For("user-1", 10), &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.items_size(), 10);
  EXPECT_GT(response.snapshot().version(), 0u);
  EXPECT_GE(response.snapshot().trained_through(), last_);
  EXPECT_GT(response.temperature(), 0);
}

// Better than chance: users get items of the genre they like most.
TEST_F(RecommendTest, UsersGetWhatTheyLike) {
  const ApiClient api(*daemon_);
  std::map<std::string, std::string> genre_of;
  for (const auto& item : simulator_->items()) genre_of[item.id] = item.genre;
  int right = 0;
  int all = 0;
  for (uint32_t u = 0; u < 100; ++u) {
    v1::RecommendResponse response;
    ASSERT_TRUE(api.Recommend(For(simulator_->UserId(u), 5), &response).ok());
    for (const v1::ScoredItem& item : response.items()) {
      right += genre_of[item.id()] == simulator_->FavouriteGenre(u);
      ++all;
    }
  }
  // By chance it would be 1 in 12.
  EXPECT_GT(right, all / 4);
}

TEST_F(RecommendTest, AnAckedItemIsSeenAtOnceAndMovesTheAnswer) {
  const ApiClient api(*daemon_);
  v1::RecommendResponse before;
  ASSERT_TRUE(api.Recommend(For("user-2", 20), &before).ok());
  const std::string liked = before.items(15).id();
  const uint64_t sequence = api.WriteOne("user-2", liked);
  v1::RecommendRequest request = For("user-2", 20);
  request.set_after_sequence(sequence);
  v1::RecommendResponse after;
  ASSERT_TRUE(api.Recommend(request, &after).ok());
  EXPECT_EQ(after.items_size(), 20);
  EXPECT_THAT(Ids(after), Not(Contains(liked)));
  if (after.snapshot().trained_through() < sequence) {
    EXPECT_EQ(after.representation(), v1::REPRESENTATION_FOLDED_IN);
  }
}

TEST_F(RecommendTest, StrangersContextAndSimilar) {
  const ApiClient api(*daemon_);
  v1::RecommendResponse popular;
  ASSERT_TRUE(api.Recommend(For("nobody", 5), &popular).ok());
  EXPECT_EQ(popular.representation(), v1::REPRESENTATION_POPULAR);
  EXPECT_FLOAT_EQ(popular.items(0).score(), 1.0f);

  v1::RecommendRequest context;
  context.set_k(5);
  context.add_context_item_ids(popular.items(0).id());
  context.add_context_item_ids("unknown is ignored");
  v1::RecommendResponse by_context;
  ASSERT_TRUE(api.Recommend(context, &by_context).ok());
  EXPECT_EQ(by_context.representation(), v1::REPRESENTATION_CONTEXT);
  EXPECT_THAT(Ids(by_context), Not(Contains(popular.items(0).id())));

  v1::SimilarItemsRequest similar;
  similar.set_item_id(popular.items(0).id());
  similar.set_k(5);
  grpc::ClientContext rpc;
  v1::SimilarItemsResponse neighbours;
  ASSERT_TRUE(
      api.recommendation->SimilarItems(&rpc, similar, &neighbours).ok());
  EXPECT_EQ(neighbours.items_size(), 5);
}

TEST_F(RecommendTest, ABatchComesFromOneSnapshot) {
  const ApiClient api(*daemon_);
  v1::RecommendBatchRequest request;
  request.set_k(10);
  for (uint32_t u = 0; u < 200; ++u) {
    request.add_user_ids(simulator_->UserId(u));
  }
  request.add_user_ids("nobody");
  grpc::ClientContext context;
  v1::RecommendBatchResponse response;
  const grpc::Status status =
      api.recommendation->RecommendBatch(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.responses_size(), 201);
  for (const v1::RecommendResponse& one : response.responses()) {
    EXPECT_EQ(one.items_size(), 10);
    EXPECT_EQ(one.snapshot().version(),
              response.responses(0).snapshot().version());
  }
  EXPECT_EQ(response.responses(200).representation(),
            v1::REPRESENTATION_POPULAR);
}

TEST_F(RecommendTest, TagsHiddenItemsAndAvailability) {
  const ApiClient api(*daemon_);
  v1::UpsertItemsRequest upsert;
  for (uint32_t i = 0; i < simulator_->items().size(); ++i) {
    v1::Item* item = upsert.add_items();
    item->set_id(simulator_->items()[i].id);
    item->set_title("Title of " + item->id());
    item->add_tags(simulator_->items()[i].genre);
    if (i < 20) item->set_hidden(true);
    if (i >= 20 && i < 40) item->set_available_until_ms(1000);
  }
  ASSERT_TRUE(api.Upsert(upsert).ok());

  v1::RecommendRequest all = For("nobody", 1000);
  all.set_include_titles(true);
  v1::RecommendResponse response;
  ASSERT_TRUE(api.Recommend(all, &response).ok());
  EXPECT_EQ(response.items_size(), 260);
  for (const v1::ScoredItem& item : response.items()) {
    EXPECT_EQ(item.title(), "Title of " + item.id());
    EXPECT_GE(std::stoi(item.id().substr(5)), 40);
  }

  v1::RecommendRequest tagged = For("nobody", 1000);
  tagged.mutable_filter()->add_any_tags("jazz");
  ASSERT_TRUE(api.Recommend(tagged, &response).ok());
  EXPECT_GT(response.items_size(), 10);
  tagged.mutable_filter()->add_no_tags("jazz");
  ASSERT_TRUE(api.Recommend(tagged, &response).ok());
  EXPECT_EQ(response.items_size(), 0);

  // Shown again, it comes again.
  for (v1::Item& item : *upsert.mutable_items()) {
    item.set_hidden(false);
    item.clear_available_until_ms();
  }
  // As a whole: what is not set is cleared.
  upsert.mutable_update_mask()->add_paths("*");
  ASSERT_TRUE(api.Upsert(upsert).ok());
  ASSERT_TRUE(api.Recommend(all, &response).ok());
  EXPECT_EQ(response.items_size(), 300);

  grpc::ClientContext context;
  v1::GetItemRequest get;
  get.set_id(simulator_->items()[0].id);
  v1::GetItemResponse item;
  ASSERT_TRUE(api.catalog->GetItem(&context, get, &item).ok());
  EXPECT_TRUE(item.trained());
  EXPECT_GT(item.interactions(), 0u);
  EXPECT_EQ(item.item().tags(0), simulator_->items()[0].genre);
}

// Promise 2, from several clients at a time while others write. The number of
// checks is that of $TAUD_CHECKS, 2,000 by default.
TEST_F(RecommendTest, NothingAckedEverComesBack) {
  const char* wanted = std::getenv("TAUD_CHECKS");
  const int checks = wanted == nullptr ? 2000 : std::atoi(wanted);
  constexpr int kClients = 4;
  std::atomic<int> violations{0};
  std::atomic<int> errors{0};
  std::vector<std::thread> clients;
  for (int c = 0; c < kClients; ++c) {
    clients.emplace_back([&, c] {
      const ApiClient api(*daemon_);
      std::mt19937 random(static_cast<uint32_t>(c));
      std::map<std::string, std::set<std::string>> acked;
      for (int i = 0; i < checks / kClients; ++i) {
        // Each client has users of its own, so it knows all they did.
        const std::string user =
            absl::StrCat("checked-", c, "-", random() % 20);
        const std::string item =
            simulator_->items()[random() % simulator_->items().size()].id;
        api.WriteOne(user, item);
        acked[user].insert(item);
        v1::RecommendResponse response;
        if (!api.Recommend(For(user, 50), &response).ok()) ++errors;
        for (const v1::ScoredItem& got : response.items()) {
          violations += static_cast<int>(acked[user].count(got.id()));
        }
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(violations.load(), 0) << "in " << checks << " checks";
  EXPECT_EQ(errors.load(), 0);
}

TEST_F(RecommendTest, PublishesOnRequestAndListsSnapshots) {
  const ApiClient api(*daemon_);
  const uint64_t sequence = api.WriteOne("user-3", "item-7");
  grpc::ClientContext context;
  v1::PublishResponse published;
  const grpc::Status status =
      api.model->Publish(&context, v1::PublishRequest(), &published);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_GT(published.version(), 0u);
  EXPECT_LE(published.trained_through(), sequence);
  EXPECT_GE(published.trained_through(), last_);

  grpc::ClientContext list_context;
  v1::ListSnapshotsResponse list;
  ASSERT_TRUE(
      api.model->ListSnapshots(&list_context, v1::ListSnapshotsRequest(), &list)
          .ok());
  std::vector<uint64_t> versions;
  for (const v1::SnapshotInfo& info : list.snapshots()) {
    versions.push_back(info.version());
    EXPECT_EQ(info.dim(), 16u);
  }
  EXPECT_THAT(versions, Contains(published.version()));
  EXPECT_TRUE(std::is_sorted(versions.rbegin(), versions.rend()));
}

TEST_F(RecommendTest, StatusAndHistory) {
  const ApiClient api(*daemon_);
  api.WriteOne("historian", "item-1");
  const uint64_t last = api.WriteOne("historian", "item-2");
  const v1::Status status = api.Status();
  EXPECT_TRUE(status.ready());
  EXPECT_EQ(status.phase(), "SERVING");
  EXPECT_GE(status.log().last_sequence(), last);
  EXPECT_EQ(status.index().kind(), "flat_quantised");
  EXPECT_EQ(status.index().items(), 300u);

  grpc::ClientContext context;
  v1::GetUserRequest request;
  request.set_id("historian");
  v1::GetUserResponse user;
  ASSERT_TRUE(api.catalog->GetUser(&context, request, &user).ok());
  ASSERT_EQ(user.history_size(), 2);
  EXPECT_EQ(user.history(0).item_id(), "item-2");
  EXPECT_EQ(user.history(0).sequence(), last);
  EXPECT_EQ(user.seen(), 2u);
}

TEST_F(RecommendTest, HttpForMachinesThatWatch) {
  httplib::Client http("127.0.0.1", daemon_->http_port());
  const auto metrics = http.Get("/metrics");
  ASSERT_TRUE(metrics);
  EXPECT_THAT(metrics->body, HasSubstr("taud_rpc_requests_total{"));
  EXPECT_THAT(metrics->body, HasSubstr("taud_snapshot_version"));
  EXPECT_THAT(metrics->body, HasSubstr("taud_trainer_tau0"));
  EXPECT_THAT(metrics->body, HasSubstr("taud_trainer_rho 1"));
  // Whatever is exposed is documented.
  std::ifstream file(TAUD_SOURCE_DIR "/docs/metrics.md");
  std::ostringstream documented;
  documented << file.rdbuf();
  std::istringstream lines(metrics->body);
  std::string line;
  int names = 0;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string hash, help, name;
    words >> hash >> help >> name;
    if (hash != "#" || help != "HELP") continue;
    ++names;
    EXPECT_THAT(documented.str(), HasSubstr("`" + name + "`"));
  }
  EXPECT_GT(names, 30);
  const auto ready = http.Get("/readyz");
  ASSERT_TRUE(ready);
  EXPECT_EQ(ready->status, 200);
  const auto status = http.Get("/v1/status");
  ASSERT_TRUE(status);
  EXPECT_THAT(status->body, HasSubstr("\"phase\":\"SERVING\""));
  const auto unknown = http.Get("/nothing");
  ASSERT_TRUE(unknown);
  EXPECT_EQ(unknown->status, 404);
}

// A scroll to the end, with another model for every page.
TEST_F(RecommendTest, APageTokenOutlivesSwaps) {
  const ApiClient api(*daemon_);
  v1::RecommendRequest request = For("u3", 40);
  request.mutable_filter()->set_exclude_seen(false);
  std::set<std::string> all;
  std::set<uint64_t> versions;
  size_t given = 0;
  v1::RecommendResponse response;
  do {
    request.set_page_token(response.next_page_token());
    const grpc::Status status = api.Recommend(request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    versions.insert(response.snapshot().version());
    for (const std::string& id : Ids(response)) all.insert(id);
    given += static_cast<size_t>(response.items_size());
    grpc::ClientContext context;
    v1::PublishResponse published;
    ASSERT_TRUE(
        api.model->Publish(&context, v1::PublishRequest(), &published).ok());
  } while (!response.next_page_token().empty());
  EXPECT_GT(versions.size(), 2u);
  EXPECT_EQ(all.size(), given) << "an item came twice";
  EXPECT_EQ(all.size(), api.Status().log().items()) << "one was left out";
}

}  // namespace
}  // namespace taud::e2e
