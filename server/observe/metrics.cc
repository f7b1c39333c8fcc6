#include "server/observe/metrics.h"

#include "grpcpp/support/status_code_enum.h"
#include "prometheus/text_serializer.h"

namespace taud::server {
namespace {

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

}  // namespace

Metrics::Metrics() {
  auto& rpcs = prometheus::BuildCounter()
                   .Name("taud_rpc_requests_total")
                   .Help("Calls that ended, by method and canonical code")
                   .Register(registry_);
  auto& latency = prometheus::BuildHistogram()
                      .Name("taud_rpc_latency_seconds")
                      .Help("Time from the arrival of a call to its end")
                      .Register(registry_);
  for (size_t m = 0; m < kNumRpcMethods; ++m) {
    const std::string method = kRpcMethodNames[m];
    latency_[m] = &latency.Add({{"method", method}}, kLatencyBuckets);
    for (size_t c = 0; c < kNumCodes; ++c) {
      rpcs_[m][c] = &rpcs.Add({{"method", method}, {"code", kCodeNames[c]}});
    }
  }
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
                       "1 if it may listen beyond the loopback, without "
                       "credentials and TLS (server.insecure)")
                   .Register(registry_)
                   .Add({});
  auto& refused = prometheus::BuildCounter()
                      .Name("taud_refused_total")
                      .Help("What a limit refused or ended, by reason")
                      .Register(registry_);
  for (size_t r = 0; r < kNumRefusals; ++r) {
    refused_[r] = &refused.Add({{"reason", kRefusalNames[r]}});
  }
}

void Metrics::CountRpc(RpcMethod method, int code, absl::Duration latency) {
  const auto m = static_cast<size_t>(method);
  const size_t c = code >= 0 && code < static_cast<int>(kNumCodes)
                       ? static_cast<size_t>(code)
                       : static_cast<size_t>(grpc::StatusCode::UNKNOWN);
  rpcs_[m][c]->Increment();
  latency_[m]->Observe(absl::ToDoubleSeconds(latency));
  requests_.fetch_add(1, std::memory_order_relaxed);
  if (c != 0) errors_.fetch_add(1, std::memory_order_relaxed);
}

void Metrics::CountAck(size_t interactions, absl::Duration latency) {
  acked_->Increment(static_cast<double>(interactions));
  ack_latency_->Observe(absl::ToDoubleSeconds(latency));
}

void Metrics::Set(const std::string& name, const std::string& help,
                  double value) {
  prometheus::Gauge*& gauge = gauges_[name];
  if (gauge == nullptr) {
    gauge =
        &prometheus::BuildGauge().Name(name).Help(help).Register(registry_).Add(
            {});
  }
  gauge->Set(value);
}

void Metrics::SetLogGauges(const v1::Status& s) {
  const double now = static_cast<double>(s.now_ms());
  Set("taud_ready", "1 while recommendations are answered", s.ready());
  Set("taud_uptime_seconds", "Time since the start",
      (now - static_cast<double>(s.started_ms())) / 1000);

  Set("taud_log_last_sequence", "Sequence of the last acknowledged interaction",
      static_cast<double>(s.log().last_sequence()));
  Set("taud_log_interactions", "Interactions in the log",
      static_cast<double>(s.log().interactions()));
  Set("taud_log_duplicates", "Duplicates recognised since the start",
      static_cast<double>(s.log().duplicates()));
  Set("taud_log_write_errors", "Groups that could not be written",
      static_cast<double>(s.log().write_errors()));
  Set("taud_log_queued_bytes", "Bytes of interactions waiting for the log",
      static_cast<double>(s.log().queued_bytes()));
  Set("taud_erasures_pending", "Erasures of which some copy is still there",
      static_cast<double>(s.log().pending_erasures()));
  Set("taud_checkpoint_age_seconds", "Age of the newest checkpoint",
      s.checkpoint().number() == 0
          ? 0
          : (now - static_cast<double>(s.checkpoint().created_ms())) / 1000);
  Set("taud_checkpoint_errors", "Checkpoints that could not be written",
      static_cast<double>(s.checkpoint().errors()));
  Set("taud_snapshot_save_errors", "Snapshots that could not be written",
      static_cast<double>(s.serving().save_errors()));
  Set("taud_snapshot_pinned", "Version rolled back to, 0: none",
      static_cast<double>(s.serving().pinned_version()));
  Set("taud_users", "Users known", static_cast<double>(s.log().users()));
  Set("taud_items", "Items known", static_cast<double>(s.log().items()));
}

