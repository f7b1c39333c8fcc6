#ifndef TAUD_SERVER_RECOMMENDATION_SERVICE_H_
#define TAUD_SERVER_RECOMMENDATION_SERVICE_H_

#include "server/daemon_context.h"
#include "taud/v1/recommendation_service.grpc.pb.h"

namespace taud::server {

// taud.v1.RecommendationService. Handlers check and resolve the request and
// hand it to the batcher, whose thread composes and sends the answer; they
// never block. `context` outlives the service.
class RecommendationServiceImpl
    : public v1::RecommendationService::WithRawCallbackMethod_Recommend<
          v1::RecommendationService::WithRawCallbackMethod_RecommendBatch<
              v1::RecommendationService::WithRawCallbackMethod_SimilarItems<
                  v1::RecommendationService::Service>>> {
 public:
  explicit RecommendationServiceImpl(const DaemonContext* context)
      : context_(context) {}

  grpc::ServerUnaryReactor* Recommend(grpc::CallbackServerContext* rpc,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* RecommendBatch(grpc::CallbackServerContext* rpc,
                                           const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* SimilarItems(grpc::CallbackServerContext* rpc,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;

 private:
  const DaemonContext* const context_;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_RECOMMENDATION_SERVICE_H_
