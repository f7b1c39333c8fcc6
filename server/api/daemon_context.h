#ifndef TAUD_SERVER_API_DAEMON_CONTEXT_H_
#define TAUD_SERVER_API_DAEMON_CONTEXT_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "model/state.h"
#include "server/admission/admission.h"
#include "server/api/call.h"
#include "server/api/history_keeper.h"
#include "server/lifecycle/file_watch.h"
#include "server/lifecycle/publisher.h"
#include "server/lifecycle/readiness.h"
#include "server/lifecycle/upkeep.h"
#include "server/observe/metrics.h"
#include "server/quality/quality_watch.h"
#include "server/serving/batcher.h"
#include "server/serving/serving_model.h"
#include "store/log/event_store.h"
#include "trainer/online/online_trainer.h"

namespace taud::server {

// The parts of the daemon as its services see them. All belong to Daemon and
// outlive the services; each is thread-safe as its own header says.
struct DaemonContext {
  model::State* state = nullptr;
  store::EventStore* store = nullptr;
  trainer::OnlineTrainer* trainer = nullptr;
  ServingSlot* slot = nullptr;
  Publisher* publisher = nullptr;
  Batcher* batcher = nullptr;
  Upkeep* upkeep = nullptr;
  QualityWatch* quality = nullptr;
  Metrics* metrics = nullptr;
  ClientRates* rates = nullptr;
  const HistoryKeeper* history = nullptr;
  CallEnvironment calls;
  // store.backup_root and store.data_dir; constant.
  std::string backup_root;
  std::string data_dir;
  // Of titles, tags and properties; constant.
  uint64_t max_catalogue_bytes = UINT64_MAX;
  // store.max_users and max_items; constant.
  store::IdBounds id_bounds;
  // auth.open_metrics; constant.
  bool open_metrics = false;
  // What was to be read again and cannot be; null: nothing is watched.
  const FileWatch* files = nullptr;
  // server.insecure, store.min_free_mib, ingestion.max_queue and
  // max_queue_mib; constant.
  bool insecure = false;
  uint64_t min_free_bytes = 0;
  uint64_t max_queued = 0;
  uint64_t max_queued_bytes = 0;
  int64_t started_ms = 0;
  std::atomic<Phase> phase{Phase::kStarting};
  // Of the log, since the start; until it is 100, what users have had is not
  // known whole. Set before `phase` says that it is read.
  std::atomic<int> log_read_percent{0};
  // serving.ready_before_history; constant.
  bool ready_before_history = false;
  // Of searching, since the start.
  std::atomic<uint64_t> index_gpu_errors{0};
};

// For probes and people. Takes the store's mutex for the time of a copy.
inline Standing StandingOf(const DaemonContext& context) {
  Standing standing;
  standing.phase = context.phase.load();
  standing.has_snapshot = context.slot->Get() != nullptr;
  standing.takes_writes = context.store->stats().refusing.empty();
  standing.log_read_percent = context.log_read_percent.load();
  standing.early = context.ready_before_history;
  return standing;
}

}  // namespace taud::server

#endif  // TAUD_SERVER_API_DAEMON_CONTEXT_H_
