#ifndef TAUD_SERVER_LIFECYCLE_FILE_WATCH_H_
#define TAUD_SERVER_LIFECYCLE_FILE_WATCH_H_

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "model/steady_clock.h"
#include "server/observe/problems.h"

namespace taud::server {

// Files that are read again when they change: credentials, certificates. A new
// file that is no good leaves what was read before in force; that is logged,
// and is a trouble until the file is good.
//
// Thread-safe. Looks on a thread of its own, which Stop joins. Links are
// followed, so that a volume of Kubernetes, which exchanges a link, is seen.
class FileWatch {
 public:
  struct Watched {
    std::string what;                // the configuration's key, for people
    std::vector<std::string> paths;  // read together
    // Reads them. On the watch's thread. May throw: that is an error, too.
    std::function<absl::Status()> reload;
  };

  // `reloaded` hears how each reload went.
  FileWatch(std::vector<Watched> watched, absl::Duration interval,
            std::function<void(const std::string& what, bool ok)> reloaded);
  ~FileWatch();

  void Start();
  void Stop();  // idempotent

  // What the thread does every interval. A change is read when it is still the
  // same at the next look: who writes is done by then.
  void Look();

  // The first of what cannot be read now, named.
  Trouble trouble() const;

 private:
  struct File {
    Watched watched;
    std::string stamp;  // what the system says of the files
    bool settled = true;
    Trouble trouble;
  };
  void Run();
  void Reload(File* file) ABSL_EXCLUSIVE_LOCKS_REQUIRED(look_mutex_);

  const absl::Duration interval_;
  const std::function<void(const std::string&, bool)> reloaded_;

  absl::Mutex look_mutex_;  // held while files are read
  std::vector<File> files_ ABSL_GUARDED_BY(look_mutex_);

  mutable absl::Mutex mutex_ ABSL_ACQUIRED_AFTER(look_mutex_);
  model::SteadyAlarm alarm_;
  std::vector<Trouble> troubles_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_LIFECYCLE_FILE_WATCH_H_
