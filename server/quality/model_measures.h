#ifndef TAUD_SERVER_QUALITY_MODEL_MEASURES_H_
#define TAUD_SERVER_QUALITY_MODEL_MEASURES_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "model/snapshot.h"
#include "model/state.h"
#include "server/serving/serving_model.h"

namespace taud::server {

// What can be measured of a snapshot without anybody's asking: how its vectors
// are spread, what its lists are like, how well it knows what it has learnt.
// Pure; each looks at a sample of bounded size, the same one each time, so that
// two snapshots are measured by the same users, items and pairs.

// Length of the mean of rows, 0 to 1 (the mean resultant length of directional
// statistics, Mardia and Jupp 2000, 2.3): 1 if all are parallel. 0 without any.
struct Spread {
  size_t rows = 0;
  double length = 0;
};
// Of the rows that at least `least` pairs have made.
Spread SpreadOf(const model::Matrix& rows, const std::vector<uint32_t>& counts,
                uint32_t least);

// Row by row the smaller count: 0 where one of the two has no row.
std::vector<uint32_t> CountsInBoth(const std::vector<uint32_t>& a,
                                   const std::vector<uint32_t>& b);

// Mean cosine of a row with itself, over rows that are trained in both. 1
// without any.
double RowCosine(const model::Matrix& a, const std::vector<uint32_t>& a_counts,
                 const model::Matrix& b, const std::vector<uint32_t>& b_counts);

// Trained rows.
size_t CountTrained(const std::vector<uint32_t>& counts);
// Rows trained in `before` and not in `now`.
size_t CountLost(const std::vector<uint32_t>& before,
                 const std::vector<uint32_t>& now);

// Percentiles of τ_u of trained users.
struct TemperatureMeasures {
  double p10 = 0;
  double p50 = 0;
  double p90 = 0;
};
TemperatureMeasures MeasureTemperatures(const model::Snapshot& snapshot);

// At most `limit` rows whose count is not 0, spread over all.
std::vector<uint32_t> SampleTrained(const std::vector<uint32_t>& counts,
                                    size_t limit);

// The k best items of each user by its row, nothing left out; empty for a user
// without a row.
using Lists = std::vector<std::vector<model::ItemIndex>>;
absl::StatusOr<Lists> ListsOf(const ServingModel& model,
                              const std::vector<model::UserIndex>& users,
                              size_t k);
// The same by looking at every row, for a snapshot that has no index.
Lists ExactListsOf(const model::Snapshot& snapshot,
                   const std::vector<model::UserIndex>& users, size_t k);
// The k nearest items of each item, itself left out.
Lists ExactNeighboursOf(const model::Snapshot& snapshot,
                        const std::vector<model::ItemIndex>& items, size_t k);

// Mean share of the items of a list that are in the other's, too, over users
// with both. 1 without any.
double Overlap(const Lists& a, const Lists& b);

struct ListMeasures {
  size_t lists = 0;
  // Distinct items by all places.
  double distinct = 0;
  // Greatest share of lists that one item is in.
  double top_item_share = 0;
  model::ItemIndex top_item = 0;
};
ListMeasures MeasureLists(const Lists& lists);

// What snapshots are asked about: pairs that came lately, and items that stand
// beside each of them.
struct PairSample {
  std::vector<std::pair<model::UserIndex, model::ItemIndex>> pairs;
  std::vector<model::ItemIndex> others;  // distinct
};
// The latest positive pairs of the log that are still liked, at most `pairs`
// out of its last eighth (4,096 to 65,536 interactions), through `through`;
// half of the `others` as they are chosen, half of all items alike.
PairSample SamplePairs(const model::State& state, model::Sequence through,
                       size_t pairs, size_t others);

// Whether the item of a pair stands before all but a twentieth of the others.
enum class PairOutcome : uint8_t { kNoRow, kMiss, kHit };
std::vector<PairOutcome> AskPairs(const model::Snapshot& snapshot,
                                  const PairSample& sample);

}  // namespace taud::server

#endif  // TAUD_SERVER_QUALITY_MODEL_MEASURES_H_
