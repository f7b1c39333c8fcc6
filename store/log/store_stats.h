#ifndef TAUD_STORE_LOG_STORE_STATS_H_
#define TAUD_STORE_LOG_STORE_STATS_H_

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "store/log/event_store.h"

namespace taud::store {

// What the parts of the event store count, in one place. Thread-safe.
class StoreStats {
 public:
  // Calls change(EventStore::Stats*) alone.
  template <typename Change>
  void Update(const Change& change) {
    absl::MutexLock lock(&mutex_);
    change(&stats_);
  }

  // Remembers whether writes are refused, and logs it when that changes.
  void NoteWritable(const absl::Status& status);

  EventStore::Stats Get() const;

 private:
  mutable absl::Mutex mutex_;
  EventStore::Stats stats_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace taud::store

#endif  // TAUD_STORE_LOG_STORE_STATS_H_
