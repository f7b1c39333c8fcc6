#ifndef TAUD_LAB_PREQUENTIAL_H_
#define TAUD_LAB_PREQUENTIAL_H_

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "query/neighbourhood.h"
#include "query/query_weights.h"

// Test-then-train over a stream: each interaction is first predicted, by the
// model as it was before, then learnt.

namespace taud::lab {

// A positive of a dense user and item, in order of time. Repeats of a pair
// are neither tested nor learnt.
struct StreamPair {
  uint32_t user = 0, item = 0;
  bool tested = true;  // false: learnt only (spam, whose ranks mean nothing)
};

struct PrequentialOptions {
  int dim = 64;
  int threads = 1;
  int neighbours = 128;  // of an item, at most; 0: none
  uint64_t seed = 1;
  size_t k = 20;        // length of the lists
  size_t windows = 50;  // the stream is reported in so many equal parts
  // The online model learns after so many interactions, and from so many
  // positives for each that arrived (new and replayed).
  size_t chunk = 100;
  double replay = 30;
  // The nightly model is fitted anew at the end of every so many-th part of
  // the stream; 0: never. Epochs of such a fit.
  size_t nights = 50;
  int night_epochs = 20;
  // Interactions that the recency ranking counts.
  size_t recent = 2000;
};

enum Ranker { kOnline, kPopularity, kRecency, kNightly, kRankers };
const char* RankerName(int ranker);

struct PrequentialWindow {
  size_t end = 0;                  // interactions of the stream up to here
  size_t tested = 0;               // of this window
  double hit_rate[kRankers] = {};  // the item was among the k
  double ndcg[kRankers] = {};      // 1 / log2(rank + 1), or 0
};

// A user's items before the interaction that is predicted: at least so many,
// and fewer than the next number.
inline constexpr std::array<size_t, 5> kHistoryLengths = {0, 1, 3, 10, 30};

struct PrequentialResult {
  std::vector<PrequentialWindow> windows;
  PrequentialWindow total;
  // The total by length of the user's history; `end` is 0.
  std::array<PrequentialWindow, kHistoryLengths.size()> by_history;
  double online_seconds = 0, nightly_seconds = 0;  // of learning
  // At the end, as the online fit found them.
  query::QueryWeights weights;
  query::NeighbourWeights neighbours;
};

// `share` of the stream is done; false stops.
using PrequentialObserver =
    std::function<bool(double share, const PrequentialWindow* ended)>;

// Runs the online trainer's own fit, step by step in this thread, so that the
// result depends on the stream and the seed alone. Rankings leave out what the
// user has had. Both models answer as the daemon does between two snapshots:
// with what the user did since, and vectors for new items; a user of whom
// nothing is known is answered with the most popular items. The weights of
// query/query_weights.h are a part of the online fit: the nightly model has
// none.
//
// INVALID_ARGUMENT for an empty stream or options out of range; CANCELLED if
// the observer stops it; what the fits return.
absl::StatusOr<PrequentialResult> RunPrequential(
    const std::vector<StreamPair>& stream, const PrequentialOptions& options,
    const PrequentialObserver& observer);

// Windows after `drift` (an index of the stream) until the hit rate of the
// ranker is back at `share` of its mean over the `before` windows before it;
// −1 if it never is.
int RecoveryWindows(const PrequentialResult& result, size_t drift, int ranker,
                    size_t before, double share);

}  // namespace taud::lab

#endif  // TAUD_LAB_PREQUENTIAL_H_
