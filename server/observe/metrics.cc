#include "server/observe/metrics.h"

#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"
#include "grpcpp/support/status_code_enum.h"
#include "model/steady_clock.h"
#include "prometheus/collectable.h"
#include "prometheus/text_serializer.h"
#include "server/observe/family_list.h"
#include "server/observe/process_families.h"
#include "server/observe/quality_families.h"
#include "server/observe/status_families.h"

namespace taud::server {
namespace {

using prometheus::MetricFamily;

const char* const kCodeNames[] = {"OK",
                                  "CANCELLED",
                                  "UNKNOWN",
                                  "INVALID_ARGUMENT",
                                  "DEADLINE_EXCEEDED",
                                  "NOT_FOUND",
                                  "ALREADY_EXISTS",
                                  "PERMISSION_DENIED",
                                  "RESOURCE_EXHAUSTED",
                                  "FAILED_PRECONDITION",
                                  "ABORTED",
                                  "OUT_OF_RANGE",
                                  "UNIMPLEMENTED",
                                  "INTERNAL",
                                  "UNAVAILABLE",
                                  "DATA_LOSS",
                                  "UNAUTHENTICATED"};

// Seconds: from a cache-warm lookup to a stuck queue.
const prometheus::Histogram::BucketBoundaries kLatencyBuckets = {
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
    0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};

// Seconds: from a snapshot every 100 ms to learning that is far behind.
const prometheus::Histogram::BucketBoundaries kFreshnessBuckets = {
    0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600};

// The metric in the slot, made with `labels` if there is none yet.
template <typename Metric, typename... Arguments>
Metric& Used(std::atomic<Metric*>* slot, prometheus::Family<Metric>* family,
             const prometheus::Labels& labels, const Arguments&... arguments) {
  Metric* metric = slot->load(std::memory_order_acquire);
  if (metric == nullptr) {
    metric = &family->Add(labels, arguments...);
    slot->store(metric, std::memory_order_release);
  }
  return *metric;
}

// "KIND_ROLLED_BACK" is "rolled_back".
std::string KindName(v1::Decision::Kind kind) {
  const std::string& name = v1::Decision::Kind_Name(kind);
  return absl::AsciiStrToLower(absl::StripPrefix(name, "KIND_"));
}

// The daemon's state as it is at one scrape.
class State final : public prometheus::Collectable {
 public:
  State(const v1::Status& status, const v1::Quality& quality,
        const FoldInCounts& fold_ins)
      : status_(status), quality_(quality), fold_ins_(fold_ins) {}

  std::vector<MetricFamily> Collect() const override {
    std::vector<MetricFamily> all = StatusFamilies(status_);
    FamilyList list;
    list.Counter("taud_fold_ins_total",
                 "Online queries made with a user's latest interactions",
                 static_cast<double>(fold_ins_.wanted));
    list.Counter("taud_fold_ins_cached_total",
                 "Of them, those whose vector was still valid",
                 static_cast<double>(fold_ins_.cached));
    for (std::vector<MetricFamily> more :
         {list.Take(), QualityFamilies(quality_), ProcessFamilies()}) {
      all.insert(all.end(), std::make_move_iterator(more.begin()),
                 std::make_move_iterator(more.end()));
    }
    return all;
  }

