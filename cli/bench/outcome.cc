#include "cli/bench/outcome.h"

#include <algorithm>
#include <string>

#include "absl/status/status.h"

namespace taud::cli {
namespace {

using Json = nlohmann::ordered_json;

// A swap is felt from the time its index is built until the old one is freed.
constexpr double kSwapSeconds = 0.3;

}  // namespace

Json LatencyJson(const Latency& latency) {
  return {{"calls", latency.calls},      {"p50_ms", latency.p50_ms},
          {"p90_ms", latency.p90_ms},    {"p99_ms", latency.p99_ms},
          {"p99.9_ms", latency.p999_ms}, {"max_ms", latency.max_ms}};
}

Json Outcome::ToJson(double seconds) const {
  Json json = LatencyJson(ok);
  json["requests_per_second"] = static_cast<double>(ok.calls) / seconds;
  json["errors"] = errors;
  json["refused"] = LatencyJson(refused);
  json["refused"]["since_sent"] = LatencyJson(refused_since_sent);
  json["sent_late"] = LatencyJson(late);
  Json by_code = Json::object();
  for (const auto& [code, count] : codes) {
    by_code[absl::StatusCodeToString(static_cast<absl::StatusCode>(code))] =
        count;
  }
  json["codes"] = by_code;
  return json;
}

Outcome OutcomeOf(const std::vector<CallRecord>& calls,
                  const std::function<bool(const CallRecord&)>& wanted) {
  Outcome outcome;
  std::vector<double> ok;
  std::vector<double> refused;
  std::vector<double> refused_since_sent;
  std::vector<double> late;
  for (const CallRecord& call : calls) {
    if (wanted != nullptr && !wanted(call)) continue;
    ++outcome.codes[call.code];
    late.push_back(call.late_milliseconds);
    if (call.code == 0) {
      ok.push_back(call.milliseconds);
    } else if (call.code ==
               static_cast<int>(absl::StatusCode::kResourceExhausted)) {
      refused.push_back(call.milliseconds);
      refused_since_sent.push_back(call.milliseconds - call.late_milliseconds);
    } else {
      ++outcome.errors;
    }
  }
  outcome.ok = Summarise(&ok);
  outcome.refused = Summarise(&refused);
  outcome.refused_since_sent = Summarise(&refused_since_sent);
  outcome.late = Summarise(&late);
  return outcome;
}

bool DuringSwap(const CallRecord& call, const std::vector<Swap>& swaps,
                absl::Time start) {
  const double end = call.due + call.milliseconds / 1000;
  return std::any_of(swaps.begin(), swaps.end(), [&](const Swap& swap) {
    const double at = absl::ToDoubleSeconds(swap.at - start);
    return end >= at - swap.build_seconds - kSwapSeconds / 3 &&
           call.due <= at + kSwapSeconds;
  });
}

}  // namespace taud::cli
