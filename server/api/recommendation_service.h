#ifndef TAUD_SERVER_API_RECOMMENDATION_SERVICE_H_
#define TAUD_SERVER_API_RECOMMENDATION_SERVICE_H_

#include "server/api/call.h"
#include "server/api/daemon_context.h"
#include "server/rpc/call_queues.h"
#include "taud/v1/recommendation_service.grpc.pb.h"

namespace taud::server {

// taud.v1.RecommendationService. Handlers check and resolve the request and
// hand it to the batcher, whose thread composes and sends the answer; they
// never block. `context` outlives the service. Recommend comes through
// completion queues (see Serve), the other methods through callbacks.
class RecommendationServiceImpl
    : public v1::RecommendationService::WithRawMethod_Recommend<
          v1::RecommendationService::WithRawCallbackMethod_RecommendBatch<
              v1::RecommendationService::WithRawCallbackMethod_SimilarItems<
                  v1::RecommendationService::Service>>> {
 public:
  explicit RecommendationServiceImpl(const DaemonContext* context)
      : context_(context) {}

  // Answers Recommend from `queues`. REQUIRES: the server runs; the service
  // outlives the queues.
  void Serve(CallQueues* queues);

  grpc::ServerUnaryReactor* RecommendBatch(grpc::CallbackServerContext* rpc,
                                           const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* SimilarItems(grpc::CallbackServerContext* rpc,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;

 private:
  // End with the call handed to the batcher or failed.
  void Recommend(RpcCall* call, const grpc::ByteBuffer& bytes) const;
  void RecommendBatch(RpcCall* call, const grpc::ByteBuffer& bytes) const;
  void SimilarItems(RpcCall* call, const grpc::ByteBuffer& bytes) const;

  const DaemonContext* const context_;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_API_RECOMMENDATION_SERVICE_H_
