#include "cli/bench/target.h"

#include <algorithm>
#include <fstream>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/terminal/output.h"
#include "grpcpp/support/proto_buffer_writer.h"
#include "taud/v1/recommendation_service.grpc.pb.h"

namespace taud::cli {
namespace {

constexpr char kRecommend[] = "/taud.v1.RecommendationService/Recommend";
// Distinct requests prepared before the load starts.
constexpr size_t kPrepared = 20000;

// The first word of each line.
absl::StatusOr<std::vector<std::string>> ReadUsers(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  std::vector<std::string> users;
  std::string line;
  while (std::getline(file, line)) {
    std::string user = line.substr(0, line.find_first_of(" \t,\r"));
    if (!user.empty()) users.push_back(std::move(user));
  }
  if (users.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " names no user; one a line is expected"));
  }
  return users;
}

grpc::ByteBuffer Bytes(const v1::RecommendRequest& request) {
  const grpc::Slice slice(request.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

absl::StatusOr<std::vector<v1::RecommendRequest>> MakeRequests(
    const BenchFlags& flags) {
  std::vector<std::string> users;
  if (!flags.user_file.empty()) {
    auto read = ReadUsers(flags.user_file);
    if (!read.ok()) return read.status();
    users = *std::move(read);
  }
  std::mt19937 random(1);
  std::vector<v1::RecommendRequest> requests;
  for (size_t i = 0; i < kPrepared; ++i) {
    v1::RecommendRequest request;
    request.set_user_id(users.empty()
                            ? absl::StrCat("u", random() % flags.users)
                            : users[random() % users.size()]);
    request.set_k(flags.k);
    if (flags.selectivity < 1) {
      request.mutable_filter()->add_any_tags("selected");
    }
    requests.push_back(std::move(request));
  }
  return requests;
}

absl::StatusOr<v1::Status> AwaitReady(const Common& common) {
  const auto model = v1::ModelService::NewStub(Connect(common));
  grpc::ClientContext context;
  v1::WatchStatusRequest request;
  request.set_interval_ms(200);
  const auto stream = model->WatchStatus(&context, request);
  v1::Status status;
  while (stream->Read(&status)) {
    if (!status.ready()) continue;
    context.TryCancel();
    return status;
  }
  return FromRpc(stream->Finish(), common.server);
}

// Asks once, to see that the answers are what is to be measured.
absl::Status Probe(const v1::RecommendRequest& request, Target* target) {
  const auto stub = v1::RecommendationService::NewStub(Connect(target->common));
  grpc::ClientContext context;
  Prepare(target->common, &context);
  v1::RecommendResponse response;
  const grpc::Status status = stub->Recommend(&context, request, &response);
  if (!status.ok()) return FromRpc(status, target->common.server);
  if (response.items_size() == 0) {
    return absl::FailedPreconditionError("the answers are empty");
  }
  target->response_bytes = response.ByteSizeLong();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Target> PrepareTarget(const Common& common,
                                     const BenchFlags& flags) {
  Target target;
  target.common = common;
  if (flags.user_file.empty()) {
    std::vector<std::string> arguments = {
        "--synthetic",
        absl::StrCat("users=", flags.users, ",items=", flags.items,
                     ",dim=", flags.dim, ",seen=", flags.seen, ",selected=",
                     flags.selectivity < 1 ? flags.selectivity : 0,
                     ",swap_ms=", flags.swap_seconds * 1000),
        "--set", absl::StrCat("trainer.dim=", flags.dim),
        // Only the first one, before the measurement.
        "--set", "store.snapshot_save_seconds=86400"};
    for (const std::string& setting : flags.settings) {
      arguments.insert(arguments.end(), {"--set", setting});
    }
    auto own = ChildDaemon::Start(arguments);
    if (!own.ok()) return own.status();
    target.own = *std::move(own);
    target.common.server = target.own->address();
  }
  auto status = AwaitReady(target.common);
  if (!status.ok()) return status.status();
  target.status = *std::move(status);
  auto requests = MakeRequests(flags);
  if (!requests.ok()) return requests.status();
  absl::Status probed = Probe(requests->front(), &target);
  if (!probed.ok()) return probed;
  for (const v1::RecommendRequest& request : *requests) {
    target.requests.push_back(Bytes(request));
  }
  return target;
}

absl::StatusOr<v1::Status> AskStatus(const Common& common) {
  const auto model = v1::ModelService::NewStub(Connect(common));
  grpc::ClientContext context;
  Prepare(common, &context);
  v1::Status status;
  const grpc::Status asked =
      model->GetStatus(&context, v1::GetStatusRequest(), &status);
  if (!asked.ok()) return FromRpc(asked, common.server);
  return status;
}

Load ClosedLoop(const BenchFlags& flags, const Target& target,
                const std::string& server, int concurrency, double seconds) {
  Load load;
  // The other one that is measured, the echo, asks for nothing.
  if (server == target.common.server) load.common = target.common;
  load.common.server = server;
  load.method = kRecommend;
  load.requests = target.requests;
  load.concurrency = concurrency;
  load.threads = std::min(flags.threads, concurrency);
  load.connections = concurrency < 4 ? 1 : 4;
  load.seconds = seconds;
  load.warm_up_seconds = flags.warm_up_seconds;
  return load;
}

}  // namespace taud::cli
