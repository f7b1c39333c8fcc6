#include "cli/bench/limits.h"

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/bench/outcome.h"
#include "cli/client/child_daemon.h"
#include "cli/client/load_generator.h"
#include "lab/search_limit.h"
#include "lab/synthetic_snapshot.h"

namespace taud::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kUsersForLimit = 2048;
// The closed loop needs no longer than this to settle, however long the open
// loop is to be watched.
constexpr double kLongestClosedLoop = 20;

// What the whole machine could do if the transport and the search were all:
// both take their share of the same cores.
double Limit(double echo, double faiss) { return 1 / (1 / echo + 1 / faiss); }

// Vectors for the search limit: the daemon's own if it is synthetic, else
// others of the same number and size.
std::unique_ptr<model::Snapshot> VectorsForLimit(const Target& target) {
  return lab::MakeSyntheticSnapshot(kUsersForLimit,
                                    target.status.index().items(),
                                    target.status.index().dim(), 1);
}

// The calls of the closed loop, of one caller and of many.
struct ClosedLoops {
  std::vector<CallRecord> lone[2], busy[2];  // of the echo, of taud
  double seconds = 0, lone_seconds = 0;      // of each server
  size_t batch = 1;  // queries that taud searches at a time
};

// Halves, one after the other in turn: what else the machine does meanwhile
// hits both alike.
absl::StatusOr<ClosedLoops> RunClosedLoops(const BenchFlags& flags,
                                           const Target& target,
                                           const std::string& echo,
                                           Progress* progress) {
  ClosedLoops loops;
  loops.seconds = std::min(flags.seconds, kLongestClosedLoop);
  const double half = loops.seconds / 2;
  const double lone_half = std::min(half, 3.0);
  loops.lone_seconds = 2 * lone_half;
  const std::string servers[2] = {echo, target.common.server};
  uint64_t batches = 0;
  uint64_t queries = 0;
  for (int round = 0; round < 2; ++round) {
    for (int s = 0; s < 2; ++s) {
      progress->Note(s == 0 ? "measuring the echo" : "measuring taud");
      const LoadResult one =
          RunLoad(ClosedLoop(flags, target, servers[s], 1, lone_half));
      loops.lone[s].insert(loops.lone[s].end(), one.calls.begin(),
                           one.calls.end());
      const auto before = AskStatus(target.common);
      if (!before.ok()) return before.status();
      const LoadResult many = RunLoad(
          ClosedLoop(flags, target, servers[s], flags.concurrency, half));
      loops.busy[s].insert(loops.busy[s].end(), many.calls.begin(),
                           many.calls.end());
      const auto after = AskStatus(target.common);
      if (!after.ok()) return after.status();
      if (s == 0) continue;
      batches += after->serving().batches() - before->serving().batches();
      queries += after->serving().queries() - before->serving().queries();
    }
  }
  loops.batch = std::clamp<size_t>(
      batches == 0 ? 1 : (queries + batches / 2) / batches, 1, 1024);
  return loops;
}

}  // namespace

absl::StatusOr<Json> MeasureAgainstLimits(const BenchFlags& flags,
                                          const Target& target,
                                          Progress* progress) {
  auto echo =
      ChildDaemon::Start({"--echo", absl::StrCat(target.response_bytes)});
  if (!echo.ok()) return echo.status();
  const auto loops =
      RunClosedLoops(flags, target, (*echo)->address(), progress);
  if (!loops.ok()) return loops.status();
  const double seconds = loops->seconds;
  progress->Note("measuring FAISS alone");
  const int cores =
      std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const auto faiss = lab::MeasureSearchLimit(
      *VectorsForLimit(target), static_cast<size_t>(flags.k), loops->batch,
      cores, std::min(seconds, 5.0));
  if (!faiss.ok()) return faiss.status();

  const Outcome echo_lone = OutcomeOf(loops->lone[0]);
  const Outcome echo_busy = OutcomeOf(loops->busy[0]);
  const Outcome taud_lone = OutcomeOf(loops->lone[1]);
  const Outcome taud_busy = OutcomeOf(loops->busy[1]);
  const double echo_rate = static_cast<double>(echo_busy.ok.calls) / seconds;
  const double taud_rate = static_cast<double>(taud_busy.ok.calls) / seconds;
  const double limit = Limit(echo_rate, faiss->queries_per_second);
  Json json;
  json["echo"] = echo_busy.ToJson(seconds);
  json["echo"]["lone_p50_ms"] = echo_lone.ok.p50_ms;
  json["faiss"] = {{"queries_per_second", faiss->queries_per_second},
                   {"batch", loops->batch},
                   {"threads", cores},
                   {"lone_p50_ms", faiss->lone_p50_ms}};
  json["limit_requests_per_second"] = limit;
  json["closed"] = taud_busy.ToJson(seconds);
  json["closed"]["concurrency"] = flags.concurrency;
  json["ratio_to_limit"] = taud_rate / limit;
  json["lone"] = taud_lone.ToJson(loops->lone_seconds);
  json["lone"]["ratio_to_echo_plus_faiss"] =
      taud_lone.ok.p50_ms / (echo_lone.ok.p50_ms + faiss->lone_p50_ms);
  json["lone"]["ratio_to_faiss"] = taud_lone.ok.p50_ms / faiss->lone_p50_ms;
  return json;
}

}  // namespace taud::cli
