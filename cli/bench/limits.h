#ifndef TAUD_CLI_BENCH_LIMITS_H_
#define TAUD_CLI_BENCH_LIMITS_H_

#include "absl/status/statusor.h"
#include "cli/bench/target.h"
#include "cli/terminal/progress.h"
#include "nlohmann/json.hpp"

namespace taud::cli {

// Measures the closed loop beside what this machine could do if transport and
// search were all there is: a gRPC echo of the same size, and FAISS alone.
// Takes some seconds; what is being measured goes to `progress`.
absl::StatusOr<nlohmann::ordered_json> MeasureAgainstLimits(
    const BenchFlags& flags, const Target& target, Progress* progress);

}  // namespace taud::cli

#endif  // TAUD_CLI_BENCH_LIMITS_H_
