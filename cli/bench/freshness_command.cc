// tauctl bench freshness

#include <algorithm>
#include <atomic>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "cli/bench/commands.h"
#include "cli/client/child_daemon.h"
#include "cli/client/client.h"
#include "cli/client/load_generator.h"
#include "cli/terminal/output.h"
#include "grpcpp/support/proto_buffer_writer.h"
#include "nlohmann/json.hpp"
#include "taud/v1/ingestion_service.grpc.pb.h"
#include "taud/v1/model_service.grpc.pb.h"
#include "taud/v1/recommendation_service.grpc.pb.h"

namespace taud::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kRecommend[] = "/taud.v1.RecommendationService/Recommend";
constexpr int kBatch = 500;          // interactions of a message
constexpr int kClusters = 50;        // tastes that users and items are made of
constexpr uint32_t kUnread = 64;     // batches sent and not acknowledged
constexpr double kLearnFirst = 0.1;  // share of the time, before calls count
// What comes last may take so long until it is served.
constexpr absl::Duration kPatience = absl::Minutes(3);
// The service of the state is asked so often: what is served is known to this.
constexpr absl::Duration kPoll = absl::Milliseconds(10);
// A swap is felt from the time its index is built until the old one is freed.
constexpr absl::Duration kSwap = absl::Milliseconds(300);

struct FreshnessFlags {
  uint32_t users = 30000;
  uint32_t items = 41000;
  double rate = 0;
  double seconds = 20;
  int concurrency = 16;
  int publish_ms = 1000;
  std::vector<std::string> settings;
};

// When everything through a sequence had come to pass.
struct Mark {
  absl::Time time;
  uint64_t sequence = 0;
};

// Likes of users for items of their own taste, popular ones more often. Users
// and items come in order at first, so that all of them are soon known.
class Likes {
 public:
  explicit Likes(const FreshnessFlags& flags)
      : users_(flags.users), items_(flags.items) {}
  void Next(v1::Interaction* interaction) {
    const uint64_t n = count_++;
    const uint32_t user = n < users_
                              ? static_cast<uint32_t>(n)
                              : static_cast<uint32_t>(random_() % users_);
    const double u = std::uniform_real_distribution<>(0, 1)(random_);
    const uint32_t each = items_ / kClusters + 1;
    const uint32_t rank = n < items_ ? static_cast<uint32_t>(n / kClusters)
                                     : static_cast<uint32_t>(u * u * each);
    const uint32_t item = (rank * kClusters + user % kClusters) % items_;
    interaction->set_user_id(absl::StrCat("u", user));
    interaction->set_item_id(absl::StrCat("i", item));
    interaction->set_kind(v1::INTERACTION_KIND_LIKE);
  }

 private:
  const uint32_t users_, items_;
  uint64_t count_ = 0;
  std::mt19937_64 random_{7};
};

// Sends batches at the rate and notes when each was acknowledged.
class Writer {
 public:
  Writer(const FreshnessFlags& flags, const std::string& server)
      : flags_(flags), server_(server) {}

  // Blocks until all is acknowledged. *acked is by time.
  absl::Status Run(std::vector<Mark>* acked) {
    Common common;
    common.server = server_;
    const auto stub = v1::IngestionService::NewStub(Connect(common));
    grpc::ClientContext context;
    auto stream = stub->Ingest(&context);
    std::thread reader([&] {
      v1::IngestAck ack;
      while (stream->Read(&ack)) {
        acked->push_back({absl::Now(), ack.last_sequence()});
        acknowledged_.fetch_add(1);
      }
    });
    Send(stream.get());
    stream->WritesDone();
    reader.join();
    return FromRpc(stream->Finish(), server_);
  }
  uint64_t sent() const { return sent_; }

 private:
  template <typename Stream>
  void Send(Stream* stream) {
    Likes likes(flags_);
    const absl::Time start = absl::Now();
    const absl::Time end = start + absl::Seconds(flags_.seconds);
    for (uint64_t batch = 1; absl::Now() < end; ++batch) {
      v1::IngestRequest request;
      request.set_batch_id(batch);
      for (int i = 0; i < kBatch; ++i) likes.Next(request.add_interactions());
      if (flags_.rate > 0) {
        const absl::Time due =
            start + absl::Seconds(static_cast<double>(sent_) / flags_.rate);
        absl::SleepFor(due - absl::Now());
      }
      // A client that is far ahead would measure its own queue.
      while (batch - acknowledged_.load() > kUnread) {
        absl::SleepFor(absl::Microseconds(100));
      }
      if (!stream->Write(request)) return;
      sent_ += kBatch;
    }
  }

  const FreshnessFlags& flags_;
  const std::string server_;
  std::atomic<uint64_t> acknowledged_{0};
  uint64_t sent_ = 0;
};

// Asks what is served until `through` is, or patience ends.
class Watcher {
 public:
  explicit Watcher(const std::string& server) : server_(server) {
    thread_ = std::thread([this] { Run(); });
  }
  ~Watcher() { Join(); }

