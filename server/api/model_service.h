#ifndef TAUD_SERVER_API_MODEL_SERVICE_H_
#define TAUD_SERVER_API_MODEL_SERVICE_H_

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "server/api/call.h"
#include "server/api/daemon_context.h"
#include "taud/v1/model_service.grpc.pb.h"

namespace taud::server {

class WatchStream;

// taud.v1.ModelService. Handlers never block. Thread-safe. `context` outlives
// the service; the service outlives the gRPC server.
class ModelServiceImpl
    : public v1::ModelService::WithRawCallbackMethod_GetStatus<v1::ModelService::WithRawCallbackMethod_WatchStatus<
          v1::ModelService::WithRawCallbackMethod_ListSnapshots<
              v1::ModelService::WithRawCallbackMethod_Publish<
                  v1::ModelService::WithRawCallbackMethod_Rollback<
                      v1::ModelService::WithRawCallbackMethod_Backup<
                          v1::ModelService::WithRawCallbackMethod_GetQuality<
                              v1::ModelService::WithRawCallbackMethod_ListDecisions<
                                  v1::ModelService::WithRawCallbackMethod_KeepSnapshot<
                                      v1::ModelService::WithRawCallbackMethod_ReleaseSnapshot<
                                          v1::ModelService::WithRawCallbackMethod_DiffSnapshots<
                                              v1::ModelService::WithRawCallbackMethod_Pause<
                                                  v1::ModelService::
                                                      WithRawCallbackMethod_Resume<
                                                          v1::ModelService::
                                                              Service>>>>>>>>>>>>> {
 public:
  explicit ModelServiceImpl(const DaemonContext* context);
  ~ModelServiceImpl() override;

  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* rpc,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* WatchStatus(
      grpc::CallbackServerContext* rpc,
      const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* ListSnapshots(grpc::CallbackServerContext* rpc,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Publish(grpc::CallbackServerContext* rpc,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;

  grpc::ServerUnaryReactor* Rollback(grpc::CallbackServerContext* rpc,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Backup(grpc::CallbackServerContext* rpc,
                                   const grpc::ByteBuffer* request,
                                   grpc::ByteBuffer* response) override;

  grpc::ServerUnaryReactor* GetQuality(grpc::CallbackServerContext* rpc,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListDecisions(grpc::CallbackServerContext* rpc,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* KeepSnapshot(grpc::CallbackServerContext* rpc,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ReleaseSnapshot(
      grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* request,
      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DiffSnapshots(grpc::CallbackServerContext* rpc,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Pause(grpc::CallbackServerContext* rpc,
                                  const grpc::ByteBuffer* request,
                                  grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Resume(grpc::CallbackServerContext* rpc,
                                   const grpc::ByteBuffer* request,
                                   grpc::ByteBuffer* response) override;

  // Ends every watch.
  void Drain();

 private:
  friend class WatchStream;
  void Forget(const std::shared_ptr<WatchStream>& stream);
  Publisher::KeepDone ReplyWithSnapshot(UnaryCall* call) const;

  const DaemonContext* const context_;
  absl::Mutex mutex_;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  absl::flat_hash_set<std::shared_ptr<WatchStream>> watches_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace taud::server

#endif  // TAUD_SERVER_API_MODEL_SERVICE_H_
