// tauctl lab

#include <atomic>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "cli/lab/commands.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "lab/ranking_metrics.h"
#include "nlohmann/json.hpp"
#include "taud/v1/recommendation_service.grpc.pb.h"

namespace taud::cli {
namespace {

struct EvalFlags {
  std::string test;
  int k = 20;
  int concurrency = 8;
};

struct TestUser {
  std::string id;
  absl::flat_hash_set<std::string> items;
};

struct Evaluation {
  double recall = 0;  // sums until the end, then means
  double ndcg = 0;
  uint64_t users = 0;
  uint64_t popular = 0;  // answered by popularity: unknown to the daemon
  uint64_t first_version = 0;
  uint64_t last_version = 0;
  absl::Status status;
};

// A line a user: its id, then the ids of its items.
absl::StatusOr<std::vector<TestUser>> ReadTest(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    return absl::NotFoundError(absl::StrCat("cannot read ", path));
  }
  std::vector<TestUser> users;
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    TestUser user;
    std::string item;
    words >> user.id;
    while (words >> item) user.items.insert(item);
    if (!user.items.empty()) users.push_back(std::move(user));
  }
  if (users.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": no line has a user and items; expected `user item item …`"));
  }
  return users;
}

// Asks for one user and adds the outcome.
absl::Status Evaluate(const Common& common,
                      v1::RecommendationService::Stub* stub,
                      const TestUser& user, int k, absl::Mutex* mutex,
                      Evaluation* evaluation) {
  v1::RecommendRequest request;
  request.set_user_id(user.id);
  request.set_k(k);
  grpc::ClientContext context;
  Prepare(common, &context);
  v1::RecommendResponse response;
  const grpc::Status status = stub->Recommend(&context, request, &response);
  if (!status.ok()) return FromRpc(status, common.server);
  std::vector<std::string> ranked;
  for (const v1::ScoredItem& item : response.items()) {
    ranked.push_back(item.id());
  }
  const lab::ListQuality quality =
      lab::MeasureList(ranked, user.items, static_cast<size_t>(k));
  const uint64_t version = response.snapshot().version();
  absl::MutexLock lock(mutex);
  evaluation->recall += quality.recall;
  evaluation->ndcg += quality.ndcg;
  ++evaluation->users;
  if (response.representation() == v1::REPRESENTATION_POPULAR) {
    ++evaluation->popular;
  }
  if (evaluation->first_version == 0) evaluation->first_version = version;
  evaluation->first_version = std::min(evaluation->first_version, version);
  evaluation->last_version = std::max(evaluation->last_version, version);
  return absl::OkStatus();
}

Evaluation EvaluateAll(const Common& common, const EvalFlags& flags,
                       const std::vector<TestUser>& users) {
  const auto stub = v1::RecommendationService::NewStub(Connect(common));
  absl::Mutex mutex;
  Evaluation evaluation;
  Progress progress("users");
  std::atomic<size_t> next{0};
  const auto work = [&](bool reports) {
    while (true) {
      const size_t i = next.fetch_add(1);
      if (i >= users.size()) return;
      absl::Status status =
          Evaluate(common, stub.get(), users[i], flags.k, &mutex, &evaluation);
      if (!status.ok()) {
        next.store(users.size());
        absl::MutexLock lock(&mutex);
        evaluation.status = std::move(status);
        return;
      }
      if (reports) {
        progress.Update(
            i, static_cast<double>(i) / static_cast<double>(users.size()));
      }
    }
  };
  std::vector<std::thread> workers;
  for (int w = 1; w < flags.concurrency; ++w) {
    workers.emplace_back(work, false);
  }
  work(true);
  for (std::thread& worker : workers) worker.join();
  progress.Finish(evaluation.users);
  if (evaluation.users > 0) {
    evaluation.recall /= static_cast<double>(evaluation.users);
    evaluation.ndcg /= static_cast<double>(evaluation.users);
  }
  return evaluation;
}

absl::Status EvalServer(const Common& common, const EvalFlags& flags) {
  auto users = ReadTest(flags.test);
  if (!users.ok()) return users.status();
  const absl::Time start = absl::Now();
  const Evaluation evaluation = EvaluateAll(common, flags, *users);
  if (!evaluation.status.ok()) return evaluation.status;
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  if (common.json) {
    nlohmann::ordered_json json;
    json[absl::StrCat("recall@", flags.k)] = evaluation.recall;
    json[absl::StrCat("ndcg@", flags.k)] = evaluation.ndcg;
    json["users"] = evaluation.users;
    json["answered_by_popularity"] = evaluation.popular;
    json["first_snapshot"] = evaluation.first_version;
    json["last_snapshot"] = evaluation.last_version;
    json["seconds"] = seconds;
    std::cout << json.dump() << "\n";
    return absl::OkStatus();
  }
  Table table = Table::OfProperties("measured through Recommend", flags.test);
  table.AddRow({absl::StrCat("recall@", flags.k), Fixed(evaluation.recall, 4)});
  table.AddRow({absl::StrCat("ndcg@", flags.k), Fixed(evaluation.ndcg, 4)});
  table.AddRow({"users", absl::StrCat(Count(evaluation.users), ", ",
                                      Count(evaluation.popular),
                                      " answered by popularity")});
  table.AddRow({"snapshots", absl::StrCat(evaluation.first_version, " to ",
                                          evaluation.last_version)});
  std::cout << table.ToString();
  return absl::OkStatus();
}

}  // namespace

void AddLab(CLI::App* app, const Common* common, const Program* program,
            absl::Status* result) {
  CLI::App* lab = app->add_subcommand("lab", "Experiments and measurements");
  lab->require_subcommand(1);
  AddLabRun(lab, common, program, result);
  AddLabGrid(lab, common, program, result);
  AddLabTable(lab, common, program, result);
  AddLabOnline(lab, common, result);
  auto flags = std::make_shared<EvalFlags>();
  CLI::App* eval = lab->add_subcommand(
      "eval-server",
      "Recall and NDCG of a running daemon on held-back interactions, through "
      "the Recommend call; what the daemon was given counts as seen");
  eval->add_option("--test", flags->test,
                   "File of `user item item …` lines, the held-back items")
      ->required();
  eval->add_option("-k", flags->k, "Length of the lists")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  eval->add_option("--concurrency", flags->concurrency,
                   "Requests on their way at a time")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  eval->callback(
      [common, flags, result] { *result = EvalServer(*common, *flags); });
}

}  // namespace taud::cli
