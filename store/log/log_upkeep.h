#ifndef TAUD_STORE_LOG_LOG_UPKEEP_H_
#define TAUD_STORE_LOG_LOG_UPKEEP_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/state.h"
#include "model/types.h"
#include "store/log/erasure.h"
#include "store/log/event_db.h"
#include "store/log/event_store.h"
#include "store/log/log_writer.h"
#include "store/log/store_stats.h"
#include "store/log/write_pipeline.h"

namespace taud::store {

// Takes out of the log what was erased and what is too old. Reading goes on
// beside the writer; what changes records is run on the writer's thread, in
// small parts, so that acknowledgements do not wait for long.
//
// One thread at a time, not the writer's; between the pipeline's Start and
// Close. Owns nothing; see EventStore for what the functions promise.
class LogUpkeep {
 public:
  LogUpkeep(const model::State* state, EventDb* db, LogWriter* log,
            WritePipeline* pipeline, StoreStats* stats)
      : state_(state), db_(db), log_(log), pipeline_(pipeline), stats_(stats) {}

  absl::Status EraseFromLog(std::vector<Erasure>* erasures);
  absl::StatusOr<model::Sequence> PurgeRetracted(model::Sequence needed);
  absl::Status WriteReceipts(const std::vector<Erasure>& erasures);
  absl::StatusOr<model::Sequence> Trim(const EventStore::Retention& retention,
                                       model::Sequence needed);

 private:
  // In small parts, and then out of the files.
  absl::Status PurgeAll(const std::vector<EventDb::Purged>& found);

  const model::State* const state_;
  EventDb* const db_;
  LogWriter* const log_;
  WritePipeline* const pipeline_;
  StoreStats* const stats_;
};

}  // namespace taud::store

#endif  // TAUD_STORE_LOG_LOG_UPKEEP_H_
