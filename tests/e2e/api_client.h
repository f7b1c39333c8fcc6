#ifndef TAUD_TESTS_E2E_API_CLIENT_H_
#define TAUD_TESTS_E2E_API_CLIENT_H_

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "grpcpp/client_context.h"
#include "gtest/gtest.h"
#include "lab/simulator.h"
#include "taud/v1/catalog_service.grpc.pb.h"
#include "taud/v1/ingestion_service.grpc.pb.h"
#include "taud/v1/model_service.grpc.pb.h"
#include "taud/v1/recommendation_service.grpc.pb.h"
#include "tests/e2e/daemon_process.h"

namespace taud::e2e {

// The whole API over one channel, with short forms for what tests do often.
struct ApiClient {
  explicit ApiClient(const DaemonProcess& daemon)
      : channel(daemon.channel()),
        recommendation(v1::RecommendationService::NewStub(channel)),
        ingestion(v1::IngestionService::NewStub(channel)),
        catalog(v1::CatalogService::NewStub(channel)),
        model(v1::ModelService::NewStub(channel)) {}

  grpc::Status Recommend(const v1::RecommendRequest& request,
                         v1::RecommendResponse* response) const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(30));
    return recommendation->Recommend(&context, request, response);
  }

  grpc::Status Write(const v1::WriteInteractionsRequest& request,
                     v1::WriteInteractionsResponse* response) const {
    grpc::ClientContext context;
    return ingestion->WriteInteractions(&context, request, response);
  }

  // Writes one interaction; its sequence, 0 on failure.
  uint64_t WriteOne(const std::string& user, const std::string& item) const {
    v1::WriteInteractionsRequest request;
    v1::Interaction* interaction = request.add_interactions();
    interaction->set_user_id(user);
    interaction->set_item_id(item);
    v1::WriteInteractionsResponse response;
    const grpc::Status status = Write(request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.sequences_size() == 1 ? response.sequences(0) : 0;
  }

  v1::Status Status() const {
    grpc::ClientContext context;
    v1::Status status;
    EXPECT_TRUE(
        model->GetStatus(&context, v1::GetStatusRequest(), &status).ok());
    return status;
  }

  grpc::Status Upsert(const v1::UpsertItemsRequest& request) const {
    grpc::ClientContext context;
    v1::UpsertItemsResponse response;
    return catalog->UpsertItems(&context, request, &response);
  }

  // Watches the status until `good` of it. False after four minutes.
  template <typename Predicate>
  bool WaitStatus(Predicate good) const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::minutes(4));
    v1::WatchStatusRequest request;
    request.set_interval_ms(100);
    const auto stream = model->WatchStatus(&context, request);
    v1::Status status;
    while (stream->Read(&status)) {
      if (!good(status)) continue;
      context.TryCancel();
      return true;
    }
    return false;
  }

  // Until the serving snapshot has learnt everything up to `sequence`.
  bool WaitTrained(uint64_t sequence) const {
    return WaitStatus([sequence](const v1::Status& status) {
      return status.serving().snapshot_version() > 0 &&
             status.serving().snapshot_trained_through() >= sequence;
    });
  }

  // Until the model has gone over its data so often, and that serves.
  bool WaitEpochs(double epochs) const {
    uint64_t version = 0;
    return WaitStatus([&](const v1::Status& status) {
      if (status.trainer().epochs() < epochs) return false;
      const uint64_t now = status.serving().snapshot_version();
      if (version == 0) version = now;
      return now > version || status.trainer().state() == "idle";
    });
  }

  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::RecommendationService::Stub> recommendation;
  std::unique_ptr<v1::IngestionService::Stub> ingestion;
  std::unique_ptr<v1::CatalogService::Stub> catalog;
  std::unique_ptr<v1::ModelService::Stub> model;
};

// Writes `count` interactions of a simulated world and returns the last
// sequence.
inline uint64_t Feed(const ApiClient& api, lab::Simulator* simulator,
                     int count) {
  v1::WriteInteractionsRequest request;
  uint64_t last = 0;
  for (int i = 1; i <= count; ++i) {
    const lab::Simulator::Event event = simulator->Next();
    v1::Interaction* interaction = request.add_interactions();
    interaction->set_user_id(simulator->UserId(event.user));
    interaction->set_item_id(simulator->items()[event.item].id);
    if (i % 1000 != 0 && i != count) continue;
    v1::WriteInteractionsResponse response;
    const grpc::Status status = api.Write(request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    if (response.sequences_size() > 0) {
      last = response.sequences(response.sequences_size() - 1);
    }
    request.clear_interactions();
  }
  return last;
}

inline std::vector<std::string> Ids(const v1::RecommendResponse& response) {
  std::vector<std::string> ids;
  for (const v1::ScoredItem& item : response.items()) ids.push_back(item.id());
  return ids;
}

// Options that make a test's daemon quick.
inline std::vector<std::string> QuickTraining() {
  return {"--set", "trainer.publish_interval_ms=200",
          "--set", "trainer.dim=16",
          "--set", "trainer.threads=1",
          "--set", "trainer.batch_rows=512",
          "--set", "trainer.negatives=128",
          "--set", "store.snapshot_save_seconds=1"};
}

}  // namespace taud::e2e

#endif  // TAUD_TESTS_E2E_API_CLIENT_H_
