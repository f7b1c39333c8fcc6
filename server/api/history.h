#ifndef TAUD_SERVER_API_HISTORY_H_
#define TAUD_SERVER_API_HISTORY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace taud::server {

// How the daemon went over the last hours, for the plots of the page: figures
// alone, no id of anything.

enum class Figure {
  kHitRate,  // at 10, and its confidence interval
  kHitRateLow,
  kHitRateHigh,
  kPopularityHitRate,
  kNdcg,
  kAnswersPerSecond,  // recommendations and similar items
  kErrorsPerSecond,   // of them
  kAnswerP50,         // seconds
  kAnswerP99,
  kInteractionsPerSecond,
  kAckP50,  // seconds
  kAckP99,
  kTrainLag,  // seconds since the oldest interaction that is not learnt yet
  kServeLag,  // … that the serving snapshot has not learnt
  kBacklog,
  kLearntPerSecond,  // positives
  kLoss,
  kGradientNorm,
  kTau0,
  kTauUserP10,
  kTauUserP50,
  kTauUserP90,
  kSnapshotVersion,
  kUsers,
  kItems,
  kResidentBytes,
  kFreeBytes,
};
inline constexpr size_t kNumFigures = 27;

// How the JSON names each, and how several of them become one.
enum class Thinning { kMean, kMost, kLast };
struct FigureRule {
  const char* name;
  Thinning thinning;
};
extern const std::array<FigureRule, kNumFigures> kFigureRules;

// NaN: not known then.
struct Sample {
  int64_t time_ms = 0;  // Unix
  std::array<double, kNumFigures> figures{};

  double& operator[](Figure figure) {
    return figures[static_cast<size_t>(figure)];
  }
  double operator[](Figure figure) const {
    return figures[static_cast<size_t>(figure)];
  }
};

// One sample of several, all of one minute. REQUIRES: there are some.
Sample Thin(const std::deque<Sample>& samples);

// Samples that thin with age: each of the last half hour, then one a minute for
// twelve hours. About 250 KiB, whatever comes. Thread-compatible.
class History {
 public:
  static constexpr size_t kFine = 360;
  static constexpr size_t kCoarse = 720;

  // Times grow; a sample that is not later than the last one is left out, so
  // that a clock that was set back leaves a gap.
  void Add(const Sample& sample);

  // {"figures": [names], "samples": [[time_ms, value or null, …], …]}, those
  // later than `since_ms`, oldest first.
  std::string Json(int64_t since_ms) const;

  // The bytes of a file, with a checksum.
  std::string Encode() const;
  // DATA_LOSS if it is damaged, or of other figures.
  static absl::StatusOr<History> Decode(absl::string_view bytes);

  size_t size() const { return coarse_.size() + fine_.size(); }

 private:
  void ThinOldest();

  // In order of time, all of coarse_ before all of fine_.
  std::deque<Sample> coarse_;
  std::deque<Sample> fine_;
};

// How long ago the oldest interaction came that something has not taken up yet.
// From sightings of the log's last sequence; of a gap between them the later
// end counts. Bounded. Thread-compatible.
class LagClock {
 public:
  static constexpr size_t kMost = 4096;

  // At `seconds` by a steady clock the last sequence was `last`.
  void See(double seconds, uint64_t last);
  // For what has taken up everything through `through`; 0: it has all.
  double Lag(double seconds, uint64_t through) const;

 private:
  struct Sighting {
    double seconds = 0;
    uint64_t last = 0;
  };
  std::deque<Sighting> sightings_;  // of growing `last`
};

}  // namespace taud::server

#endif  // TAUD_SERVER_API_HISTORY_H_