void Metrics::SetTrainerGauges(const v1::TrainerStatus& t) {
  Set("taud_trainer_running", "1 while the trainer learns or idles",
      t.state() == "training" || t.state() == "idle");
  Set("taud_trainer_failed", "1 after an error ended learning",
      t.state() == "failed");
  Set("taud_trainer_steps", "Training steps", static_cast<double>(t.steps()));
  Set("taud_trainer_epochs", "Passes over the positive pairs", t.epochs());
  Set("taud_trainer_backlog", "Interactions not yet learnt from",
      static_cast<double>(t.backlog()));
  Set("taud_trainer_positives_per_second", "Training speed",
      t.positives_per_second());
  Set("taud_trainer_loss", "Decayed mean sampled-softmax loss", t.loss());
  Set("taud_trainer_tau0", "Global temperature", t.tau0());
  Set("taud_trainer_gpu_errors", "Times that a GPU failed while learning",
      static_cast<double>(t.gpu_errors()));
  Set("taud_trainer_on_gpu", "1 while a GPU learns", t.device() != "cpu");
  Set("taud_trainer_rho", "What negatives count beside positives", t.rho());
  Set("taud_trainer_tau_user_p10", "10th percentile of tau_u",
      t.tau_user_p10());
  Set("taud_trainer_tau_user_p50", "Median of tau_u", t.tau_user_p50());
  Set("taud_trainer_tau_user_p90", "90th percentile of tau_u",
      t.tau_user_p90());
}

void Metrics::SetServingGauges(const v1::Status& s) {
  const double now = static_cast<double>(s.now_ms());
  const v1::ServingStatus& v = s.serving();
  Set("taud_snapshot_version", "Version that serves",
      static_cast<double>(v.snapshot_version()));
  Set("taud_snapshot_age_seconds", "Age of the snapshot that serves",
      v.snapshot_version() == 0
          ? 0
          : (now - static_cast<double>(v.snapshot_created_ms())) / 1000);
  Set("taud_snapshot_lag_interactions",
      "Acknowledged interactions the serving snapshot was not trained on",
      static_cast<double>(s.log().last_sequence()) -
          static_cast<double>(v.snapshot_trained_through()));
  Set("taud_snapshot_recent_weight",
      "What a user's latest items count beside its vector", v.recent_weight());
  Set("taud_snapshot_prior_strength",
      "As how many interactions of a user the common taste counts",
      v.prior_strength());
  Set("taud_snapshot_neighbour_weight",
      "What the neighbourhood of a user's items counts beside the cosine",
      v.neighbour_weight());
  Set("taud_snapshot_swaps", "Snapshots put into service since the start",
      static_cast<double>(v.swaps()));
  Set("taud_snapshot_rejected", "Snapshots rejected by the gate",
      static_cast<double>(v.rejected()));
  Set("taud_snapshots_live",
      "Snapshots in memory: the serving one and those requests still hold",
      v.live_snapshots());
  Set("taud_resident_bytes", "Resident memory of the process",
      static_cast<double>(v.resident_bytes()));
  Set("taud_index_bytes", "Memory of the index besides the snapshot",
      static_cast<double>(s.index().bytes()));
  Set("taud_index_recall",
      "Share of the exact best 100 that the index finds, measured when built",
      s.index().recall());
  Set("taud_index_items", "Items that can be found",
      static_cast<double>(s.index().items()));
  Set("taud_index_build_seconds", "Time to build the serving index",
      s.index().build_seconds());
  Set("taud_index_gpu_errors", "Times that a GPU failed while searching",
      static_cast<double>(s.index().gpu_errors()));
  Set("taud_index_on_gpu", "1 while a GPU searches",
      !s.index().device().empty() && s.index().device() != "cpu");
}

void Metrics::SetBatcherGauges(const Batcher::Stats& b) {
  Set("taud_batcher_queued", "Queries waiting", static_cast<double>(b.queued));
  Set("taud_batcher_batches", "Batches searched",
      static_cast<double>(b.batches));
  Set("taud_batcher_queries", "Queries searched",
      static_cast<double>(b.queries));
  Set("taud_batcher_expired", "Queries dropped past their deadline",
      static_cast<double>(b.expired));
  Set("taud_fold_ins", "Online queries made with a user's latest interactions",
      static_cast<double>(b.fold_ins.wanted));
  Set("taud_fold_ins_cached", "Of them, those whose vector was still valid",
      static_cast<double>(b.fold_ins.cached));
  Set("taud_batcher_refused", "Requests refused because the queue was full",
      static_cast<double>(b.refused));
}

std::string Metrics::Scrape(const v1::Status& status,
                            const Batcher::Stats& batcher) {
  absl::MutexLock lock(&scrape_mutex_);
  SetLogGauges(status);
  SetTrainerGauges(status.trainer());
  SetServingGauges(status);
  SetBatcherGauges(batcher);
  return prometheus::TextSerializer().Serialize(registry_.Collect());
}

}  // namespace taud::server
