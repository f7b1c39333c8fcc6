#ifndef TAUD_QUERY_FOLD_IN_H_
#define TAUD_QUERY_FOLD_IN_H_

#include <vector>

#include "absl/types/span.h"
#include "model/interactions.h"
#include "model/snapshot.h"
#include "query/query_weights.h"

namespace taud::query {

// Newest interactions of a user that a query is made of.
inline constexpr size_t kMaxFoldIn = 64;

// What a snapshot has of a user.
struct TrainedUser {
  const float* row = nullptr;  // [dim], the snapshot's; null if there is none
  uint32_t degree = 0;
  // What came after it is not in the row, or does not show in it yet. Of a user
  // without one, nothing was learnt: the whole history is new.
  model::Sequence through = 0;
  // `degree` counts what came through here: the snapshot's trained_through.
  model::Sequence counted_through = 0;
};
TrainedUser FindTrained(const model::Snapshot& snapshot, model::UserIndex user);

// What a query is made of.
struct FoldInInput {
  TrainedUser trained;
  // The user's interactions, by time, the latest first, no more than
  // twice kMaxFoldIn: those after trained.through, dislikes whenever they came, and
  // the latest kRecentItems too if weights().recent is not 0.
  absl::Span<const model::HistoryEntry> history;
  // The request's own items, newest first; they count like likes that just
  // happened.
  absl::Span<const model::ItemIndex> context;
};

// Makes the query vectors of users between two snapshots, in two steps.
//
// First, the trained row u and the vectors e_i of the items that came after it,
// and of those that are disliked, are added up, each with the evidence behind
// it:
//
//   l ∝ n·u + Σ_i w_i·(e_i − ½ ē),    n = min(d, 20), w_i = min(weight, 5)
//
// d is the degree less the likes that it counts and that are folded in here,
// for they do not show in the row yet; but half of it at least, for a row on
// its way has something of them. ē is the mean of the items' vectors. A dislike
// counts −1, before and after the row has taken up what came with it, for rows
// are learnt from likes alone; it counts −2 as long as it takes back a like
// that is in the row, for then the like goes and the dislike stands. All
// dislikes together count no more than all likes. For
// example, the row of a user with 30 interactions counts 20, and one like after
// it counts 1.
//
// Why this sum: when a fit has ended, u points to where the mean of its
// positives less the mean of its negatives points. A new positive enters that
// mean with a weight of 1/(n + Σw). So the sum is one damped step of what
// learning would do. The cap on n lets new interactions of a user with a long
// history count at once.
//
// Second, l gets unit norm, and the taste of the moment and the common taste
// are added (query/query_weights.h). The common taste is left out if the
// query is the context alone, for that asks for items like the context's.
//
// A user who has nothing but dislikes has no query: where not to go says little
// about where to go. Items without a vector take no part.
//
// Immutable; any thread. `snapshot` outlives it.
class FoldIn {
 public:
  // O(rows × dim), for the means.
  explicit FoldIn(const model::Snapshot* snapshot);

  // Of the snapshot. If `recent` is 0, a query needs only what came after the
  // row, and dislikes, not the latest items.
  const QueryWeights& weights() const { return weights_; }
  // p: the mean of the users' rows at unit norm [dim]; zero if they cancel out.
  const std::vector<float>& common_taste() const { return common_taste_; }

  // Writes q, of unit norm, to *query [dim]. Returns whether it did; false if
  // there is nothing to make it of (or it cancels out), then *query is
  // unspecified.
  bool Query(const FoldInInput& input, std::vector<float>* query) const;

 private:
  // The row of the item, null without one.
  const float* RowOf(model::ItemIndex item) const;
  // Whether the item has a row.
  bool AddItem(model::ItemIndex item, float weight,
               std::vector<float>* sum) const;
  void AddRecent(const FoldInInput& input, std::vector<float>* query) const;

  const model::Snapshot* const snapshot_;
  const QueryWeights weights_;
  const std::vector<float> item_mean_;  // ē
  std::vector<float> common_taste_;     // p; zero if users cancel out
};

}  // namespace taud::query

#endif  // TAUD_QUERY_FOLD_IN_H_
