#ifndef TAUD_CLI_BENCH_OUTCOME_H_
#define TAUD_CLI_BENCH_OUTCOME_H_

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "absl/time/time.h"
#include "cli/client/load_generator.h"
#include "cli/client/status_watch.h"
#include "nlohmann/json.hpp"

// What a load on the server came to. Pure.

namespace taud::cli {

nlohmann::ordered_json LatencyJson(const Latency& latency);

// Calls by what became of them.
struct Outcome {
  Latency ok, refused;
  Latency refused_since_sent;  // not since due
  Latency late;                // how late the calls were sent
  uint64_t errors = 0;         // neither answered nor refused
  std::map<int, uint64_t> codes;

  nlohmann::ordered_json ToJson(double seconds) const;
};

// Of the calls that are wanted; without `wanted`, of all.
Outcome OutcomeOf(
    const std::vector<CallRecord>& calls,
    const std::function<bool(const CallRecord&)>& wanted = nullptr);

// Whether some swap was under way while `call` was. The load began at `start`.
bool DuringSwap(const CallRecord& call, const std::vector<Swap>& swaps,
                absl::Time start);

}  // namespace taud::cli

#endif  // TAUD_CLI_BENCH_OUTCOME_H_
