// Every method of the API through the services of a daemon, as gRPC messages,
// and every path of its HTTP port as bodies of JSON. The first byte says which;
// the others are the message. An answer must come, and none may be a fault of
// ours.
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "httplib.h"
#include "model/check.h"
#include "server/api/json_routes.h"
#include "server/daemon.h"
#include "server/lifecycle/config_loader.h"
#include "server/observe/logging.h"
#include "taud/v1/catalog_service.pb.h"
#include "taud/v1/ingestion_service.pb.h"
#include "taud/v1/model_service.pb.h"
#include "taud/v1/recommendation_service.pb.h"
#include "tests/e2e/raw_call.h"

namespace taud::server {
namespace {

using google::protobuf::FileDescriptor;

// A daemon in this process, with a directory of its own that goes with it.
class World {
 public:
  World() {
    char pattern[] = "/tmp/taud-fuzz-XXXXXX";
    directory_ = mkdtemp(pattern);
    std::filesystem::create_directory(directory_ + "/backups");
    InitLogging("error", "text");
    config::v1::Config config = DefaultConfig();
    for (const std::string& setting :
         {"store.data_dir=" + directory_ + "/data",
          "store.backup_root=" + directory_ + "/backups",
          "server.grpc_address=unix:" + directory_ + "/socket",
          std::string("server.http_address=127.0.0.1:0"),
          "audit.file=" + directory_ + "/audit.log",
          std::string("audit.sample_percent=100"),
          std::string("trainer.dim=16"), std::string("trainer.threads=1"),
          std::string("trainer.device=cpu"), std::string("serving.device=cpu"),
          std::string("trainer.publish_interval_ms=200")}) {
      TAUD_CHECK(OverrideConfig(setting, &config).ok());
    }
    auto daemon = Daemon::Start(config);
    TAUD_CHECK(daemon.ok());
    daemon_ = *std::move(daemon);
    TAUD_CHECK(daemon_->Run().ok());
    channel_ = grpc::CreateChannel("unix:" + directory_ + "/socket",
                                   grpc::InsecureChannelCredentials());
    for (const FileDescriptor* file :
         {v1::RecommendRequest::descriptor()->file(),
          v1::IngestRequest::descriptor()->file(),
          v1::GetItemRequest::descriptor()->file(),
          v1::GetStatusRequest::descriptor()->file()}) {
      for (int s = 0; s < file->service_count(); ++s) {
        for (int m = 0; m < file->service(s)->method_count(); ++m) {
          paths_.push_back(absl::StrCat("/", file->service(s)->full_name(), "/",
                                        file->service(s)->method(m)->name()));
        }
      }
    }
    Feed();
  }
  ~World() {
    daemon_->Drain();
    daemon_.reset();
    std::filesystem::remove_all(directory_);
  }

  void Run(uint8_t which, const std::string& message) {
    const size_t routes = JsonRoutes().size();
    const size_t choice = which % (paths_.size() + routes);
    if (choice < paths_.size()) {
      Call(paths_[choice], message);
    } else {
      Post(JsonRoutes()[choice - paths_.size()], message);
    }
  }

 private:
  // So that there is something to be asked of.
  void Feed() {
    v1::WriteInteractionsRequest request;
    for (int i = 0; i < 400; ++i) {
      v1::Interaction* one = request.add_interactions();
      one->set_user_id(absl::StrCat("u", i % 20));
      one->set_item_id(absl::StrCat("i", (i * 7) % 30));
    }
    Call("/taud.v1.IngestionService/WriteInteractions",
         request.SerializeAsString());
  }

  void Call(const std::string& path, const std::string& message) {
    grpc::ClientContext context;
    // A watch goes on for ever, and so may a publication.
    context.set_deadline(
        std::chrono::system_clock::now() +
        std::chrono::milliseconds(
            path.find("WatchStatus") == std::string::npos ? 5000 : 20));
    grpc::ByteBuffer response;
    const grpc::Status status =
        e2e::CallRaw(channel_, path, message, &context, &response);
    // INTERNAL is also what gRPC's client says of a second message.
    const bool ours =
        status.error_code() == grpc::StatusCode::UNKNOWN ||
        status.error_code() == grpc::StatusCode::DATA_LOSS ||
        (status.error_code() == grpc::StatusCode::INTERNAL &&
         path.find("WatchStatus") == std::string::npos &&
         path.find("IngestionService/Ingest") == std::string::npos);
    if (ours) {
      std::fprintf(stderr, "%s: %s\n", path.c_str(),
                   status.error_message().c_str());
      abort();
    }
  }

  // The body as what stands behind the path: its blanks would end the line.
  static std::string Query(std::string body) {
    for (char& c : body) {
      if (c <= ' ' || c == 127) c = '&';
    }
    return "?" + body.substr(0, 2000);
  }

  void Post(const JsonRoute& route, const std::string& body) {
    httplib::Client client("127.0.0.1", daemon_->http_port());
    client.set_read_timeout(10);
    std::string path = route.path;
    const size_t brace = path.find('{');
    if (brace != std::string::npos) {
      path = path.substr(0, brace) +
             httplib::detail::encode_query_param(body.substr(0, 500));
    }
    const httplib::Headers headers = {{"X-Taud-Request", "1"}};
    const bool streams = route.kind == JsonRoute::Kind::kStream;
    const auto result =
        std::string(route.method) == "POST"
            ? client.Post(path, headers, body,
                          streams ? "application/x-ndjson" : "application/json")
            : client.Get(path + (brace == std::string::npos ? Query(body) : ""),
                         headers);
    if (result && result->status == 500) {
      std::fprintf(stderr, "%s: %s\n", path.c_str(), result->body.c_str());
      abort();
    }
  }

  std::string directory_;
  std::unique_ptr<Daemon> daemon_;
  std::shared_ptr<grpc::Channel> channel_;
  std::vector<std::string> paths_;
};

}  // namespace
}  // namespace taud::server

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static taud::server::World world;
  if (size == 0) return 0;
  world.Run(data[0],
            std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
  return 0;
}
