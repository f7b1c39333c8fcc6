#ifndef TAUD_SERVER_QUALITY_GATE_H_
#define TAUD_SERVER_QUALITY_GATE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "model/state.h"
#include "server/quality/model_measures.h"
#include "server/serving/serving_model.h"
#include "taud/v1/model_service.pb.h"

namespace taud::server {

// The gate: is a snapshot that could serve (server/quality/servable.h) good
// enough to? First it is measured, beside the one that serves, then it is
// judged. Judging is pure, and each bound has its reason in gate.cc.

// Fewer rows than this may well be alike, or change altogether.
inline constexpr size_t kFewRows = 100;
// Fewer lists are not compared; where there are many users so many are made.
inline constexpr size_t kMinLists = 32;

// What one snapshot is like.
struct GateMeasures {
  size_t users = 0;  // with a row
  size_t items = 0;
  size_t pairs = 0;  // that they were learnt from
  // Times that each of these pairs was learnt from, as far as rows remember.
  double passes = 0;
  // Of rows that a few pairs at least have made: one or two place a row where
  // they are, and whoever opens accounts could make as many as he likes. Beside
  // another snapshot only of rows that both have, for the same reason; if these
  // are few, of its own, and the other one's is empty.
  Spread user_spread;
  Spread item_spread;
  double tau0 = 0;
  TemperatureMeasures tau_user;
  // Share of the exact best ten that the index finds, of `audited` users.
  double index_recall = 1;
  size_t audited = 0;
  // Of the ten best; beside another snapshot those of users who are in both.
  ListMeasures lists;
};

// How one candidate and the serving snapshot answer the same pairs.
struct PairCounts {
  size_t both = 0;
  size_t only_candidate = 0;
  size_t only_serving = 0;
  size_t neither = 0;
  size_t all() const { return both + only_candidate + only_serving + neither; }
};

struct GateComparison {
  model::SnapshotVersion compared_with = 0;
  // Rows of the serving one that the candidate has not, though what they were
  // learnt from is still there, and of how many.
  size_t pairs_there = 0;  // positive ones by now, learnt or not
  size_t users_lost = 0;
  size_t items_lost = 0;
  double list_overlap = 1;
  double item_cosine = 1;
  // Pairs of the log's end: all, and those with a more and a less popular item.
  enum Slice { kAll, kHead, kTail, kSlices };
  std::array<PairCounts, kSlices> pairs;
};

// How much the hit rate moves from one good snapshot to the next: much with a
// small catalogue whose users change their minds, hardly with a large one. A
// control chart (Shewhart 1931): what is beyond its limits is no noise.
class HitHistory {
 public:
  // After each snapshot that passed and was compared.
  void Note(const GateComparison& comparison);
  // The least share of the hits that noise leaves: e^(−8σ), σ being the decayed
  // root mean square of ln(now / before) over some twenty snapshots.
  double LeastShare(size_t slice) const;

 private:
  // Before anything was seen, as good as five snapshots of σ = .07.
  std::array<double, GateComparison::kSlices> squares_{.0049, .0049, .0049};
  double seen_ = 5;
};

struct GateFacts {
  GateMeasures candidate;
  // Both absent if nothing serves that has learnt anything.
  std::optional<GateMeasures> serving;
  std::optional<GateComparison> comparison;
};

// Measures both; `serving` may be null. The cost is bounded: 1,024 pairs × 200
// items, and 32 to 128 lists a model, the fewer the more items there are. The
// error is the index's.
absl::StatusOr<GateFacts> MeasureForGate(const ServingModel& candidate,
                                         const ServingModel* serving,
                                         const model::State& state);

// The verdict, with every check, its figure and its bounds. Not filled in:
// decided_ms, forced, seconds.
v1::Verdict Judge(const GateFacts& facts,
                  const HitHistory& history = HitHistory());

// The checks that failed, in one line; empty if it passed.
std::string Failures(const v1::Verdict& verdict);

}  // namespace taud::server

#endif  // TAUD_SERVER_QUALITY_GATE_H_
