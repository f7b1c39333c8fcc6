// tauctl bench

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "nlohmann/json.hpp"
#include "taud/v1/model_service.grpc.pb.h"
#include "taud/v1/recommendation_service.grpc.pb.h"

namespace taud::cli {
namespace {

struct BenchFlags {
  std::string users;
  std::vector<int> concurrency = {1, 8, 64};
  double seconds = 10;
  double warm_up_seconds = 1;
  int k = 20;
};

// One level of concurrency.
struct Result {
  int concurrency = 0;
  uint64_t requests = 0;
  uint64_t errors = 0;
  double seconds = 0;
  double p50_ms = 0, p90_ms = 0, p99_ms = 0, max_ms = 0;
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

double Percentile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto rank =
      static_cast<size_t>(share * static_cast<double>(sorted.size() - 1));
  return sorted[rank];
}

// Asks again and again for random users until told to stop; latencies in
// milliseconds go to *latencies while `counting`.
void AskRepeatedly(const Common& common, const BenchFlags& flags,
                   const std::vector<std::string>& users, uint32_t seed,
                   const std::atomic<bool>& counting,
                   const std::atomic<bool>& stop,
                   std::vector<double>* latencies, uint64_t* errors) {
  // A connection of its own, as separate clients have.
  const auto stub = v1::RecommendationService::NewStub(Connect(common));
  std::mt19937 random(seed);
  v1::RecommendRequest request;
  request.set_k(flags.k);
  while (!stop.load(std::memory_order_relaxed)) {
    request.set_user_id(users[random() % users.size()]);
    grpc::ClientContext context;
    Prepare(common, &context);
    v1::RecommendResponse response;
    const absl::Time start = absl::Now();
    const grpc::Status status = stub->Recommend(&context, request, &response);
    const double ms = absl::ToDoubleMilliseconds(absl::Now() - start);
    if (!counting.load(std::memory_order_relaxed)) continue;
    if (status.ok()) {
      latencies->push_back(ms);
    } else {
      ++*errors;
    }
  }
}

Result Measure(const Common& common, const BenchFlags& flags,
               const std::vector<std::string>& users, int concurrency) {
  const auto n = static_cast<size_t>(concurrency);
  std::vector<std::vector<double>> latencies(n);
  std::vector<uint64_t> errors(n, 0);
  std::atomic<bool> counting{false};
  std::atomic<bool> stop{false};
  std::vector<std::thread> callers;
  for (size_t c = 0; c < n; ++c) {
    callers.emplace_back([&, c] {
      AskRepeatedly(common, flags, users, static_cast<uint32_t>(c), counting,
                    stop, &latencies[c], &errors[c]);
    });
  }
  absl::SleepFor(absl::Seconds(flags.warm_up_seconds));
  const absl::Time start = absl::Now();
  counting = true;
  absl::SleepFor(absl::Seconds(flags.seconds));
  counting = false;
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  stop = true;
  for (std::thread& caller : callers) caller.join();

  std::vector<double> all;
  Result result;
  for (size_t c = 0; c < n; ++c) {
    all.insert(all.end(), latencies[c].begin(), latencies[c].end());
    result.errors += errors[c];
  }
  std::sort(all.begin(), all.end());
  result.concurrency = concurrency;
  result.requests = all.size();
  result.seconds = seconds;
  result.p50_ms = Percentile(all, 0.5);
  result.p90_ms = Percentile(all, 0.9);
  result.p99_ms = Percentile(all, 0.99);
  result.max_ms = all.empty() ? 0 : all.back();
  return result;
}

absl::Status Bench(const Common& common, const BenchFlags& flags) {
  auto users = ReadUsers(flags.users);
  if (!users.ok()) return users.status();
  const auto model = v1::ModelService::NewStub(Connect(common));
  grpc::ClientContext context;
  Prepare(common, &context);
  v1::Status status;
  const grpc::Status asked =
      model->GetStatus(&context, v1::GetStatusRequest(), &status);
  if (!asked.ok()) return FromRpc(asked, common.server);

  nlohmann::ordered_json json;
  json["items"] = status.index().items();
  json["dim"] = status.index().dim();
  json["k"] = flags.k;
  json["trainer"] = status.trainer().state();
  json["levels"] = nlohmann::ordered_json::array();
  Table table({">callers", ">requests/s", ">p50 ms", ">p90 ms", ">p99 ms",
               ">max ms", ">errors"});
  for (const int concurrency : flags.concurrency) {
    const Result r = Measure(common, flags, *users, concurrency);
    const double rate = static_cast<double>(r.requests) / r.seconds;
    json["levels"].push_back({{"callers", r.concurrency},
                              {"requests_per_second", rate},
                              {"p50_ms", r.p50_ms},
                              {"p90_ms", r.p90_ms},
                              {"p99_ms", r.p99_ms},
                              {"max_ms", r.max_ms},
                              {"errors", r.errors}});
    table.AddRow({absl::StrCat(concurrency), Count(static_cast<uint64_t>(rate)),
                  Fixed(r.p50_ms, 2), Fixed(r.p90_ms, 2), Fixed(r.p99_ms, 2),
                  Fixed(r.max_ms, 2), Count(r.errors)});
    std::cerr << concurrency << " callers done\n";
  }
  if (common.json) {
    std::cout << json.dump() << "\n";
  } else {
    std::cout << Count(status.index().items()) << " items x "
              << status.index().dim() << ", k = " << flags.k
              << ", seen excluded, trainer " << status.trainer().state()
              << "; each caller asks again when it has its answer\n"
              << table.ToString();
  }
  return absl::OkStatus();
}

}  // namespace

void AddBench(CLI::App* app, const Common* common, absl::Status* result) {
  CLI::App* bench = app->add_subcommand("bench", "Measures a running daemon");
  bench->require_subcommand(1);
  auto flags = std::make_shared<BenchFlags>();
  CLI::App* command = bench->add_subcommand(
      "recommend", "Latency and throughput of Recommend, closed loop");
  command
      ->add_option("--users", flags->users,
                   "File whose lines begin with a user id")
      ->required();
  command
      ->add_option("--concurrency", flags->concurrency,
                   "Callers at a time, one measurement each")
      ->delimiter(',')
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command->add_option("--seconds", flags->seconds, "Length of a measurement")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
  command->add_option("-k", flags->k, "How many items")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->callback(
      [common, flags, result] { *result = Bench(*common, *flags); });
}

}  // namespace taud::cli
