#ifndef TAUD_CLI_CLIENT_STATUS_WATCH_H_
#define TAUD_CLI_CLIENT_STATUS_WATCH_H_

#include <memory>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"

namespace taud::cli {

// A snapshot that came into service.
struct Swap {
  absl::Time at;
  double build_seconds = 0;
};

// Follows a daemon's status on a thread of its own, for what a load's records
// cannot tell. One thread's.
class StatusWatch {
 public:
  explicit StatusWatch(const std::shared_ptr<grpc::Channel>& channel);
  ~StatusWatch();

  // Ends following; the swaps since the beginning.
  std::vector<Swap> Stop();

  // Mean resident memory in each minute. After Stop.
  std::vector<double> ResidentMibByMinute() const;

 private:
  void Follow(const std::shared_ptr<grpc::Channel>& channel);

  grpc::ClientContext context_;
  // The thread's own until it is joined.
  std::vector<Swap> swaps_;
  std::vector<double> resident_;  // MiB, a sample each kIntervalMs
  std::thread thread_;
};

}  // namespace taud::cli

#endif  // TAUD_CLI_CLIENT_STATUS_WATCH_H_
