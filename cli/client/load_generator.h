#ifndef TAUD_CLI_CLIENT_LOAD_GENERATOR_H_
#define TAUD_CLI_CLIENT_LOAD_GENERATOR_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/client/client.h"
#include "grpcpp/support/byte_buffer.h"

// Load from threads of its own, as raw bytes, so that the client costs little
// of the machine it shares with the server.

namespace taud::cli {

struct Load {
  Common common;       // where, and as whom
  std::string method;  // "/taud.v1.RecommendationService/Recommend"
  std::vector<grpc::ByteBuffer> requests;  // taken in turn
  // Closed loop: so many calls are under way, each followed by another.
  int concurrency = 1;
  // Open loop, if not 0: calls begin at this constant rate a second, whatever
  // becomes of the earlier ones, and latency counts from when a call was due,
  // not from when it could be sent: a server that stalls is charged for every
  // call that should have been answered meanwhile. What is due is sent in
  // ticks of half a millisecond, which count as latency too.
  double rate = 0;
  double seconds = 1;
  double warm_up_seconds = 0;
  int threads = 2;
  int connections = 4;
};

// One call, by the time it was due (seconds after the start of the load).
struct CallRecord {
  float due = 0;
  float milliseconds = 0;       // from when it was due to its end
  float late_milliseconds = 0;  // from when it was due to when it was sent
  uint8_t code = 0;             // canonical
};

struct LoadResult {
  std::vector<CallRecord> calls;  // those due after the warm-up
  double seconds = 0;             // over which they were due
  absl::Time start;               // of the load, to which `due` counts
  uint64_t unsent = 0;            // open loop: too many under way to send more
};

// Blocks for as long as the load takes and the last answers are on their way.
LoadResult RunLoad(const Load& load);

struct Latency {
  uint64_t calls = 0;
  double p50_ms = 0, p90_ms = 0, p99_ms = 0, p999_ms = 0, max_ms = 0;
};

// Percentiles of `milliseconds`, by nearest rank; sorts it.
Latency Summarise(std::vector<double>* milliseconds);

}  // namespace taud::cli

#endif  // TAUD_CLI_CLIENT_LOAD_GENERATOR_H_
