#include "server/api/status_report.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "query/neighbourhood.h"
#include "server/observe/problems.h"

namespace taud::server {
namespace {

const char* PhaseName(Phase phase) {
  switch (phase) {
    case Phase::kStarting:
      return "STARTING";
    case Phase::kServing:
      return "SERVING";
    case Phase::kDraining:
      break;
  }
  return "DRAINING";
}

// 0 if the system does not say.
uint64_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  if (!(file >> total >> resident)) return 0;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

void FillTrainer(const trainer::TrainerStatus& from, v1::TrainerStatus* to) {
  to->set_state(trainer::TrainerStateName(from.state));
  to->set_device(from.device);
  to->set_error(from.error);
  to->set_steps(from.steps);
  to->set_epochs(from.epochs);
  to->set_trained_through(from.trained_through);
  to->set_backlog(from.backlog);
  to->set_pairs(from.pairs);
  to->set_positives_per_second(from.positives_per_second);
  to->set_loss(from.loss);
  to->set_tau0(from.tau0);
  to->set_tau_user_p10(from.tau_user_p10);
  to->set_tau_user_p50(from.tau_user_p50);
  to->set_tau_user_p90(from.tau_user_p90);
  to->set_warming_up(from.warming_up);
  to->set_rho(from.rho);
  to->set_gpu_errors(from.gpu_errors);
  to->set_last_gpu_error(from.last_gpu_error);
  to->set_gradient_norm(from.gradient_norm);
  to->set_tau0_factor(from.tau0_factor);
}

void FillServing(const DaemonContext& context, const ServingModel* model,
                 v1::ServingStatus* to) {
  if (model != nullptr) {
    to->set_snapshot_version(model->snapshot->version);
    to->set_forced(context.publisher->records()
                       ->Of(model->snapshot->version)
                       .verdict()
                       .forced());
    to->set_snapshot_trained_through(model->snapshot->trained_through);
    to->set_snapshot_created_ms(model->snapshot->created_ms);
    const query::QueryWeights& weights = model->fold_in->weights();
    to->set_recent_weight(double{weights.recent});
    to->set_prior_strength(double{weights.prior});
    const query::NeighbourWeights neighbours =
        query::NeighbourWeightsOf(*model->snapshot);
    to->set_neighbour_weight(double{neighbours.weight});
    to->set_neighbour_power(double{neighbours.power});
  }
  const Publisher::Stats publisher = context.publisher->stats();
  to->set_swaps(publisher.swaps);
  to->set_rejected(publisher.rejected);
  to->set_last_rejection(publisher.last_rejection);
  to->set_rejected_in_a_row(publisher.rejected_in_a_row);
  to->set_automatic_rollbacks(publisher.taken_back);
  to->set_requests(context.metrics->requests());
  to->set_errors(context.metrics->errors());
  to->set_pinned_version(context.publisher->pinned());
  to->set_save_errors(publisher.save_errors);
  const Batcher::Stats batcher = context.batcher->stats();
  to->set_queued(batcher.queued);
  to->set_batches(batcher.batches);
  to->set_queries(batcher.queries);
  to->set_expired(batcher.expired);
  to->set_refused(batcher.refused);
  to->set_last_swap_ms(publisher.last_swap_ms);
  to->set_live_snapshots(static_cast<uint32_t>(publisher.live));
  to->set_resident_bytes(ResidentBytes());
}

void FillLog(const DaemonContext& context, v1::LogStatus* to) {
  const store::EventStore::Stats store = context.store->stats();
  to->set_last_sequence(context.state->interactions.last_sequence());
  const model::State& state = *context.state;
  to->set_interactions(state.interactions.size() -
                       state.interactions.num_erased());
  to->set_users(state.users.size() - state.users.Erased().size());
  to->set_items(state.items.size() - state.items.Erased().size());
  to->set_appended(store.appended);
  to->set_duplicates(store.duplicates);
  to->set_write_errors(store.write_errors);
  to->set_queued(store.queued);
  to->set_queued_bytes(store.queued_bytes);
  to->set_trimmed_through(store.trimmed_through);
  to->set_refusing(store.refusing);
  to->set_read_percent(static_cast<uint32_t>(context.log_read_percent.load()));
}

void FillUpkeep(const DaemonContext& context, const Upkeep::Stats& upkeep,
                v1::Status* status) {
  v1::StorageStatus* storage = status->mutable_storage();
  storage->set_free_bytes(upkeep.space.free_bytes);
  storage->set_capacity_bytes(upkeep.space.capacity_bytes);
  storage->set_min_free_bytes(context.min_free_bytes);
  storage->set_log_bytes(upkeep.log_bytes);
  storage->set_snapshot_bytes(upkeep.snapshot_bytes);
  storage->set_checkpoint_bytes(upkeep.checkpoint_bytes);
  status->mutable_log()->set_pending_erasures(upkeep.pending_erasures);
  v1::CheckpointStatus* to = status->mutable_checkpoint();
  to->set_number(upkeep.checkpoint);
  to->set_absorbed_through(upkeep.absorbed_through);
  to->set_created_ms(upkeep.checkpoint_ms);
  to->set_errors(upkeep.checkpoint_errors);
  to->set_resumed_from(upkeep.resumed_from);
}

Conditions ConditionsOf(const DaemonContext& context,
                        const Upkeep::Stats& upkeep) {
  Conditions conditions;
  conditions.insecure = context.insecure;
  conditions.snapshots_not_saved = upkeep.snapshots;
  conditions.checkpoints_not_saved = upkeep.checkpoints;
  conditions.erasure = upkeep.erasure;
  if (context.files != nullptr) conditions.files = context.files->trouble();
  if (context.calls.audit != nullptr) {
    conditions.audit = context.calls.audit->trouble();
  }
  conditions.refusing_since_ms = context.store->stats().refusing_since_ms;
  conditions.trainer_since_ms = context.trainer->status().state_since_ms;
  conditions.max_queued = context.max_queued;
  conditions.max_queued_bytes = context.max_queued_bytes;
  conditions.oldest_held_seconds =
      context.publisher->stats().oldest_retired_seconds;
  return conditions;
}

void FillIndex(const ServingModel& model, v1::IndexStatus* to) {
  const index::IndexReport report = model.index->report();
  to->set_kind(report.kind);
  to->set_kernel(report.kernel);
  to->set_bytes(report.bytes);
  to->set_recall(report.recall);
  to->set_audited_queries(report.audited);
  to->set_lists(report.lists);
  to->set_probes(report.probes);
  to->set_reason(report.reason);
  for (const index::PathTiming& timing : report.timings) {
    v1::PathTiming* path = to->add_timings();
    path->set_batch(timing.batch);
    path->set_quantised_us(timing.quantised_us);
    path->set_flat_us(timing.flat_us);
  }
  to->set_device(model.index->device());
  to->set_items(model.index->size());
  to->set_dim(static_cast<uint32_t>(model.index->dim()));
  to->set_build_seconds(model.build_seconds);
}

}  // namespace

v1::Status ReportStatus(const DaemonContext& context) {
  v1::Status status;
  status.set_server_version(TAUD_VERSION);
  status.set_now_ms(absl::ToUnixMillis(absl::Now()));
  status.set_started_ms(context.started_ms);
  const Phase phase = context.phase.load();
  status.set_phase(PhaseName(phase));
  const std::shared_ptr<const ServingModel> model = context.slot->Get();
  status.set_not_ready(WhyNotReady(StandingOf(context)));
  status.set_ready(status.not_ready().empty());
  FillTrainer(context.trainer->status(), status.mutable_trainer());
  FillServing(context, model.get(), status.mutable_serving());
  FillLog(context, status.mutable_log());
  const Upkeep::Stats upkeep = context.upkeep->stats();
  FillUpkeep(context, upkeep, &status);
  if (model != nullptr) FillIndex(*model, status.mutable_index());
  *status.mutable_quality() = context.quality->Live();
  status.mutable_index()->set_gpu_errors(context.index_gpu_errors.load());
  const Conditions conditions = ConditionsOf(context, upkeep);
  for (v1::Problem& problem : FindProblems(status, conditions)) {
    *status.add_problems() = std::move(problem);
  }
  status.set_summary(Summarise(status));
  return status;
}

v1::ListSnapshotsResponse ReportSnapshots(const DaemonContext& context) {
  v1::ListSnapshotsResponse response;
  const std::shared_ptr<const ServingModel> model = context.slot->Get();
  std::vector<store::SnapshotInfo> saved = context.publisher->Saved();
  std::reverse(saved.begin(), saved.end());
  for (const store::SnapshotInfo& info : saved) {
    v1::SnapshotInfo* to = response.add_snapshots();
    to->set_version(info.version);
    to->set_trained_through(info.trained_through);
    to->set_created_ms(info.created_ms);
    to->set_users(info.users);
    to->set_items(info.items);
    to->set_dim(static_cast<uint32_t>(info.dim));
    to->set_bytes(info.bytes);
    to->set_serving(model != nullptr &&
                    model->snapshot->version == info.version);
    to->set_pinned(info.version == context.publisher->pinned());
    for (const auto& [name, value] : info.metrics) {
      (*to->mutable_metrics())[name] = value;
    }
    const v1::SnapshotInfo known =
        context.publisher->records()->Of(info.version);
    to->set_kept_as(known.kept_as());
    to->set_bad(known.bad());
    if (known.has_verdict()) *to->mutable_verdict() = known.verdict();
    if (known.has_quality()) *to->mutable_quality() = known.quality();
  }
  return response;
}

v1::SnapshotInfo ReportSnapshot(const DaemonContext& context,
                                model::SnapshotVersion version) {
  v1::ListSnapshotsResponse all = ReportSnapshots(context);
  for (v1::SnapshotInfo& info : *all.mutable_snapshots()) {
    if (info.version() == version) return std::move(info);
  }
  v1::SnapshotInfo unknown;
  unknown.set_version(version);
  return unknown;
}

v1::Quality ReportQuality(const DaemonContext& context) {
  v1::Quality quality = context.quality->Report();
  const trainer::TrainerStatus trainer = context.trainer->status();
  v1::LearningHealth* learning = quality.mutable_learning();
  learning->set_loss(trainer.loss);
  learning->set_gradient_norm(trainer.gradient_norm);
  learning->set_tau0(trainer.tau0);
  learning->set_rho(trainer.rho);
  return quality;
}

}  // namespace taud::server
