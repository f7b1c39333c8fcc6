#include "cli/client/client.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "cli/client/event_batch.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/client_interceptor.h"

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
    case grpc::StatusCode::UNAUTHENTICATED:
      return "give a token with --token-file or $TAUD_TOKEN; `tauctl token "
             "new` makes one";
    default:
      return nullptr;
  }
}

constexpr std::streamsize kMaxTokenBytes = 16384;

// Puts the token into every call. Not call credentials of gRPC: those are for
// TLS alone, and a daemon on the loopback may ask for a token, too.
class TokenInterceptor : public grpc::experimental::Interceptor {
 public:
  explicit TokenInterceptor(const std::string& token) : token_(token) {}
  void Intercept(
      grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(
            grpc::experimental::InterceptionHookPoints::
                PRE_SEND_INITIAL_METADATA)) {
      methods->GetSendInitialMetadata()->emplace("authorization",
                                                 "Bearer " + token_);
    }
    methods->Proceed();
  }

 private:
  const std::string& token_;  // the factory's, which outlives every call
};

class TokenInterceptors
    : public grpc::experimental::ClientInterceptorFactoryInterface {
 public:
  explicit TokenInterceptors(std::string token) : token_(std::move(token)) {}
  grpc::experimental::Interceptor* CreateClientInterceptor(
      grpc::experimental::ClientRpcInfo*) override {
    return new TokenInterceptor(token_);
  }

 private:
  const std::string token_;
};

// Debian's; gRPC knows of none by itself.
constexpr char kSystemCas[] = "/etc/ssl/certs/ca-certificates.crt";

// Empty if it cannot be read: then no connection can be made, and gRPC says so.
std::string ReadPem(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file),
                     std::istreambuf_iterator<char>());
}

bool UsesTls(const Common& common) {
  return common.tls || !common.ca.empty() || !common.certificate.empty() ||
         !common.key.empty() || !common.server_name.empty();
}

std::shared_ptr<grpc::ChannelCredentials> CredentialsOf(const Common& common) {
  if (!UsesTls(common)) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = ReadPem(common.ca.empty() ? kSystemCas : common.ca);
  if (!common.certificate.empty()) {
    options.pem_cert_chain = ReadPem(common.certificate);
    options.pem_private_key = ReadPem(common.key);
  }
  return grpc::SslCredentials(options);
}

// Metadata with another character would end the process.
absl::StatusOr<std::string> CheckToken(std::string token, const char* where) {
  token = std::string(absl::StripAsciiWhitespace(token));
  const bool good = !token.empty() &&
                    std::all_of(token.begin(), token.end(),
                                [](char c) { return absl::ascii_isgraph(c); });
  if (good) return token;
  return absl::FailedPreconditionError(
      absl::StrCat(where, " has no token: one line of printable characters"));
}

}  // namespace

std::shared_ptr<grpc::Channel> Connect(const Common& common,
                                       grpc::ChannelArguments arguments) {
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  if (!common.server_name.empty()) {
    arguments.SetSslTargetNameOverride(common.server_name);
  }
  if (common.token.empty()) {
    return grpc::CreateCustomChannel(common.server, CredentialsOf(common),
                                     arguments);
  }
  std::vector<
      std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>>
      interceptors;
  interceptors.push_back(std::make_unique<TokenInterceptors>(common.token));
  return grpc::experimental::CreateCustomChannelWithInterceptors(
      common.server, CredentialsOf(common), arguments, std::move(interceptors));
}

absl::StatusOr<std::string> FindToken(const std::string& token_file) {
  if (token_file.empty()) {
    const char* given = std::getenv("TAUD_TOKEN");
    if (given == nullptr || *given == '\0') return std::string();
    return CheckToken(given, "$TAUD_TOKEN");
  }
  struct stat info = {};
  std::ifstream file(token_file);
  if (!file || stat(token_file.c_str(), &info) != 0 || S_ISDIR(info.st_mode)) {
    return absl::NotFoundError(absl::StrCat("cannot read ", token_file));
  }
  std::string line(kMaxTokenBytes, '\0');
  file.read(line.data(), kMaxTokenBytes);
  line.resize(static_cast<size_t>(file.gcount()));
  return CheckToken(line.substr(0, line.find('\n')), token_file.c_str());
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
