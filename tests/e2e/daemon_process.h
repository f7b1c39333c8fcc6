#ifndef TAUD_TESTS_E2E_DAEMON_PROCESS_H_
#define TAUD_TESTS_E2E_DAEMON_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"

namespace taud::e2e {

// A directory of its own, removed with everything in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// The taud binary as a child process, on free ports of the loopback.
// One thread's. Kills the child when destroyed. What it writes is read all the
// while, so that it never waits for its reader; a report of a sanitizer in it
// fails the test.
class DaemonProcess {
 public:
  // Starts it on `data_dir`, with `arguments` behind the usual ones. Does not
  // wait. With `fault` it is the binary with sync points, and `fault` what
  // TAUD_FAULT says (tests/fault/sync_point.cc).
  DaemonProcess(const std::string& data_dir,
                const std::vector<std::string>& arguments,
                const std::string& fault = "");
  ~DaemonProcess();

  // Blocks until its log has `text` in it. False if it ended first, or after
  // a minute.
  bool WaitForLog(const std::string& text);
  // Blocks until it has read its log and serves; fills in the ports.
  bool WaitUntilServing();
  // Blocks until it listens, which it does while it reads its log; fills in
  // the ports.
  bool WaitUntilListening();

  std::shared_ptr<grpc::Channel> channel() const;
  std::string grpc_address() const;
  int http_port() const { return http_port_; }

  void Signal(int signal);
  // Waits for its end (up to a minute) and returns its exit status, 128 + n
  // after signal n, -1 if it did not end.
  int Wait();
  // kill -9 and wait.
  void Kill();

  // What it has written so far.
  std::string log() const;

 private:
  void ReadLog();
  void CheckLog() const;

  pid_t pid_ = -1;
  int stderr_ = -1;
  std::thread reader_;  // joined by the destructor
  mutable absl::Mutex mutex_;
  std::string log_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;  // it has closed its end
  int grpc_port_ = 0;
  int http_port_ = 0;
};

// What grpc.health.v1 says of the service: "SERVING", "NOT_SERVING", or why
// there is no answer.
std::string HealthOf(const DaemonProcess& daemon, const std::string& service);

}  // namespace taud::e2e

#endif  // TAUD_TESTS_E2E_DAEMON_PROCESS_H_
