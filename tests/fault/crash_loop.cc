// taud_crash: kills the daemon at random instants under load, again and again,
// and compares what is left with an independent record of what it promised.
// The same seed makes the same choices; how far the daemon is at each instant
// depends on the machine.

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "store/verify.h"
#include "tests/e2e/api_client.h"
#include "tests/e2e/daemon_process.h"
#include "tests/fault/ack_record.h"

namespace taud::fault {
namespace {

constexpr int kWriters = 2;
constexpr int kQueriers = 2;
// Everything is read from the disk, byte by byte, after each so many kills.
constexpr uint64_t kCyclesPerDeepLook = 10;

struct Options {
  uint64_t cycles = 20;
  uint64_t seed = 1;
  std::string directory;  // empty: a temporary one
};

std::vector<std::string> DaemonOptions() {
  std::vector<std::string> options = e2e::QuickTraining();
  for (const char* more :
       {"store.checkpoint_seconds=1", "store.keep_snapshots=3"}) {
    options.push_back("--set");
    options.push_back(more);
  }
  return options;
}

grpc::Status Write(const e2e::ApiClient& api,
                   const std::vector<v1::Interaction>& batch,
                   v1::WriteInteractionsResponse* response) {
  v1::WriteInteractionsRequest request;
  for (const v1::Interaction& one : batch) *request.add_interactions() = one;
  return api.Write(request, response);
}

// Each runs until its call fails because the daemon is gone.
void WriteUntilKilled(const e2e::ApiClient& api, AckRecord* record) {
  for (int round = 0;; ++round) {
    std::vector<v1::Interaction> batch;
    if (round % 8 == 0) batch = record->UnacknowledgedBatch();
    if (batch.empty()) batch = record->NewBatch(1 + record->Below(100));
    v1::WriteInteractionsResponse response;
    const grpc::Status status = Write(api, batch, &response);
    if (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED) continue;
    if (!status.ok()) return;
    record->Acknowledged(
        batch, {response.sequences().begin(), response.sequences().end()});
  }
}

// A resumable stream of its own for each life of the daemon.
void StreamUntilKilled(const e2e::ApiClient& api, AckRecord* record) {
  grpc::ClientContext context;
  const auto stream = api.ingestion->Ingest(&context);
  v1::IngestRequest request;
  request.set_stream_id(record->NewName());
  for (uint64_t batch_id = 1;; ++batch_id) {
    const std::vector<v1::Interaction> batch =
        record->NewBatch(1 + record->Below(200));
    request.clear_interactions();
    for (const v1::Interaction& one : batch) *request.add_interactions() = one;
    request.set_batch_id(batch_id);
    v1::IngestAck ack;
    if (!stream->Write(request) || !stream->Read(&ack)) break;
    record->AcknowledgedWhole(batch);
  }
  context.TryCancel();
  stream->Finish();
}

void QueryUntilKilled(const e2e::ApiClient& api, AckRecord* record) {
  while (true) {
    v1::RecommendRequest request;
    request.set_user_id(absl::StrCat("stranger-", record->Below(10)));
    request.add_context_item_ids(absl::StrCat("item-", record->Below(300)));
    request.set_k(10);
    v1::RecommendResponse response;
    const grpc::Status status = api.Recommend(request, &response);
    // No snapshot yet is UNAVAILABLE, too, and says so.
    if (!status.ok() &&
        status.error_message().find("no snapshot") == std::string::npos) {
      return;
    }
  }
}

bool NoteCompleted(const e2e::ApiClient& api, AckRecord* record) {
  for (const std::string& id : record->OpenErasures()) {
    grpc::ClientContext context;
    v1::GetErasureRequest request;
    request.set_erasure_id(id);
    v1::Erasure erasure;
    if (!api.catalog->GetErasure(&context, request, &erasure).ok()) {
      return false;
    }
    if (erasure.complete()) record->Complete(id);
  }
  return true;
}

void EraseUntilKilled(const e2e::ApiClient& api, AckRecord* record) {
  while (true) {
    if (!NoteCompleted(api, record)) return;
    const std::string user = record->ChooseUserToErase();
    if (user.empty()) continue;
    grpc::ClientContext context;
    v1::EraseUserRequest request;
    request.set_id(user);
    v1::EraseUserResponse response;
    const grpc::Status status =
        api.catalog->EraseUser(&context, request, &response);
    if (status.error_code() == grpc::StatusCode::NOT_FOUND) continue;
    if (!status.ok()) return;
    record->Erased(user, response.erasure().erasure_id(),
                   response.erasure().sequence());
  }
}

// One life of the daemon. False if it did not come up.
bool LiveAndDie(const std::string& directory, AckRecord* record) {
  e2e::DaemonProcess daemon(directory, DaemonOptions());
  // Some die while they start.
  if (record->Below(10) == 0) {
    absl::SleepFor(absl::Milliseconds(record->Below(300)));
    daemon.Kill();
    return true;
  }
  if (!daemon.WaitUntilServing()) {
    std::cerr << "the daemon did not come up:\n" << daemon.log();
    return false;
  }
  const e2e::ApiClient api(daemon);
  std::vector<std::thread> clients;
  for (int i = 0; i < kWriters; ++i) {
    clients.emplace_back([&] { WriteUntilKilled(api, record); });
  }
  for (int i = 0; i < kQueriers; ++i) {
    clients.emplace_back([&] { QueryUntilKilled(api, record); });
  }
  clients.emplace_back([&] { StreamUntilKilled(api, record); });
  clients.emplace_back([&] { EraseUntilKilled(api, record); });
  absl::SleepFor(absl::Milliseconds(20 + record->Below(1500)));
  daemon.Kill();
  for (std::thread& client : clients) client.join();
  return true;
}

// The last life: everything begun is finished, then nothing may be left.
bool FinishErasures(const std::string& directory, AckRecord* record) {
  e2e::DaemonProcess daemon(directory, DaemonOptions());
  if (!daemon.WaitUntilServing()) return false;
  const e2e::ApiClient api(daemon);
  const absl::Time deadline = absl::Now() + absl::Minutes(2);
  while (!record->OpenErasures().empty() && absl::Now() < deadline) {
    if (!NoteCompleted(api, record)) return false;
    absl::SleepFor(absl::Milliseconds(50));
  }
  daemon.Signal(SIGTERM);
  return daemon.Wait() == 0 && record->OpenErasures().empty();
}

bool VerifyWhole(const std::string& directory) {
  const auto report = store::VerifyDataDirectory(directory, nullptr);
  if (!report.ok()) {
    std::cerr << report.status() << "\n";
    return false;
  }
  for (const store::Problem& problem : report->problems) {
    std::cerr << problem.what << "\n";
  }
  return report->problems.empty();
}

int Fail(const Options& options, const std::string& directory, uint64_t cycle) {
  std::cerr << "FAILED in cycle " << cycle << "; what is left: " << directory
            << "\nrepeat: ./dev crash --cycles " << options.cycles << " --seed "
            << options.seed << "\n";
  return 1;
}

int Run(const Options& options) {
  std::string directory = options.directory;
  if (directory.empty()) {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "taud-crash-XXXXXX").string();
    directory = mkdtemp(pattern.data());
  }
  std::cout << "seed " << options.seed << ", " << options.cycles
            << " kills, data in " << directory << std::endl;
  AckRecord record(options.seed);
  const absl::Time start = absl::Now();
  for (uint64_t cycle = 1; cycle <= options.cycles; ++cycle) {
    if (!LiveAndDie(directory, &record)) return Fail(options, directory, cycle);
    const bool deep = cycle % kCyclesPerDeepLook == 0;
    // Killed before it had made its first file.
    if (record.acknowledged() == 0) continue;
    const AckRecord::Verdict verdict = record.Check(directory, deep);
    if (deep || cycle <= 3 || !verdict.good()) {
      std::cout << "kill " << cycle << ": " << verdict.ToString() << ", "
                << static_cast<int>(absl::ToDoubleSeconds(absl::Now() - start))
                << " s" << std::endl;
    }
    if (!verdict.good()) return Fail(options, directory, cycle);
  }
  if (!FinishErasures(directory, &record)) {
    std::cerr << "the erasures were not finished\n";
    return Fail(options, directory, options.cycles);
  }
  const AckRecord::Verdict verdict = record.Check(directory, true);
  std::cout << "at the end: " << verdict.ToString() << std::endl;
  if (!verdict.good() || !VerifyWhole(directory)) {
    return Fail(options, directory, options.cycles);
  }
  std::cout << options.cycles << " kills in "
            << static_cast<int>(absl::ToDoubleSeconds(absl::Now() - start))
            << " s: nothing lost, nothing doubled, nothing erased came back"
            << std::endl;
  if (options.directory.empty()) std::filesystem::remove_all(directory);
  return 0;
}

int Main(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string flag = argv[i];
    const std::string value = argv[i + 1];
    bool good = true;
    if (flag == "--cycles") {
      good = absl::SimpleAtoi(value, &options.cycles);
    } else if (flag == "--seed") {
      good = absl::SimpleAtoi(value, &options.seed);
    } else if (flag == "--dir") {
      options.directory = value;
    } else {
      good = false;
    }
    if (!good) {
      std::cerr << "usage: taud_crash [--cycles N] [--seed S] [--dir DIR]\n";
      return 2;
    }
  }
  return Run(options);
}

}  // namespace
}  // namespace taud::fault

int main(int argc, char** argv) { return taud::fault::Main(argc, argv); }
