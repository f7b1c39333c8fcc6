#ifndef TAUD_SERVER_API_CATALOG_SERVICE_H_
#define TAUD_SERVER_API_CATALOG_SERVICE_H_

#include <memory>

#include "server/api/daemon_context.h"
#include "taud/v1/catalog_service.grpc.pb.h"

namespace taud::server {

struct Deletion;

// taud.v1.CatalogService. Handlers never block: writes answer from the
// store's writer thread. `context` outlives the service.
class CatalogServiceImpl
    : public v1::CatalogService::WithRawCallbackMethod_UpsertItems<
          v1::CatalogService::WithRawCallbackMethod_GetItem<
              v1::CatalogService::WithRawCallbackMethod_GetUser<
                  v1::CatalogService::WithRawCallbackMethod_EraseUser<
                      v1::CatalogService::WithRawCallbackMethod_DeleteItems<
                          v1::CatalogService::WithRawCallbackMethod_GetErasure<
                              v1::CatalogService::
                                  WithRawCallbackMethod_ListItems<
                                      v1::CatalogService::
                                          WithRawCallbackMethod_UpsertUsers<
                                              v1::CatalogService::
                                                  Service>>>>>>>> {
 public:
  explicit CatalogServiceImpl(const DaemonContext* context)
      : context_(context) {}

  grpc::ServerUnaryReactor* UpsertItems(grpc::CallbackServerContext* rpc,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetItem(grpc::CallbackServerContext* rpc,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetUser(grpc::CallbackServerContext* rpc,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* EraseUser(grpc::CallbackServerContext* rpc,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DeleteItems(grpc::CallbackServerContext* rpc,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetErasure(grpc::CallbackServerContext* rpc,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;

  grpc::ServerUnaryReactor* ListItems(grpc::CallbackServerContext* rpc,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* UpsertUsers(grpc::CallbackServerContext* rpc,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;

 private:
  // Whether so many bytes more fit into the catalogue.
  absl::Status CheckRoom(size_t bytes) const;
  void DeleteNext(std::shared_ptr<Deletion> deletion);

  const DaemonContext* const context_;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_API_CATALOG_SERVICE_H_
