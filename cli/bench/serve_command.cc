// tauctl bench serve

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "cli/bench/commands.h"
#include "cli/bench/limits.h"
#include "cli/bench/outcome.h"
#include "cli/bench/report.h"
#include "cli/bench/target.h"
#include "cli/client/load_generator.h"
#include "cli/client/status_watch.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "nlohmann/json.hpp"

namespace taud::cli {
namespace {

using Json = nlohmann::ordered_json;

// Of each rate that is tried for the open loop's peak.
constexpr double kProbeSeconds = 2;

Json OpenLoop(const BenchFlags& flags, const Target& target, double rate) {
  Load load =
      ClosedLoop(flags, target, target.common.server, 64, flags.seconds);
  load.rate = rate;
  StatusWatch watch(Connect(target.common));
  const LoadResult result = RunLoad(load);
  const std::vector<Swap> swaps = watch.Stop();
  const auto during = [&](const CallRecord& call) {
    return DuringSwap(call, swaps, result.start);
  };
  Json json = {{"rate", rate}};
  json.update(OutcomeOf(result.calls).ToJson(result.seconds));
  json["unsent"] = result.unsent;
  json["swaps"] = swaps.size();
  if (!swaps.empty()) {
    json["during_swaps"] = LatencyJson(OutcomeOf(result.calls, during).ok);
    json["between_swaps"] =
        LatencyJson(OutcomeOf(result.calls, [&](const CallRecord& call) {
                      return !during(call);
                    }).ok);
  }
  json["resident_mib_by_minute"] = watch.ResidentMibByMinute();
  return json;
}

// The most calls a second that an open loop has answered, tried around what the
// closed loop answers: it is another figure, because a closed loop's callers
// wait for each other and come in bursts, which costs less.
double OpenPeak(const BenchFlags& flags, const Target& target, double closed) {
  double peak = 0;
  for (const double share : {0.7, 0.8, 0.9, 1.0, 1.1}) {
    Load load = ClosedLoop(flags, target, target.common.server, 64,
                           std::min(flags.seconds, kProbeSeconds));
    load.warm_up_seconds = std::min(flags.warm_up_seconds, kProbeSeconds / 4);
    load.rate = share * closed;
    const LoadResult result = RunLoad(load);
    peak =
        std::max(peak, static_cast<double>(OutcomeOf(result.calls).ok.calls) /
                           result.seconds);
  }
  return peak;
}

absl::Status BenchServe(const Common& common, const BenchFlags& flags) {
  const InterruptGuard guard;
  Progress progress("measurements");
  progress.Note("preparing");
  auto target = PrepareTarget(common, flags);
  if (!target.ok()) return target.status();
  const v1::IndexStatus& index = target->status.index();
  Json json;
  json["items"] = index.items();
  json["users"] = target->status.log().users();
  json["dim"] = index.dim();
  json["k"] = flags.k;
  json["filter_selectivity"] = flags.selectivity;
  json["seen_per_user"] = flags.seen;
  json["swap_every_seconds"] = flags.swap_seconds;
  json["index"] = index.kind();
  json["kernel"] = index.kernel();
  json["trainer"] = target->status.trainer().state();
  auto limits = MeasureAgainstLimits(flags, *target, &progress);
  if (!limits.ok()) return limits.status();
  json.update(*limits);
  std::vector<double> rates = flags.rates;
  if (!flags.loads.empty()) {
    progress.Note("looking for the peak of the open loop");
    const double peak =
        OpenPeak(flags, *target, json["closed"]["requests_per_second"]);
    json["open_peak_requests_per_second"] = peak;
    for (const double load : flags.loads) rates.push_back(load * peak);
  }
  json["open"] = Json::array();
  for (const double rate : rates) {
    progress.Note(
        absl::StrCat("measuring taud at ", Fixed(rate, 0), " calls a second"));
    json["open"].push_back(OpenLoop(flags, *target, rate));
  }
  if (common.json) {
    std::cout << json.dump() << "\n";
  } else {
    std::cout << BenchReport(json);
  }
  return absl::OkStatus();
}

// What is measured.
void AddTargetFlags(CLI::App* serve, BenchFlags* flags) {
  serve->add_option("--user-file", flags->user_file,
                    "Measure the running daemon (--server) for these users: "
                    "the first word of each line");
  serve->add_option("--items", flags->items, "Items of the started daemon")
      ->check(CLI::Range(size_t{1}, size_t{100000000}))
      ->capture_default_str();
  serve->add_option("--users", flags->users, "Its users")
      ->check(CLI::Range(size_t{1}, size_t{100000000}))
      ->capture_default_str();
  serve->add_option("--dim", flags->dim, "Size of its vectors")
      ->check(CLI::Range(8, 1024))
      ->capture_default_str();
  serve->add_option("--seen-per-user", flags->seen, "Items in each history")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  serve
      ->add_option("--filter-selectivity", flags->selectivity,
                   "Share of the items that pass the requests' tag filter; "
                   "1: no filter")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  serve
      ->add_option("--swap-every", flags->swap_seconds,
                   "Seconds between two snapshots; 0: one snapshot")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  serve->add_option("--set", flags->settings,
                    "Configuration of the started daemon, as taud --set; "
                    "several times for several");
}

// How it is measured.
void AddLoadFlags(CLI::App* serve, BenchFlags* flags) {
  serve->add_option("-k,--k", flags->k, "How many items")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  serve
      ->add_option("--concurrency", flags->concurrency,
                   "Callers of the closed loop")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  serve
      ->add_option("--rate", flags->rates,
                   "Calls a second of the open loop, one measurement each")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  serve
      ->add_option("--load", flags->loads,
                   "The same as a share of the open loop's peak, which is "
                   "looked for first: 0.8,3")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  serve
      ->add_option("--duration", flags->seconds,
                   "Seconds of each measurement; of a closed loop 20 at most")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
  serve
      ->add_option("--warm-up", flags->warm_up_seconds,
                   "Seconds before it that do not count")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  serve->add_option("--client-threads", flags->threads, "Threads that call")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
}

}  // namespace

void AddBench(CLI::App* app, const Common* common, absl::Status* result) {
  CLI::App* bench = app->add_subcommand("bench", "Measures");
  bench->require_subcommand(1);
  AddBenchFreshness(bench, common, result);
  auto flags = std::make_shared<BenchFlags>();
  CLI::App* serve = bench->add_subcommand(
      "serve",
      "Throughput and latency of Recommend, beside the limits of this machine: "
      "a gRPC echo of the same size and FAISS alone. Starts a daemon with "
      "random vectors, unless --user-file names users of a running one");
  AddTargetFlags(serve, flags.get());
  AddLoadFlags(serve, flags.get());
  serve->callback(
      [common, flags, result] { *result = BenchServe(*common, *flags); });
}

}  // namespace taud::cli
