#ifndef TAUD_SERVER_LIFECYCLE_DECISION_LOG_H_
#define TAUD_SERVER_LIFECYCLE_DECISION_LOG_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "model/types.h"
#include "taud/v1/model_service.pb.h"

namespace taud::server {

// What was decided about snapshots and learning, and why: the last kMost, in a
// file that is replaced at each, so that a restart knows them. Each is logged
// as well. If the file cannot be written that is logged, and the decision
// stands.
//
// Any thread reads, and waits for no disk; one thread at a time adds.
class DecisionLog {
 public:
  static constexpr size_t kMost = 1000;

  // `observer` is called at each, before it is written; may be null.
  explicit DecisionLog(std::string path,
                       std::function<void(v1::Decision::Kind)> observer = {},
                       std::function<absl::Time()> now = absl::Now)
      : path_(std::move(path)),
        observer_(std::move(observer)),
        now_(std::move(now)) {}
  // A damaged file is put aside and logged.
  void Load();

  void Add(v1::Decision::Kind kind, model::SnapshotVersion version,
           model::SnapshotVersion from, const std::string& text);
  // Newest first, at most `limit`.
  std::vector<v1::Decision> Newest(size_t limit) const;

 private:
  const std::string path_;
  const std::function<void(v1::Decision::Kind)> observer_;
  const std::function<absl::Time()> now_;
  mutable absl::Mutex mutex_;
  std::deque<v1::Decision> decisions_ ABSL_GUARDED_BY(mutex_);  // oldest first
};

}  // namespace taud::server

#endif  // TAUD_SERVER_LIFECYCLE_DECISION_LOG_H_
