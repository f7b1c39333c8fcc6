#ifndef TAUD_CLI_CLIENT_CHILD_DAEMON_H_
#define TAUD_CLI_CLIENT_CHILD_DAEMON_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"

namespace taud::cli {

// A taud started for a measurement, on a free port of the loopback and with a
// data directory of its own, both gone when this is destroyed. One thread's.
class ChildDaemon {
 public:
  // Starts the taud that lies beside this program, waits until it listens.
  // NOT_FOUND if there is none; otherwise its log says what went wrong.
  static absl::StatusOr<std::unique_ptr<ChildDaemon>> Start(
      const std::vector<std::string>& arguments);
  ~ChildDaemon();

  // "127.0.0.1:PORT".
  const std::string& address() const { return address_; }
  pid_t pid() const { return pid_; }

 private:
  friend class InterruptGuard;

  ChildDaemon();
  void End();
  absl::Status Spawn(const std::vector<std::string>& arguments);
  bool HasEnded();
  absl::Status AwaitPort();

  std::string directory_;
  std::string log_path_;
  std::string address_;
  pid_t pid_ = -1;
};

// While one lives, SIGINT, SIGTERM and SIGHUP end this process as ever, but not
// before its ChildDaemons are ended and their directories gone. One at a time;
// owns the thread that waits for the signal.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  void Wait();

  std::thread thread_;
};

}  // namespace taud::cli

#endif  // TAUD_CLI_CLIENT_CHILD_DAEMON_H_
