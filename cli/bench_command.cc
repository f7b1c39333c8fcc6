// tauctl bench serve

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/child_daemon.h"
#include "cli/commands.h"
#include "cli/load_generator.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/status_watch.h"
#include "grpcpp/support/proto_buffer_writer.h"
#include "lab/search_limit.h"
#include "lab/synthetic_snapshot.h"
#include "nlohmann/json.hpp"
#include "taud/v1/model_service.grpc.pb.h"
#include "taud/v1/recommendation_service.grpc.pb.h"

namespace taud::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kRecommend[] = "/taud.v1.RecommendationService/Recommend";
// A swap is felt from the time its index is built until the old one is freed.
constexpr double kSwapSeconds = 0.3;
// Distinct requests prepared before the load starts.
constexpr size_t kPrepared = 20000;
constexpr size_t kUsersForLimit = 2048;
// The closed loop needs no longer than this to settle, however long the open
// loop is to be watched.
constexpr double kLongestClosedLoop = 20;
// Of each rate that is tried for the open loop's peak.
constexpr double kProbeSeconds = 2;

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

absl::StatusOr<Target> Prepare(const Common& common, const BenchFlags& flags) {
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

Load ClosedLoop(const BenchFlags& flags, const Target& target,
                const std::string& server, int concurrency, double seconds) {
  Load load;
  load.server = server;
  load.method = kRecommend;
  load.requests = target.requests;
  load.concurrency = concurrency;
  load.threads = std::min(flags.threads, concurrency);
  load.connections = concurrency < 4 ? 1 : 4;
  load.seconds = seconds;
  load.warm_up_seconds = flags.warm_up_seconds;
  return load;
}

Json LatencyJson(const Latency& latency) {
  return {{"calls", latency.calls},      {"p50_ms", latency.p50_ms},
          {"p90_ms", latency.p90_ms},    {"p99_ms", latency.p99_ms},
          {"p99.9_ms", latency.p999_ms}, {"max_ms", latency.max_ms}};
}

// Calls by what became of them.
struct Outcome {
  Latency ok, refused;
  Latency refused_since_sent;  // not since due
  Latency late;                // how late the calls were sent
  uint64_t errors = 0;         // neither answered nor refused
  std::map<int, uint64_t> codes;

  Json ToJson(double seconds) const {
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
};

template <typename Wanted>
Outcome OutcomeOf(const std::vector<CallRecord>& calls, Wanted wanted) {
  Outcome outcome;
  std::vector<double> ok;
  std::vector<double> refused;
  std::vector<double> refused_since_sent;
  std::vector<double> late;
  for (const CallRecord& call : calls) {
    if (!wanted(call)) continue;
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

Outcome OutcomeOf(const std::vector<CallRecord>& calls) {
  return OutcomeOf(calls, [](const CallRecord&) { return true; });
}

// Whether some swap was under way while `call` was.
bool DuringSwap(const CallRecord& call, const std::vector<Swap>& swaps,
                absl::Time start) {
  const double end = call.due + call.milliseconds / 1000;
  return std::any_of(swaps.begin(), swaps.end(), [&](const Swap& swap) {
    const double at = absl::ToDoubleSeconds(swap.at - start);
    return end >= at - swap.build_seconds - kSwapSeconds / 3 &&
           call.due <= at + kSwapSeconds;
  });
}

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

absl::StatusOr<v1::Status> Ask(const Common& common) {
  const auto model = v1::ModelService::NewStub(Connect(common));
  grpc::ClientContext context;
  Prepare(common, &context);
  v1::Status status;
  const grpc::Status asked =
      model->GetStatus(&context, v1::GetStatusRequest(), &status);
  if (!asked.ok()) return FromRpc(asked, common.server);
  return status;
}

absl::StatusOr<Json> MeasureAgainstLimits(const BenchFlags& flags,
                                          const Target& target,
                                          Progress* progress) {
  auto echo =
      ChildDaemon::Start({"--echo", absl::StrCat(target.response_bytes)});
  if (!echo.ok()) return echo.status();
  const std::string& here = target.common.server;
  const std::string& there = (*echo)->address();
  // Halves, one after the other in turn: what else the machine does meanwhile
  // hits both alike.
  const double seconds = std::min(flags.seconds, kLongestClosedLoop);
  const double half = seconds / 2;
  const double lone_half = std::min(half, 3.0);
  std::vector<CallRecord> lone[2];
  std::vector<CallRecord> busy[2];
  const std::string* servers[2] = {&there, &here};
  uint64_t batches = 0;
  uint64_t queries = 0;
  for (int round = 0; round < 2; ++round) {
    for (int s = 0; s < 2; ++s) {
      progress->Note(s == 0 ? "measuring the echo" : "measuring taud");
      const LoadResult one =
          RunLoad(ClosedLoop(flags, target, *servers[s], 1, lone_half));
      lone[s].insert(lone[s].end(), one.calls.begin(), one.calls.end());
      const auto before = Ask(target.common);
      if (!before.ok()) return before.status();
      const LoadResult many = RunLoad(
          ClosedLoop(flags, target, *servers[s], flags.concurrency, half));
      busy[s].insert(busy[s].end(), many.calls.begin(), many.calls.end());
      const auto after = Ask(target.common);
      if (!after.ok()) return after.status();
      if (s == 0) continue;
      batches += after->serving().batches() - before->serving().batches();
      queries += after->serving().queries() - before->serving().queries();
    }
  }
  const size_t batch = std::clamp<size_t>(
      batches == 0 ? 1 : (queries + batches / 2) / batches, 1, 1024);
  progress->Note("measuring FAISS alone");
  const int cores =
      std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const auto faiss = lab::MeasureSearchLimit(
      *VectorsForLimit(target), static_cast<size_t>(flags.k), batch, cores,
      std::min(seconds, 5.0));
  if (!faiss.ok()) return faiss.status();

  const Outcome echo_lone = OutcomeOf(lone[0]);
  const Outcome echo_busy = OutcomeOf(busy[0]);
  const Outcome taud_lone = OutcomeOf(lone[1]);
  const Outcome taud_busy = OutcomeOf(busy[1]);
  const double echo_rate = static_cast<double>(echo_busy.ok.calls) / seconds;
  const double taud_rate = static_cast<double>(taud_busy.ok.calls) / seconds;
  const double limit = Limit(echo_rate, faiss->queries_per_second);
  Json json;
  json["echo"] = echo_busy.ToJson(seconds);
  json["echo"]["lone_p50_ms"] = echo_lone.ok.p50_ms;
  json["faiss"] = {{"queries_per_second", faiss->queries_per_second},
                   {"batch", batch},
                   {"threads", cores},
                   {"lone_p50_ms", faiss->lone_p50_ms}};
  json["limit_requests_per_second"] = limit;
  json["closed"] = taud_busy.ToJson(seconds);
  json["closed"]["concurrency"] = flags.concurrency;
  json["ratio_to_limit"] = taud_rate / limit;
  json["lone"] = taud_lone.ToJson(2 * lone_half);
  json["lone"]["ratio_to_echo_plus_faiss"] =
      taud_lone.ok.p50_ms / (echo_lone.ok.p50_ms + faiss->lone_p50_ms);
  json["lone"]["ratio_to_faiss"] = taud_lone.ok.p50_ms / faiss->lone_p50_ms;
  return json;
}

void AddLatencyRow(const std::string& name, const Json& json, Table* table) {
  const auto number = [&](const char* key) {
    return json.contains(key) ? json[key].get<double>() : 0.0;
  };
  table->AddRow(
      {name,
       json.contains("requests_per_second")
           ? Count(static_cast<uint64_t>(number("requests_per_second")))
           : "",
       Fixed(number("p50_ms"), 3), Fixed(number("p90_ms"), 3),
       Fixed(number("p99_ms"), 3), Fixed(number("p99.9_ms"), 3),
       json.contains("errors") ? Count(json["errors"].get<uint64_t>()) : "",
       json.contains("refused")
           ? Count(json["refused"]["calls"].get<uint64_t>())
           : ""});
}

void Print(const Json& json) {
  std::cout << Count(json["items"].get<uint64_t>()) << " items x "
            << json["dim"] << ", k = " << json["k"] << ", index "
            << json["index"].get<std::string>() << " ("
            << json["kernel"].get<std::string>() << ")\n";
  Table table({"load", ">requests/s", ">p50 ms", ">p90 ms", ">p99 ms",
               ">p99.9 ms", ">errors", ">refused"});
  AddLatencyRow("one caller", json["lone"], &table);
  AddLatencyRow(
      absl::StrCat(json["closed"]["concurrency"].get<int>(), " callers"),
      json["closed"], &table);
  AddLatencyRow("echo, the same callers", json["echo"], &table);
  for (const Json& open : json["open"]) {
    const std::string rate = absl::StrCat(
        "at ", Count(static_cast<uint64_t>(open["rate"].get<double>())),
        " a second");
    AddLatencyRow(rate, open, &table);
    if (!open.contains("during_swaps")) continue;
    AddLatencyRow("  during swaps", open["during_swaps"], &table);
    AddLatencyRow("  between swaps", open["between_swaps"], &table);
  }
  std::cout
      << table.ToString() << "FAISS alone, batches of "
      << json["faiss"]["batch"] << ": "
      << Count(static_cast<uint64_t>(
             json["faiss"]["queries_per_second"].get<double>()))
      << " queries/s, one query "
      << Fixed(json["faiss"]["lone_p50_ms"].get<double>(), 3)
      << " ms\nlimit of echo and FAISS together: "
      << Count(static_cast<uint64_t>(
             json["limit_requests_per_second"].get<double>()))
      << " requests/s; ratio to it "
      << Fixed(json["ratio_to_limit"].get<double>(), 2)
      << (json.contains("open_peak_requests_per_second")
              ? absl::StrCat(
                    "\npeak of the open loop: ",
                    Count(static_cast<uint64_t>(
                        json["open_peak_requests_per_second"].get<double>())),
                    " requests/s")
              : "")
      << "\none caller: "
      << Fixed(json["lone"]["ratio_to_echo_plus_faiss"].get<double>(), 2)
      << " of echo + FAISS\n";
}

absl::Status BenchServe(const Common& common, const BenchFlags& flags) {
  const InterruptGuard guard;
  Progress progress("measurements");
  progress.Note("preparing");
  auto target = Prepare(common, flags);
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
    Print(json);
  }
  return absl::OkStatus();
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
  serve->callback(
      [common, flags, result] { *result = BenchServe(*common, *flags); });
}

}  // namespace taud::cli
