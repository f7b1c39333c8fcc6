#ifndef TAUD_SERVER_OBSERVE_METRICS_H_
#define TAUD_SERVER_OBSERVE_METRICS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "prometheus/counter.h"
#include "prometheus/family.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"
#include "server/observe/freshness.h"
#include "server/rpc/refusal.h"
#include "server/rpc/rpc_method.h"
#include "server/serving/batcher.h"
#include "taud/v1/model_service.pb.h"

namespace taud::server {

// What Prometheus reads. What happens on the request path is counted in
// objects that are made when something happens for the first time and kept at
// hand; everything else is read, when scraped, from one Status and one Quality
// (status_families.h, quality_families.h).
//
// Thread-safe. docs/metrics.md lists them all.
class Metrics {
 public:
  Metrics();

  // A call ended after `latency` with a canonical code (0–16). How long a
  // stream was open is no latency.
  void CountRpc(RpcMethod method, int code, absl::Duration latency);
  // A batch was acknowledged: interactions that were written, the sequence of
  // the last of them, and the time from its arrival to its acknowledgement.
  void CountAck(size_t interactions, uint64_t last_sequence,
                absl::Duration latency);
  // A snapshot has learnt all through this sequence; one that serves has.
  void NoteTrained(uint64_t through);
  void NoteServable(uint64_t through);
  // Something was decided about snapshots or learning.
  void CountDecision(v1::Decision::Kind kind);

  // Set once, before anything is scraped: 1 if the configuration lets strangers
  // in (server.insecure).
  void SetInsecure(bool insecure) { insecure_->Set(insecure ? 1 : 0); }
  // When the certificate of the server ends.
  void SetCertificateExpiry(absl::Time expires);
  void CountRefused(Refusal why);
  // A file was read again because it had changed, or could not be.
  void CountReload(const std::string& what, bool ok);
  // Lines of the audit log were written, or lost.
  void CountAuditLines(size_t lines, bool written);

  uint64_t requests() const {
    return requests_.load(std::memory_order_relaxed);
  }
  uint64_t errors() const { return errors_.load(std::memory_order_relaxed); }

  // Where the quality is asked for at each scrape; null: there is none.
  // REQUIRES: before anything is scraped.
  void SetQuality(std::function<v1::Quality()> quality) {
    quality_ = std::move(quality);
  }

  // The text exposition format.
  std::string Scrape(const v1::Status& status, const Batcher::Stats& batcher);

 private:
  static constexpr size_t kNumCodes = 17;
  static constexpr size_t kNumDecisions = v1::Decision::Kind_ARRAYSIZE;

  // Internally synchronised.
  prometheus::Registry registry_;
  std::atomic<uint64_t> requests_{0};
  std::atomic<uint64_t> errors_{0};

  // Constant after construction; what they point to synchronises itself.
  prometheus::Family<prometheus::Counter>& rpc_family_;
  prometheus::Family<prometheus::Histogram>& latency_family_;
  prometheus::Family<prometheus::Counter>& refused_family_;
  prometheus::Family<prometheus::Counter>& decision_family_;
  prometheus::Family<prometheus::Counter>& reload_family_;
  prometheus::Family<prometheus::Gauge>& expiry_family_;
  prometheus::Family<prometheus::Counter>& audit_family_;
  prometheus::Counter* acked_ = nullptr;
  prometheus::Gauge* insecure_ = nullptr;
  prometheus::Histogram* ack_latency_ = nullptr;
  std::unique_ptr<Freshness> trained_;
  std::unique_ptr<Freshness> servable_;
  std::function<v1::Quality()> quality_;

  // Null until used for the first time; who comes at the same time finds the
  // same object.
  template <typename Metric>
  using Slot = std::atomic<Metric*>;
  std::array<std::array<Slot<prometheus::Counter>, kNumCodes>, kNumRpcMethods>
      rpcs_{};
  std::array<Slot<prometheus::Histogram>, kNumRpcMethods> latency_{};
  std::array<Slot<prometheus::Counter>, kNumRefusals> refused_{};
  std::array<Slot<prometheus::Counter>, kNumDecisions> decisions_{};
};

}  // namespace taud::server

#endif  // TAUD_SERVER_OBSERVE_METRICS_H_
