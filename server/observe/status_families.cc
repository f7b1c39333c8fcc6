#include "server/observe/status_families.h"

#include "server/observe/family_list.h"
#include "server/observe/problems.h"

namespace taud::server {
namespace {

constexpr const char* kTrainerStates[] = {"stopped", "waiting", "training",
                                          "idle",    "paused",  "failed"};

double D(uint64_t value) { return static_cast<double>(value); }

double Seconds(int64_t milliseconds) {
  return static_cast<double>(milliseconds) / 1000;
}

void AddProblems(const v1::Status& s, FamilyList* list) {
  list->Gauge("taud_ready", "1 while a snapshot serves and the log is read",
              s.ready());
  for (const v1::Problem& problem : s.problems()) {
    list->Gauge("taud_problem", "1 while the status names this problem", 1,
                {{"code", problem.code()},
                 {"severity", SeverityName(problem.severity())}});
  }
}

void AddLog(const v1::LogStatus& log, FamilyList* list) {
  list->Gauge("taud_users", "Users known", D(log.users()));
  list->Gauge("taud_items", "Items known", D(log.items()));
  list->Gauge("taud_log_last_sequence",
              "Sequence of the last acknowledged interaction",
              D(log.last_sequence()));
  list->Gauge("taud_log_interactions", "Interactions in the log",
              D(log.interactions()));
  list->Counter("taud_log_appended_total", "Interactions written to the log",
                D(log.appended()));
  list->Counter("taud_log_duplicates_total",
                "Interactions recognised as duplicates", D(log.duplicates()));
  list->Counter("taud_log_write_errors_total",
                "Groups of interactions that could not be written",
                D(log.write_errors()));
  list->Gauge("taud_log_queued", "Interactions waiting for the log",
              D(log.queued()));
  list->Gauge("taud_log_queued_bytes",
              "Memory of interactions waiting for the log",
              D(log.queued_bytes()));
  list->Gauge("taud_log_refusing", "1 while interactions and items are refused",
              !log.refusing().empty());
  list->Gauge("taud_erasures_pending",
              "Erasures of which some copy is still there",
              D(log.pending_erasures()));
}

void AddDisk(const v1::Status& s, FamilyList* list) {
  const v1::StorageStatus& disk = s.storage();
  if (disk.capacity_bytes() > 0) {
    list->Gauge("taud_disk_free_bytes",
                "Free on the disk of the data directory", D(disk.free_bytes()));
    list->Gauge("taud_disk_size_bytes", "Size of that disk",
                D(disk.capacity_bytes()));
    list->Gauge("taud_disk_min_free_bytes",
                "Below this nothing is written (store.min_free_mib)",
                D(disk.min_free_bytes()));
    const char* kData = "What the data directory holds, by part";
    list->Gauge("taud_data_bytes", kData, D(disk.log_bytes()),
                {{"part", "log"}});
    list->Gauge("taud_data_bytes", kData, D(disk.snapshot_bytes()),
                {{"part", "snapshots"}});
    list->Gauge("taud_data_bytes", kData, D(disk.checkpoint_bytes()),
                {{"part", "checkpoints"}});
  }
  if (s.checkpoint().number() > 0) {
    list->Gauge("taud_checkpoint_timestamp_seconds",
                "When the newest checkpoint was made",
                Seconds(s.checkpoint().created_ms()));
  }
  list->Counter("taud_checkpoint_errors_total",
                "Checkpoints that could not be written",
                D(s.checkpoint().errors()));
  list->Counter("taud_snapshot_save_errors_total",
                "Snapshots that could not be written to disk",
                D(s.serving().save_errors()));
}

void AddTrainer(const v1::TrainerStatus& t, FamilyList* list) {
  for (const char* state : kTrainerStates) {
    list->Gauge("taud_trainer_state", "1 for the state that the trainer is in",
                t.state() == state, {{"state", state}});
  }
  list->Counter("taud_trainer_steps_total", "Training steps", D(t.steps()));
  list->Counter("taud_trainer_epochs_total",
                "Passes over the distinct positive pairs", t.epochs());
  list->Gauge("taud_trainer_backlog", "Interactions not yet learnt from",
              D(t.backlog()));
  list->Gauge("taud_trainer_pairs", "Distinct positive pairs of user and item",
              D(t.pairs()));
  list->Gauge("taud_trainer_positives_per_second", "Training speed",
              t.positives_per_second());
  list->Gauge("taud_trainer_loss", "Decayed mean of the sampled-softmax loss",
              t.loss());
  list->Gauge("taud_trainer_gradient_norm",
              "Decayed mean of the norm of a step's gradient",
              t.gradient_norm());
  list->Gauge("taud_trainer_tau0", "Global temperature", t.tau0());
  list->Gauge("taud_trainer_tau0_factor",
              "Global temperature by that of Eq. 14, found by held pairs",
              t.tau0_factor());
  list->Gauge("taud_trainer_rho", "What negatives count beside positives",
              t.rho());
  list->Counter("taud_trainer_gpu_errors_total",
                "Times that a GPU failed while learning; the CPU went on",
                D(t.gpu_errors()));
  list->Gauge("taud_trainer_on_gpu", "1 while a GPU learns",
              !t.device().empty() && t.device() != "cpu");
}

void AddSnapshot(const v1::Status& s, FamilyList* list) {
  const v1::ServingStatus& v = s.serving();
  if (v.snapshot_version() > 0) {
    list->Gauge("taud_snapshot_timestamp_seconds",
                "When the snapshot that serves was made",
                Seconds(v.snapshot_created_ms()));
    list->Gauge("taud_snapshot_swap_timestamp_seconds",
                "When it was put into service", Seconds(v.last_swap_ms()));
  }
  list->Gauge("taud_snapshot_version", "Version that serves, 0: none",
              D(v.snapshot_version()));
  list->Gauge("taud_snapshot_pinned_version", "Version rolled back to, 0: none",
              D(v.pinned_version()));
  list->Gauge("taud_snapshot_forced",
              "1 if the version that serves did not pass the gate", v.forced());
  list->Gauge(
      "taud_snapshot_lag_interactions",
      "Acknowledged interactions that the serving snapshot has not learnt",
      D(SnapshotLag(s)));
  list->Counter("taud_snapshot_swaps_total", "Snapshots put into service",
                D(v.swaps()));
  list->Counter("taud_snapshot_rejected_total",
                "Snapshots rejected by the gate", D(v.rejected()));
  list->Gauge("taud_snapshot_rejected_in_a_row",
              "Snapshots rejected since the last one that served",
              D(v.rejected_in_a_row()));
  list->Counter("taud_snapshot_automatic_rollbacks_total",
                "Roll-backs of the daemon's own because live quality fell",
                D(v.automatic_rollbacks()));
  list->Gauge("taud_snapshots_live",
              "Snapshots in memory: the serving one, the one it is compared "
              "with, and those that requests still hold",
              v.live_snapshots());
  list->Gauge("taud_snapshot_recent_weight",
              "What a user's latest items count beside its vector",
              v.recent_weight());
  list->Gauge("taud_snapshot_prior_strength",
              "As how many interactions of a user the common taste counts",
              v.prior_strength());
  list->Gauge("taud_snapshot_neighbour_weight",
              "What the neighbourhood of a user's items counts beside the "
              "cosine",
              v.neighbour_weight());
  list->Gauge("taud_snapshot_neighbour_power",
              "The power of an item's popularity in the neighbourhood",
              v.neighbour_power());
}

void AddIndex(const v1::IndexStatus& index, FamilyList* list) {
  list->Counter("taud_index_gpu_errors_total",
                "Times that a GPU failed while searching; the CPU answered",
                D(index.gpu_errors()));
  if (index.kind().empty()) return;
  list->Gauge("taud_index_items", "Items that can be found", D(index.items()));
  list->Gauge("taud_index_bytes", "Memory of the index besides the snapshot",
              D(index.bytes()));
  list->Gauge("taud_index_build_seconds", "Time to build the serving index",
              index.build_seconds());
  list->Gauge("taud_index_recall",
              "Share of the exact best 100 that the index finds, measured when "
              "built",
              index.recall());
  list->Gauge("taud_index_on_gpu", "1 while a GPU searches",
              index.device() != "cpu");
}

void AddBatcher(const v1::ServingStatus& v, FamilyList* list) {
  list->Gauge("taud_batcher_queued", "Queries waiting", D(v.queued()));
  list->Counter("taud_batcher_batches_total", "Batches searched",
                D(v.batches()));
  list->Counter("taud_batcher_queries_total", "Queries searched",
                D(v.queries()));
  list->Counter("taud_batcher_expired_total",
                "Queries dropped past their deadline or cancelled",
                D(v.expired()));
  list->Counter("taud_batcher_refused_total",
                "Requests refused because the queue was full", D(v.refused()));
}

}  // namespace

uint64_t SnapshotLag(const v1::Status& status) {
  const v1::ServingStatus& serving = status.serving();
  if (serving.snapshot_version() == 0) return status.trainer().backlog();
  const uint64_t last = status.log().last_sequence();
  const uint64_t through = serving.snapshot_trained_through();
  return last > through ? last - through : 0;
}

std::vector<prometheus::MetricFamily> StatusFamilies(const v1::Status& status) {
  FamilyList list;
  AddProblems(status, &list);
  AddLog(status.log(), &list);
  AddDisk(status, &list);
  AddTrainer(status.trainer(), &list);
  AddSnapshot(status, &list);
  AddIndex(status.index(), &list);
  AddBatcher(status.serving(), &list);
  return list.Take();
}

}  // namespace taud::server
