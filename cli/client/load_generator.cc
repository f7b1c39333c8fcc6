#include "cli/client/load_generator.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <thread>

#include "absl/time/clock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/channel_arguments.h"

namespace taud::cli {
namespace {

// Calls of one thread under way at most; beyond it an open loop gives up.
constexpr int kMaxUnderWay = 20000;
// An open loop sends all that is due this often: a wake-up for each call would
// cost more than the call.
constexpr double kTickSeconds = 0.0005;
constexpr auto kCallDeadline = std::chrono::seconds(10);

using Clock = std::chrono::steady_clock;

double Since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// One call under way; it owns itself until its completion is read.
struct Pending {
  grpc::ClientContext context;
  grpc::ByteBuffer response;
  grpc::Status status;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
  double due = 0;
  double sent = 0;
};

// What one thread sends and receives through.
class Lane {
 public:
  Lane(const Load& load, int lane, Clock::time_point start)
      : load_(load), next_(static_cast<size_t>(lane) * 7919), start_(start) {
    const int own = std::max(1, load.connections / load.threads);
    for (int c = 0; c < own; ++c) {
      grpc::ChannelArguments arguments;
      arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      stubs_.push_back(
          std::make_unique<grpc::GenericStub>(Connect(load.common, arguments)));
    }
  }

  void Send(double due) {
    auto* call = new Pending;
    call->due = due;
    call->sent = Since(start_);
    call->context.set_deadline(std::chrono::system_clock::now() +
                               kCallDeadline);
    const size_t n = next_++;
    call->reader = stubs_[n % stubs_.size()]->PrepareUnaryCall(
        &call->context, load_.method, load_.requests[n % load_.requests.size()],
        &queue_);
    call->reader->StartCall();
    call->reader->Finish(&call->response, &call->status, call);
    ++under_way_;
  }

  // Waits for one completion; false when the queue was shut down and is empty.
  bool Receive(std::vector<CallRecord>* records) {
    void* tag = nullptr;
    bool ok = false;
    if (!queue_.Next(&tag, &ok)) return false;
    Note(static_cast<Pending*>(tag), records);
    return true;
  }

  // Reads what is complete, and what completes until `until`; goes on no
  // longer, however much there is.
  void ReceiveUntil(double until, std::vector<CallRecord>* records) {
    const auto deadline =
        std::chrono::system_clock::now() +
        std::chrono::duration_cast<std::chrono::system_clock::duration>(
            std::chrono::duration<double>(until - Since(start_)));
    void* tag = nullptr;
    bool ok = false;
    while (queue_.AsyncNext(&tag, &ok, deadline) ==
           grpc::CompletionQueue::GOT_EVENT) {
      if (Note(static_cast<Pending*>(tag), records) >= until) return;
    }
  }

  int under_way() const { return under_way_; }
  void Shutdown() { queue_.Shutdown(); }

 private:
  // Returns when it was.
  double Note(Pending* pending, std::vector<CallRecord>* records) {
    const std::unique_ptr<Pending> call(pending);
    const double now = Since(start_);
    --under_way_;
    if (call->due < load_.warm_up_seconds) return now;
    records->push_back({static_cast<float>(call->due),
                        static_cast<float>((now - call->due) * 1000),
                        static_cast<float>((call->sent - call->due) * 1000),
                        static_cast<uint8_t>(call->status.error_code())});
    return now;
  }

  const Load& load_;
  size_t next_;
  const Clock::time_point start_;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;
  grpc::CompletionQueue queue_;
  int under_way_ = 0;
};

double EndOf(const Load& load) { return load.warm_up_seconds + load.seconds; }

void CallInTurn(const Load& load, int lane_number, Clock::time_point start,
                std::vector<CallRecord>* records) {
  Lane lane(load, lane_number, start);
  // The first lanes take what does not divide evenly.
  const int mine = load.concurrency / load.threads +
                   (lane_number < load.concurrency % load.threads ? 1 : 0);
  for (int c = 0; c < mine; ++c) lane.Send(Since(start));
  int under_way = mine;
  while (under_way > 0) {
    if (!lane.Receive(records)) return;
    --under_way;
    const double now = Since(start);
    if (now >= EndOf(load)) continue;
    lane.Send(now);
    ++under_way;
  }
  lane.Shutdown();
  while (lane.Receive(records)) {
  }
}

void CallOnTime(const Load& load, int lane_number, Clock::time_point start,
                std::vector<CallRecord>* records, uint64_t* unsent) {
  Lane lane(load, lane_number, start);
  const double interval = load.threads / load.rate;
  // The lanes take turns.
  double due = interval * lane_number / load.threads;
  while (due < EndOf(load)) {
    const double now = Since(start);
    for (; due <= now && due < EndOf(load); due += interval) {
      if (lane.under_way() < kMaxUnderWay) {
        lane.Send(due);
      } else {
        ++*unsent;
      }
    }
    lane.ReceiveUntil(std::max(due, now + kTickSeconds), records);
  }
  // Every call ends by its own deadline.
  lane.Shutdown();
  while (lane.Receive(records)) {
  }
}

}  // namespace

LoadResult RunLoad(const Load& load) {
  const auto n = static_cast<size_t>(load.threads);
  std::vector<std::vector<CallRecord>> records(n);
  std::vector<uint64_t> unsent(n, 0);
  LoadResult result;
  result.start = absl::Now();
  const Clock::time_point start = Clock::now();
  std::vector<std::thread> threads;
  for (int t = 0; t < load.threads; ++t) {
    threads.emplace_back([&, t] {
      const auto i = static_cast<size_t>(t);
      if (load.rate > 0) {
        CallOnTime(load, t, start, &records[i], &unsent[i]);
      } else {
        CallInTurn(load, t, start, &records[i]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  result.seconds = load.seconds;
  for (size_t t = 0; t < n; ++t) {
    result.calls.insert(result.calls.end(), records[t].begin(),
                        records[t].end());
    result.unsent += unsent[t];
  }
  return result;
}

Latency Summarise(std::vector<double>* milliseconds) {
  Latency latency;
  latency.calls = milliseconds->size();
  if (milliseconds->empty()) return latency;
  std::sort(milliseconds->begin(), milliseconds->end());
  const auto at = [&](double share) {
    const double rank =
        std::ceil(share * static_cast<double>(milliseconds->size()));
    return (*milliseconds)[static_cast<size_t>(std::max(rank, 1.0)) - 1];
  };
  latency.p50_ms = at(0.5);
  latency.p90_ms = at(0.9);
  latency.p99_ms = at(0.99);
  latency.p999_ms = at(0.999);
  latency.max_ms = milliseconds->back();
  return latency;
}

}  // namespace taud::cli