 private:
  const v1::Status& status_;
  const v1::Quality& quality_;
  const FoldInCounts& fold_ins_;
};

}  // namespace

Metrics::Metrics()
    : rpc_family_(prometheus::BuildCounter()
                      .Name("taud_rpc_requests_total")
                      .Help("Calls that ended, by method and canonical code")
                      .Register(registry_)),
      latency_family_(
          prometheus::BuildHistogram()
              .Name("taud_rpc_latency_seconds")
              .Help("Time from the arrival of a unary call to its end")
              .Register(registry_)),
      refused_family_(prometheus::BuildCounter()
                          .Name("taud_refused_total")
                          .Help("What a limit refused or ended, by reason")
                          .Register(registry_)),
      decision_family_(
          prometheus::BuildCounter()
              .Name("taud_decisions_total")
              .Help("What was decided about snapshots and learning, by kind")
              .Register(registry_)),
      reload_family_(
          prometheus::BuildCounter()
              .Name("taud_reloads_total")
              .Help(
                  "Files of credentials and keys that were read again, by the "
                  "configuration's key and result")
              .Register(registry_)),
      expiry_family_(prometheus::BuildGauge()
                         .Name("taud_tls_certificate_expiry_seconds")
                         .Help("When the server's certificate ends, Unix time; "
                               "absent without TLS")
                         .Register(registry_)),
      audit_family_(prometheus::BuildCounter()
                        .Name("taud_audit_lines_total")
                        .Help("Lines of the audit log, by what became of them; "
                              "absent without one")
                        .Register(registry_)) {
  acked_ = &prometheus::BuildCounter()
                .Name("taud_interactions_acknowledged_total")
                .Help("Interactions acknowledged: synced and visible")
                .Register(registry_)
                .Add({});
  ack_latency_ =
      &prometheus::BuildHistogram()
           .Name("taud_ack_latency_seconds")
           .Help("Time from the arrival of a batch to its acknowledgement")
           .Register(registry_)
           .Add({}, kLatencyBuckets);
  insecure_ = &prometheus::BuildGauge()
                   .Name("taud_insecure")
                   .Help(
                       "1 if it may listen beyond the loopback without "
                       "credentials and TLS (server.insecure)")
                   .Register(registry_)
                   .Add({});
  auto& freshness =
      prometheus::BuildHistogram()
          .Name("taud_freshness_seconds")
          .Help(
              "Time from the acknowledgement of an interaction until a "
              "snapshot has learnt it (trained), and until one that serves has "
              "(servable)")
          .Register(registry_);
  trained_ = std::make_unique<Freshness>(
      &freshness.Add({{"stage", "trained"}}, kFreshnessBuckets),
      kFreshnessBuckets);
  servable_ = std::make_unique<Freshness>(
      &freshness.Add({{"stage", "servable"}}, kFreshnessBuckets),
      kFreshnessBuckets);
}

void Metrics::CountRpc(RpcMethod method, int code, absl::Duration latency) {
  const auto m = static_cast<size_t>(method);
  const size_t c = code >= 0 && code < static_cast<int>(kNumCodes)
                       ? static_cast<size_t>(code)
                       : static_cast<size_t>(grpc::StatusCode::UNKNOWN);
  const char* name = RpcMethodName(method);
  Used(&rpcs_[m][c], &rpc_family_, {{"method", name}, {"code", kCodeNames[c]}})
      .Increment();
  if (!IsStream(method)) {
    Used(&latency_[m], &latency_family_, {{"method", name}}, kLatencyBuckets)
        .Observe(absl::ToDoubleSeconds(latency));
  }
  requests_.fetch_add(1, std::memory_order_relaxed);
  if (c != 0) errors_.fetch_add(1, std::memory_order_relaxed);
}

void Metrics::CountAck(size_t interactions, uint64_t last_sequence,
                       absl::Duration latency) {
  acked_->Increment(static_cast<double>(interactions));
  ack_latency_->Observe(absl::ToDoubleSeconds(latency));
  const absl::Time now = model::SteadyNow();
  trained_->Acknowledged(interactions, last_sequence, now);
  servable_->Acknowledged(interactions, last_sequence, now);
}

void Metrics::NoteTrained(uint64_t through) {
  trained_->Reached(through, model::SteadyNow());
}

void Metrics::NoteServable(uint64_t through) {
  servable_->Reached(through, model::SteadyNow());
}

void Metrics::CountDecision(v1::Decision::Kind kind) {
  if (!v1::Decision::Kind_IsValid(kind)) return;
  Used(&decisions_[static_cast<size_t>(kind)], &decision_family_,
       {{"kind", KindName(kind)}})
      .Increment();
}

void Metrics::CountRefused(Refusal why) {
  const auto r = static_cast<size_t>(why);
  Used(&refused_[r], &refused_family_, {{"reason", kRefusalNames[r]}})
      .Increment();
}

void Metrics::SetCertificateExpiry(absl::Time expires) {
  expiry_family_.Add({}).Set(
      absl::ToDoubleSeconds(expires - absl::UnixEpoch()));
}

void Metrics::CountReload(const std::string& what, bool ok) {
  reload_family_.Add({{"file", what}, {"result", ok ? "ok" : "error"}})
      .Increment();
}

void Metrics::CountAuditLines(size_t lines, bool written) {
  audit_family_.Add({{"result", written ? "written" : "lost"}})
      .Increment(static_cast<double>(lines));
}

std::string Metrics::Scrape(const v1::Status& status,
                            const Batcher::Stats& batcher) {
  const v1::Quality quality = quality_ ? quality_() : v1::Quality();
  const State state(status, quality, batcher.fold_ins);
  std::vector<MetricFamily> all;
  for (const prometheus::Collectable* source :
       {static_cast<const prometheus::Collectable*>(&registry_),
        static_cast<const prometheus::Collectable*>(&state)}) {
    for (MetricFamily& family : source->Collect()) {
      all.push_back(std::move(family));
    }
  }
  return prometheus::TextSerializer().Serialize(all);
}

}  // namespace taud::server