  // Everything through here is to be served. Waits for it; false if not.
  bool Await(uint64_t through) {
    absl::MutexLock lock(&mutex_);
    const auto there = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return !served_.empty() && served_.back().sequence >= through;
    };
    return mutex_.AwaitWithTimeout(absl::Condition(&there), kPatience);
  }
  void Join() {
    {
      absl::MutexLock lock(&mutex_);
      stop_ = true;
    }
    if (thread_.joinable()) thread_.join();
  }

  // By time. REQUIRES: joined.
  const std::vector<Mark>& served() const ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return served_;
  }
  const v1::Status& last() const ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return last_;
  }

 private:
  void Run() {
    Common common;
    common.server = server_;
    const auto stub = v1::ModelService::NewStub(Connect(common));
    while (true) {
      grpc::ClientContext context;
      cli::Prepare(common, &context);
      v1::Status status;
      const bool ok =
          stub->GetStatus(&context, v1::GetStatusRequest(), &status).ok();
      const absl::Time now = absl::Now();
      absl::MutexLock lock(&mutex_);
      if (ok) {
        const uint64_t through = status.serving().snapshot_trained_through();
        const bool swapped =
            status.serving().swaps() != last_.serving().swaps();
        const bool serves = status.serving().snapshot_version() > 0;
        if (serves && (swapped || served_.empty())) {
          served_.push_back({now, through});
        }
        last_ = std::move(status);
      }
      const auto stopped = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return stop_;
      };
      if (mutex_.AwaitWithTimeout(absl::Condition(&stopped), kPoll)) return;
    }
  }

  const std::string server_;
  absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Mark> served_ ABSL_GUARDED_BY(mutex_);
  v1::Status last_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

// Milliseconds from each acknowledgement to when a snapshot that has learnt
// from it served; what never was is left out.
std::vector<double> Freshness(const std::vector<Mark>& acked,
                              const std::vector<Mark>& served) {
  std::vector<double> milliseconds;
  size_t s = 0;
  for (const Mark& ack : acked) {
    while (s < served.size() && served[s].sequence < ack.sequence) ++s;
    if (s == served.size()) break;
    milliseconds.push_back(
        std::max(0.0, absl::ToDoubleMilliseconds(served[s].time - ack.time)));
  }
  return milliseconds;
}

grpc::ByteBuffer RequestFor(uint32_t user) {
  v1::RecommendRequest request;
  request.set_user_id(absl::StrCat("u", user));
  request.set_k(20);
  grpc::ByteBuffer bytes;
  bool own = false;
  grpc::GenericSerialize<grpc::ProtoBufferWriter, v1::RecommendRequest>(
      request, &bytes, &own);
  return bytes;
}

Json ToJson(std::vector<double> milliseconds) {
  const Latency latency = Summarise(&milliseconds);
  return {{"count", latency.calls},
          {"p50_ms", latency.p50_ms},
          {"p90_ms", latency.p90_ms},
          {"p99_ms", latency.p99_ms},
          {"max_ms", latency.max_ms}};
}

double Percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double last = static_cast<double>(values.size() - 1);
  return values[static_cast<size_t>(share * last + 0.5)];
}

// Calls since the first snapshot served that ended well, and those of them that
// a swap was near.
void AddCalls(const LoadResult& load, const std::vector<Mark>& served,
              Json* json) {
  std::vector<double> all, near;
  uint64_t failed = 0;
  for (const CallRecord& call : load.calls) {
    const absl::Time due = load.start + absl::Seconds(call.due);
    if (served.empty() || due < served.front().time) continue;
    if (call.code != 0) {
      ++failed;
      continue;
    }
    all.push_back(call.milliseconds);
    const auto swap = std::lower_bound(
        served.begin(), served.end(), due,
        [](const Mark& mark, absl::Time time) { return mark.time < time; });
    const bool before = swap != served.end() && swap->time - due < kSwap;
    const bool after =
        swap != served.begin() && due - std::prev(swap)->time < kSwap;
    if (before || after) near.push_back(call.milliseconds);
  }
  (*json)["recommend"] = ToJson(all);
  (*json)["recommend"]["calls_per_second"] =
      static_cast<double>(all.size()) / std::max(load.seconds, 1e-9);
  (*json)["recommend"]["failed"] = failed;
  (*json)["recommend_near_swaps"] = ToJson(near);
}

