#ifndef TAUD_SERVER_DAEMON_H_
#define TAUD_SERVER_DAEMON_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/lifecycle/synthetic_world.h"
#include "taud/config/v1/config.pb.h"

namespace taud::server {

// The whole daemon: opens the data directory, serves the newest snapshot on
// disk at once, reads the log, then takes interactions in and learns.
//
//   Start ──▶ STARTING ──log read──▶ SERVING ──Drain──▶ DRAINING ──▶ stopped
//
// One thread's: the one that calls Start, Run and Drain. Owns every part.
class Daemon {
 public:
  // Opens everything and listens. Errors name the remedy.
  static absl::StatusOr<std::unique_ptr<Daemon>> Start(
      const config::v1::Config& config);
  ~Daemon();

  // Reads the log and begins to learn. Requests are answered meanwhile.
  absl::Status Run();

  // Instead of Run, for measuring: fills an empty data directory with `world`
  // and serves its snapshots; nothing is learnt. FAILED_PRECONDITION if the log
  // is not empty.
  absl::Status RunSynthetic(const SyntheticWorld& world);

  // Says NOT_SERVING, finishes what was accepted, publishes and saves the
  // model, and stops, within server.drain_seconds plus the time to write one
  // snapshot. Idempotent.
  void Drain();

  // How it goes, in a line: what serves, and from how much it learns. Asks
  // every part that has a lock of its own.
  std::string Summary() const;

  int grpc_port() const;
  int http_port() const;

 private:
  class Impl;
  explicit Daemon(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_DAEMON_H_
