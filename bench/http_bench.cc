// Recommend through gRPC, and as JSON over HTTP: on connections that are kept,
// and on a new one for each request. Asks a daemon that runs and has a model,
// with as many askers at a time, each of whom asks when it has its answer.
//
//   http_bench GRPC_HOST:PORT HTTP_PORT USER K
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "cli/client/load_generator.h"
#include "model/steady_clock.h"
#include "taud/v1/recommendation_service.pb.h"

namespace taud {
namespace {

constexpr double kSeconds = 4;

// One connection, one request at a time.
class Asker {
 public:
  Asker(int port, std::string request, bool keeps_open)
      : request_(std::move(request)), keeps_open_(keeps_open) {
    address_.sin_family = AF_INET;
    address_.sin_port = htons(static_cast<uint16_t>(port));
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  ~Asker() { Close(); }

  // False: no whole answer, or an error.
  bool Ask() {
    if (fd_ < 0 && !Connect()) return false;
    if (send(fd_, request_.data(), request_.size(), MSG_NOSIGNAL) < 0) {
      return false;
    }
    const bool answered = ReadAnswer();
    if (!keeps_open_) Close();
    return answered;
  }

 private:
  bool Connect() {
    fd_ = socket(AF_INET, SOCK_STREAM, 0);
    const int yes = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    return connect(fd_, reinterpret_cast<sockaddr*>(&address_),
                   sizeof(address_)) == 0;
  }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  bool ReadAnswer() {
    constexpr char kLength[] = "Content-Length: ";
    std::string text;
    size_t whole = 0;
    char buffer[65536];
    while (whole == 0 || text.size() < whole) {
      const ssize_t n = recv(fd_, buffer, sizeof(buffer), 0);
      if (n <= 0) return false;
      text.append(buffer, static_cast<size_t>(n));
      const size_t end = text.find("\r\n\r\n");
      if (end == std::string::npos) continue;
      const size_t at = text.find(kLength) + sizeof(kLength) - 1;
      size_t length = 0;
      if (!absl::SimpleAtoi(text.substr(at, text.find("\r\n", at) - at),
                            &length)) {
        return false;
      }
      whole = end + 4 + length;
    }
    return text.compare(0, 12, "HTTP/1.1 200") == 0;
  }

  const std::string request_;
  const bool keeps_open_;
  sockaddr_in address_ = {};
  int fd_ = -1;
};

void MeasureHttp(const char* name, int port, const std::string& request,
                 bool keeps_open, int concurrency) {
  std::vector<std::thread> threads;
  std::vector<size_t> answered(static_cast<size_t>(concurrency));
  std::vector<size_t> failed(static_cast<size_t>(concurrency));
  const absl::Time end = model::SteadyNow() + absl::Seconds(kSeconds);
  for (size_t t = 0; t < answered.size(); ++t) {
    threads.emplace_back([&, t] {
      Asker asker(port, request, keeps_open);
      while (model::SteadyNow() < end) ++(asker.Ask() ? answered : failed)[t];
    });
  }
  for (std::thread& thread : threads) thread.join();
  size_t all = 0;
  size_t wrong = 0;
  for (size_t t = 0; t < answered.size(); ++t) {
    all += answered[t];
    wrong += failed[t];
  }
  absl::PrintF("%-18s %3d at a time: %8.0f answers a second, %d failed\n", name,
               concurrency, static_cast<double>(all) / kSeconds, wrong);
}

void MeasureGrpc(const std::string& server, const v1::RecommendRequest& request,
                 int concurrency) {
  const grpc::Slice slice(request.SerializeAsString());
  cli::Load load;
  load.common.server = server;
  load.method = "/taud.v1.RecommendationService/Recommend";
  load.requests = {grpc::ByteBuffer(&slice, 1)};
  load.concurrency = concurrency;
  load.threads = concurrency < 2 ? 1 : 2;
  load.seconds = kSeconds;
  load.warm_up_seconds = 0.5;
  const cli::LoadResult result = cli::RunLoad(load);
  size_t answered = 0;
  for (const cli::CallRecord& call : result.calls) answered += call.code == 0;
  absl::PrintF("%-18s %3d at a time: %8.0f answers a second, %d failed\n",
               "gRPC", concurrency, static_cast<double>(answered) / kSeconds,
               result.calls.size() - answered);
}

int Run(const std::string& grpc_server, int http_port, const std::string& user,
        int k) {
  v1::RecommendRequest request;
  request.set_user_id(user);
  request.set_k(k);
  const std::string body =
      absl::StrCat("{\"user_id\": \"", user, "\", \"k\": ", k, "}");
  const std::string text = absl::StrCat(
      "POST /v1/recommend HTTP/1.1\r\nHost: localhost\r\n"
      "Content-Type: application/json\r\nContent-Length: ",
      body.size(), "\r\n");
  for (const int concurrency : {1, 4, 16, 48}) {
    MeasureGrpc(grpc_server, request, concurrency);
    MeasureHttp("JSON, kept", http_port, text + "\r\n" + body, true,
                concurrency);
    MeasureHttp("JSON, connected", http_port,
                text + "Connection: close\r\n\r\n" + body, false, concurrency);
  }
  return 0;
}

}  // namespace
}  // namespace taud

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: http_bench GRPC_HOST:PORT HTTP_PORT USER K\n");
    return 2;
  }
  return taud::Run(argv[1], std::atoi(argv[2]), argv[3], std::atoi(argv[4]));
}
