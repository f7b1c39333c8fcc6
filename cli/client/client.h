#ifndef TAUD_CLI_CLIENT_CLIENT_H_
#define TAUD_CLI_CLIENT_CLIENT_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/channel_arguments.h"
#include "grpcpp/support/status.h"

namespace taud::cli {

// What every command is told.
struct Common {
  std::string server = "127.0.0.1:50051";
  double timeout_seconds = 30;
  // Never an argument: every user of the machine can read those.
  std::string token;
  // Any of them: TLS.
  bool tls = false;
  std::string ca;           // file of those who vouch for the server
  std::string certificate;  // file; of this client
  std::string key;          // file
  std::string server_name;  // that the server's certificate is to have
  bool json = false;
};

// A channel on which every call carries the token, if there is one.
std::shared_ptr<grpc::Channel> Connect(
    const Common& common,
    grpc::ChannelArguments arguments = grpc::ChannelArguments());

// The token of the file (its first line), or else of $TAUD_TOKEN; "" if neither
// is given. NOT_FOUND or FAILED_PRECONDITION if the file is no good.
absl::StatusOr<std::string> FindToken(const std::string& token_file);

// Sets the deadline of one call.
void Prepare(const Common& common, grpc::ClientContext* context);

// The error of a call to `server`, with what to do about it.
absl::Status FromRpc(const grpc::Status& status, const std::string& server);

}  // namespace taud::cli

#endif  // TAUD_CLI_CLIENT_CLIENT_H_
