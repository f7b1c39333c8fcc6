#include "cli/client/client.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "cli/client/event_batch.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"

namespace taud::cli {
namespace {

constexpr int kMaxMessageBytes = 64 << 20;

const char* Advice(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      return "is taud running there and ready? Try `tauctl status`, or give "
             "its address with --server";
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return "no answer in time; a longer --timeout may help";
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      if (IsTooLarge(status)) return "send less at a time";
      return "the server is at its limit; try again in a moment";
    case grpc::StatusCode::UNIMPLEMENTED:
      return "the server is of another version than this tauctl";
    default:
      return nullptr;
  }
}

}  // namespace

std::shared_ptr<grpc::Channel> Connect(const Common& common) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  return grpc::CreateCustomChannel(
      common.server, grpc::InsecureChannelCredentials(), arguments);
}

void Prepare(const Common& common, grpc::ClientContext* context) {
  context->set_deadline(std::chrono::system_clock::now() +
                        std::chrono::milliseconds(static_cast<int64_t>(
                            common.timeout_seconds * 1000)));
}

absl::Status FromRpc(const grpc::Status& status, const std::string& server) {
  if (status.ok()) return absl::OkStatus();
  std::string message = absl::StrCat(server, ": ", status.error_message());
  if (const char* advice = Advice(status)) {
    absl::StrAppend(&message, " (", advice, ")");
  }
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      message);
}

}  // namespace taud::cli
