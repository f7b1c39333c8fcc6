#ifndef TAUD_SERVER_AUDIT_AUDIT_LOG_H_
#define TAUD_SERVER_AUDIT_AUDIT_LOG_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "model/steady_clock.h"
#include "server/audit/audit_entry.h"
#include "server/audit/audit_file.h"
#include "server/observe/log_sampler.h"
#include "server/observe/problems.h"
#include "server/rpc/rpc_method.h"

namespace taud::server {

// A place among the lines that may wait; given back when the last one goes.
using AuditPlace = std::shared_ptr<const void>;

// Who has done what, in a file of its own. A call that must be told of does not
// begin while that cannot be done:
//
//   Enter ─▶ [Begin: on disk? then act] ─▶ End ─▶ the answer
//     │          │ no
//     └──────────┴──▶ UNAVAILABLE, and nothing was done
//
// Thread-safe. One thread writes, and syncs what has come together at once; the
// destructor writes what waits and joins it. Callbacks are called on it, each
// once, and must not block.
class AuditLog {
 public:
  struct Options {
    AuditFile::Options file;
    double sample_share = 0;  // of calls that need not be told of
    absl::Duration retry = absl::Seconds(1);  // while it cannot be written
    size_t max_waiting = 10000;               // calls
    size_t max_waiting_bytes = size_t{64} << 20;
  };
  // So many lines were written, or lost. On the writing thread.
  using Counted = std::function<void(size_t lines, bool written)>;
  using Done = std::function<void(absl::Status)>;

  // Says in the file that it begins. Errors name the path.
  static absl::StatusOr<std::unique_ptr<AuditLog>> Open(Options options,
                                                        Counted counted);
  ~AuditLog();

  // Ids are written as hashes with this key from now on.
  void SetIdKey(std::string key);

  // A place for a call that must be told of; UNAVAILABLE, with the reason,
  // while the file cannot be written or has fallen too far behind.
  absl::StatusOr<AuditPlace> Enter();
  // Null: not told of.
  AuditPlace Sample();

  // Writes that the call begins. `act` hears when it is on disk, or UNAVAILABLE
  // with the reason: then the call must not be done.
  void Begin(const AuditEntry& entry, AuditPlace place, Done act);
  // Writes how it ended. `done`, which may be null, hears when that is on disk
  // or cannot be.
  void End(const AuditEntry& entry, AuditPlace place, Done done);
  // Writes that somebody was not let in; a few a second are told of.
  void Refused(AuditEntry entry);

  // That it cannot be written, and why.
  Trouble trouble() const;

 private:
  struct Line {
    std::string text;
    AuditPlace place;
    Done done;  // null: it need not be on disk
  };

  AuditLog(Options options, Counted counted);
  AuditPlace Take();
  // For a client, which is not told of paths.
  absl::Status Refusal(absl::string_view why) const;
  void Add(const AuditEntry& entry, AuditPlace place, Done done);
  void Run();
  // Those that are written next: not many more than fit a small file.
  std::list<Line> TakeWaiting() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Write(const std::list<Line>& lines);
  void Probe();
  void Note(const absl::Status& status);

  const Options options_;
  const Counted counted_;
  // Shared with those who have a place.
  const std::shared_ptr<std::atomic<size_t>> places_ =
      std::make_shared<std::atomic<size_t>>(0);
  AuditFile file_;     // of the thread, once it runs
  uint64_t lost_ = 0;  // likewise: lines that no line has told of
  LogSampler refusals_{/*per_second=*/10, /*burst=*/100};

  mutable absl::Mutex mutex_;
  model::SteadyAlarm alarm_;
  std::list<Line> waiting_ ABSL_GUARDED_BY(mutex_);
  size_t waiting_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string id_key_ ABSL_GUARDED_BY(mutex_);
  Trouble trouble_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_AUDIT_AUDIT_LOG_H_