absl::StatusOr<Json> Measure(const FreshnessFlags& flags) {
  std::vector<std::string> arguments = {
      "--set", absl::StrCat("trainer.publish_interval_ms=", flags.publish_ms)};
  for (const std::string& setting : flags.settings) {
    arguments.insert(arguments.end(), {"--set", setting});
  }
  auto daemon = ChildDaemon::Start(arguments);
  if (!daemon.ok()) return daemon.status();
  const std::string server = (*daemon)->address();

  Watcher watcher(server);
  std::vector<Mark> acked;
  Writer writer(flags, server);
  absl::Status written;
  const absl::Time start = absl::Now();
  std::thread write([&] { written = writer.Run(&acked); });
  Load load;
  load.common.server = server;
  load.method = kRecommend;
  std::mt19937 random(3);
  for (int i = 0; i < 5000; ++i) {
    load.requests.push_back(RequestFor(random() % flags.users));
  }
  load.concurrency = flags.concurrency;
  load.warm_up_seconds = kLearnFirst * flags.seconds;
  load.seconds = flags.seconds - load.warm_up_seconds;
  const LoadResult calls = RunLoad(load);
  write.join();
  if (!written.ok()) return written;
  if (acked.empty()) return absl::UnavailableError("nothing was acknowledged");
  const double writing = absl::ToDoubleSeconds(acked.back().time - start);
  const bool all = watcher.Await(acked.back().sequence);
  watcher.Join();

  Json json;
  json["items"] = flags.items;
  json["users"] = flags.users;
  json["learns_on"] = watcher.last().trainer().device();
  json["searches_on"] = watcher.last().index().device();
  json["publish_interval_ms"] = flags.publish_ms;
  json["interactions"] = writer.sent();
  json["interactions_per_second"] =
      static_cast<double>(writer.sent()) / std::max(writing, 1e-9);
  const std::vector<double> fresh = Freshness(acked, watcher.served());
  json["acknowledged_to_servable"] = ToJson(fresh);
  json["acknowledged_to_servable"]["p95_ms"] = Percentile(fresh, 0.95);
  json["acknowledged_to_servable"]["never"] = acked.size() - fresh.size();
  json["all_served_in_the_end"] = all;
  json["snapshots"] = watcher.last().serving().swaps();
  AddCalls(calls, watcher.served(), &json);
  return json;
}

void Print(const Json& json) {
  const auto number = [](const Json& value, int digits) {
    return Fixed(value.get<double>(), digits);
  };
  const Json& fresh = json["acknowledged_to_servable"];
  const Json& calls = json["recommend"];
  std::cout << "learns on " << json["learns_on"].get<std::string>()
            << ", searches on " << json["searches_on"].get<std::string>()
            << "\ninteractions       " << json["interactions"] << ", "
            << number(json["interactions_per_second"], 0)
            << " a second\nsnapshots          " << json["snapshots"]
            << "\nfreshness          p50 " << number(fresh["p50_ms"], 0)
            << " ms, p95 " << number(fresh["p95_ms"], 0) << " ms, p99 "
            << number(fresh["p99_ms"], 0) << " ms, most "
            << number(fresh["max_ms"], 0)
            << " ms from acknowledged to learnt and served"
            << (json["all_served_in_the_end"].get<bool>()
                    ? ""
                    : "; NOT ALL was served in the end")
            << "\nRecommend          " << number(calls["calls_per_second"], 0)
            << " a second, p50 " << number(calls["p50_ms"], 2) << " ms, p99 "
            << number(calls["p99_ms"], 2) << " ms; near swaps p99 "
            << number(json["recommend_near_swaps"]["p99_ms"], 2) << " ms, "
            << calls["failed"] << " failed\n";
}

}  // namespace

void AddBenchFreshness(CLI::App* bench, const Common* common,
                       absl::Status* result) {
  const auto flags = std::make_shared<FreshnessFlags>();
  auto* command = bench->add_subcommand(
      "freshness",
      "Time from an acknowledgement to a snapshot that has learnt from it and "
      "serves, while interactions stream in and recommendations are asked for. "
      "Starts a daemon of its own");
  command->add_option("--users", flags->users, "Users that like something")
      ->check(CLI::Range(100u, 10000000u))
      ->capture_default_str();
  command->add_option("--items", flags->items, "Items that are liked")
      ->check(CLI::Range(100u, 10000000u))
      ->capture_default_str();
  command
      ->add_option("--rate", flags->rate,
                   "Interactions a second; 0: as many as are acknowledged")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--duration", flags->seconds, "Seconds of writing")
      ->check(CLI::Range(1.0, 86400.0))
      ->capture_default_str();
  command
      ->add_option("--concurrency", flags->concurrency,
                   "Callers of Recommend meanwhile")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command
      ->add_option("--publish-interval", flags->publish_ms,
                   "Milliseconds between snapshots")
      ->check(CLI::Range(1, 3600000))
      ->capture_default_str();
  command->add_option("--set", flags->settings,
                      "Configuration of the started daemon, as taud --set");
  command->callback([common, flags, result] {
    const InterruptGuard guard;
    const auto measured = Measure(*flags);
    *result = measured.status();
    if (!measured.ok()) return;
    if (common->json) {
      std::cout << measured->dump(2) << "\n";
    } else {
      Print(*measured);
    }
  });
}

}  // namespace taud::cli
