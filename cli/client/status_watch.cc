#include "cli/client/status_watch.h"

#include "taud/v1/model_service.grpc.pb.h"

namespace taud::cli {
namespace {

constexpr int kIntervalMs = 100;
constexpr size_t kSamplesPerMinute = 60000 / kIntervalMs;

}  // namespace

StatusWatch::StatusWatch(const std::shared_ptr<grpc::Channel>& channel) {
  thread_ = std::thread([this, channel] { Follow(channel); });
}

StatusWatch::~StatusWatch() {
  if (thread_.joinable()) Stop();
}

std::vector<Swap> StatusWatch::Stop() {
  context_.TryCancel();
  thread_.join();
  return swaps_;
}

void StatusWatch::Follow(const std::shared_ptr<grpc::Channel>& channel) {
  const auto stub = v1::ModelService::NewStub(channel);
  v1::WatchStatusRequest request;
  request.set_interval_ms(kIntervalMs);
  const auto stream = stub->WatchStatus(&context_, request);
  v1::Status status;
  int64_t last = -1;
  while (stream->Read(&status)) {
    resident_.push_back(static_cast<double>(status.serving().resident_bytes()) /
                        (1 << 20));
    const int64_t at = status.serving().last_swap_ms();
    if (last >= 0 && at != last) {
      swaps_.push_back(
          {absl::FromUnixMillis(at), status.index().build_seconds()});
    }
    last = at;
  }
}

std::vector<double> StatusWatch::ResidentMibByMinute() const {
  std::vector<double> means;
  for (size_t begin = 0; begin < resident_.size(); begin += kSamplesPerMinute) {
    const size_t end = std::min(begin + kSamplesPerMinute, resident_.size());
    double sum = 0;
    for (size_t i = begin; i < end; ++i) sum += resident_[i];
    means.push_back(sum / static_cast<double>(end - begin));
  }
  return means;
}

}  // namespace taud::cli
