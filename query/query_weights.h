#ifndef TAUD_QUERY_QUERY_WEIGHTS_H_
#define TAUD_QUERY_QUERY_WEIGHTS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "model/snapshot.h"

// What a query is made of besides a user's row, and how much each part counts.
//
// A row is where all of a history puts a user. What it does next has more to do
// with what it did last: the taste of the moment, of its latest items,
//
//   s = Σ_k w_k (e_k − ½ ē),    w_k = 0.8^k,    k = 0 … 15, the newest first.
//
// Newest by the time at which it happened, not by when it came: what is filled
// in later does not count as new. Items of one second have no order: they share
// the mean of their w, so that a file without times has no latest items.
//
// And of a user with a short history the row says less than what everybody
// likes: the common taste
//
//   p ∝ the mean of the users' rows.
//
// The query is l + r·s + (κ/n)·p, with l the row and what came after it
// (query/fold_in.h) and n the length of the history: the strength κ of a prior
// is that of as many interactions. r and κ differ from stream to stream (the
// order of events may say much or nothing), so the trainer finds them
// (trainer/online/query_meter.h) and leaves them in the snapshot. ē is the mean
// of the items' rows: all rows of a catalogue have it in common, and a sum of
// many of them would point there first. The constants suit MovieLens in order
// of time; see docs/results.md.

namespace taud::query {

struct QueryWeights {
  float recent = 0;  // r
  float prior = 0;   // κ
};
inline constexpr float kMaxRecentWeight = 10;
inline constexpr float kMaxPrior = 1000;

// Snapshot::metrics; absent is 0.
inline constexpr char kRecentWeightMetric[] = "recent_weight";
inline constexpr char kPriorMetric[] = "prior_strength";

// The weights, between 0 and the greatest whatever the metrics are. Pure.
QueryWeights QueryWeightsOf(const model::Snapshot& snapshot);

// Items that s is made of, at most.
inline constexpr size_t kRecentItems = 16;
// The share of ē that is taken out of an item's row, in s and in folding-in.
inline constexpr float kMeanShare = 0.5f;

// An item of the latest and when it was chosen.
struct RecentItem {
  const float* row = nullptr;  // [dim]
  int64_t second = 0;          // Unix; of one request's own items: descending
};

// Replaces *taste by s [mean.size()]. `recent` is newest first, and `mean` is
// ē. Only the first kRecentItems take part. If there are more items of the
// oldest second among them, those behind the cut share the weight of that
// second: which of them came first within a second is not known. Pure.
void RecentTaste(absl::Span<const RecentItem> recent,
                 absl::Span<const float> mean, std::vector<float>* taste);

// The mean of the rows whose count is not 0, [cols]; zero if there are none.
// Pure.
std::vector<float> MeanRow(const model::Matrix& rows,
                           const std::vector<uint32_t>& counts);

}  // namespace taud::query

#endif  // TAUD_QUERY_QUERY_WEIGHTS_H_
