#ifndef TAUD_CLI_BENCH_TARGET_H_
#define TAUD_CLI_BENCH_TARGET_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/client/child_daemon.h"
#include "cli/client/client.h"
#include "cli/client/load_generator.h"
#include "grpcpp/support/byte_buffer.h"
#include "taud/v1/model_service.grpc.pb.h"

// What `tauctl bench serve` measures, and with what load.

namespace taud::cli {

struct BenchFlags {
  std::string user_file;
  size_t items = 41000;
  size_t users = 10000;
  size_t dim = 64;
  int k = 20;
  double selectivity = 1;
  size_t seen = 20;
  double swap_seconds = 0;
  int concurrency = 64;
  std::vector<double> rates;
  std::vector<double> loads;
  double seconds = 10;
  double warm_up_seconds = 1;
  int threads = 2;
  std::vector<std::string> settings;
};

// What is measured: where, and with which requests.
struct Target {
  std::unique_ptr<ChildDaemon> own;  // null: a daemon that runs already
  Common common;
  v1::Status status;  // when it was ready
  std::vector<grpc::ByteBuffer> requests;
  size_t response_bytes = 0;
};

// Starts a daemon of random vectors, or takes the running one, waits until it
// is ready, and asks once to see that the answers are what is to be measured.
absl::StatusOr<Target> PrepareTarget(const Common& common,
                                     const BenchFlags& flags);

// What the daemon says of itself now.
absl::StatusOr<v1::Status> AskStatus(const Common& common);

// The target's requests, sent to `server` by so many callers, each of which
// waits for its answer.
Load ClosedLoop(const BenchFlags& flags, const Target& target,
                const std::string& server, int concurrency, double seconds);

}  // namespace taud::cli

#endif  // TAUD_CLI_BENCH_TARGET_H_
