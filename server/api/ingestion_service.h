#ifndef TAUD_SERVER_API_INGESTION_SERVICE_H_
#define TAUD_SERVER_API_INGESTION_SERVICE_H_

#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "server/api/daemon_context.h"
#include "server/api/ingest_stream.h"
#include "taud/v1/ingestion_service.grpc.pb.h"

namespace taud::server {

// taud.v1.IngestionService. Handlers never block: acknowledgements come from
// the store's writer thread. Thread-safe. `context` outlives the service; the
// service outlives the gRPC server.
class IngestionServiceImpl
    : public v1::IngestionService::WithRawCallbackMethod_Ingest<
          v1::IngestionService::WithRawCallbackMethod_WriteInteractions<
              v1::IngestionService::WithRawCallbackMethod_RetractInteractions<
                  v1::IngestionService::Service>>> {
 public:
  // `max_unacknowledged`: interactions of one stream read ahead.
  IngestionServiceImpl(const DaemonContext* context, size_t max_unacknowledged);

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Ingest(
      grpc::CallbackServerContext* rpc) override;
  grpc::ServerUnaryReactor* WriteInteractions(
      grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* request,
      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* RetractInteractions(
      grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* request,
      grpc::ByteBuffer* response) override;

  // Ends every stream once what it accepted is acknowledged; new ones at once.
  void Drain();

  // The store's queue has room: streams that hold a batch try again. Any thread
  // but one that is inside a stream.
  void WakeWaiting();

 private:
  // Constant after construction.
  const DaemonContext* const context_;
  const size_t max_unacknowledged_;
  IngestStream::Hooks hooks_;

  absl::Mutex mutex_;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  absl::flat_hash_set<std::shared_ptr<IngestStream>> streams_
      ABSL_GUARDED_BY(mutex_);
  // Streams that hold a batch the store had no room for.
  std::vector<std::shared_ptr<IngestStream>> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace taud::server

#endif  // TAUD_SERVER_API_INGESTION_SERVICE_H_
