#ifndef TAUD_CLI_CHILD_DAEMON_H_
#define TAUD_CLI_CHILD_DAEMON_H_

#include <sys/types.h>

#include <memory>
#include <string>
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
  ChildDaemon() = default;
  absl::Status Spawn(const std::vector<std::string>& arguments);
  absl::Status AwaitPort();

  std::string directory_;
  std::string log_path_;
  std::string address_;
  pid_t pid_ = -1;
};

}  // namespace taud::cli

#endif  // TAUD_CLI_CHILD_DAEMON_H_
