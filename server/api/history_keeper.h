#ifndef TAUD_SERVER_API_HISTORY_KEEPER_H_
#define TAUD_SERVER_API_HISTORY_KEEPER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "model/steady_clock.h"
#include "server/api/history.h"
#include "server/api/latency_counts.h"
#include "taud/v1/model_service.pb.h"

namespace taud::server {

// Makes samples of the figures that parts have counted up to two moments.
// Thread-compatible.
class Sampler {
 public:
  // `calls` outlives it.
  explicit Sampler(const CallFigures* calls) : calls_(calls) {}

  // To be called more often than samples are made: sees what the log has.
  void Watch(double seconds, const v1::Status& status);
  // What happened since the last one; rates are not known of the first.
  // `seconds` by a steady clock.
  Sample Take(double seconds, const v1::Status& status);

 private:
  struct Totals {
    double seconds = 0;
    LatencyCounts::Counts answers{};
    LatencyCounts::Counts acks{};
    uint64_t failed = 0;
    uint64_t appended = 0;
  };
  void FillRates(const Totals& now, Sample* sample) const;

  const CallFigures* const calls_;
  LagClock lags_;
  bool first_ = true;
  Totals before_;
};

// Takes a sample every five seconds and keeps the history, also in a file of
// the data directory, which it writes every five minutes and when it stops. A
// file that cannot be read is left out, with a log line: it is not needed.
//
// Thread-safe. Owns a thread.
class HistoryKeeper {
 public:
  struct Options {
    std::string path;
    // With less on the disk nothing is written.
    uint64_t min_free_bytes = 0;
    absl::Duration look_interval = absl::Seconds(1);
    int looks_per_sample = 5;
    absl::Duration save_interval = absl::Minutes(5);
  };

  // `report` is asked by the thread; `calls` outlives it.
  HistoryKeeper(const Options& options, std::function<v1::Status()> report,
                const CallFigures* calls);
  ~HistoryKeeper();

  void Start();
  // Writes the file and joins. Idempotent.
  void Stop();

  // See History::Json.
  std::string Json(int64_t since_ms) const;

 private:
  void Run();
  void Look(int count);
  void Save();

  const Options options_;
  const std::function<v1::Status()> report_;

  Sampler sampler_;     // the thread's
  absl::Status saved_;  // the thread's: how it went last
  mutable absl::Mutex mutex_;
  History history_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  model::SteadyAlarm alarm_;
  std::thread thread_;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_API_HISTORY_KEEPER_H_
