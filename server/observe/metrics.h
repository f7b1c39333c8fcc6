#ifndef TAUD_SERVER_OBSERVE_METRICS_H_
#define TAUD_SERVER_OBSERVE_METRICS_H_

#include <array>
#include <atomic>
#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"
#include "server/rpc/refusal.h"
#include "server/rpc/rpc_method.h"
#include "server/serving/batcher.h"
#include "taud/v1/model_service.pb.h"

namespace taud::server {

// What Prometheus reads. What happens on the request path is counted in
// objects made once; everything else is read from a Status when scraped.
//
// Thread-safe. docs/metrics.md lists them all.
class Metrics {
 public:
  Metrics();

  // A call ended after `latency` with a canonical code (0–16).
  void CountRpc(RpcMethod method, int code, absl::Duration latency);
  // A streamed batch was acknowledged: interactions, and the time from its
  // arrival to its acknowledgement.
  void CountAck(size_t interactions, absl::Duration latency);

  // Set once, before anything is scraped: 1 if the configuration lets strangers
  // in (server.insecure).
  void SetInsecure(bool insecure) { insecure_->Set(insecure ? 1 : 0); }
  void CountRefused(Refusal why) {
    refused_[static_cast<size_t>(why)]->Increment();
  }

  uint64_t requests() const {
    return requests_.load(std::memory_order_relaxed);
  }
  uint64_t errors() const { return errors_.load(std::memory_order_relaxed); }

  // The text exposition format, gauges from `status` and `batcher`.
  std::string Scrape(const v1::Status& status, const Batcher::Stats& batcher);

 private:
  static constexpr size_t kNumCodes = 17;
  void SetLogGauges(const v1::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(scrape_mutex_);
  void SetTrainerGauges(const v1::TrainerStatus& trainer)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(scrape_mutex_);
  void SetServingGauges(const v1::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(scrape_mutex_);
  void SetBatcherGauges(const Batcher::Stats& batcher)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(scrape_mutex_);
  void Set(const std::string& name, const std::string& help, double value)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(scrape_mutex_);

  // Internally synchronised.
  prometheus::Registry registry_;
  std::atomic<uint64_t> requests_{0};
  std::atomic<uint64_t> errors_{0};

  // Constant after construction; what they point to synchronises itself.
  std::array<std::array<prometheus::Counter*, kNumCodes>, kNumRpcMethods>
      rpcs_{};
  std::array<prometheus::Histogram*, kNumRpcMethods> latency_{};
  prometheus::Counter* acked_ = nullptr;
  prometheus::Gauge* insecure_ = nullptr;
  std::array<prometheus::Counter*, kNumRefusals> refused_{};
  prometheus::Histogram* ack_latency_ = nullptr;

  absl::Mutex scrape_mutex_;
  std::map<std::string, prometheus::Gauge*> gauges_
      ABSL_GUARDED_BY(scrape_mutex_);
};

}  // namespace taud::server

#endif  // TAUD_SERVER_OBSERVE_METRICS_H_
