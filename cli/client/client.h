#ifndef TAUD_CLI_CLIENT_CLIENT_H_
#define TAUD_CLI_CLIENT_CLIENT_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"

namespace taud::cli {

// What every command is told.
struct Common {
  std::string server = "127.0.0.1:50051";
  double timeout_seconds = 30;
  bool json = false;
};

std::shared_ptr<grpc::Channel> Connect(const Common& common);

// Sets the deadline of one call.
void Prepare(const Common& common, grpc::ClientContext* context);

// The error of a call to `server`, with what to do about it.
absl::Status FromRpc(const grpc::Status& status, const std::string& server);

}  // namespace taud::cli

#endif  // TAUD_CLI_CLIENT_CLIENT_H_
