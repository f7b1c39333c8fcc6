#ifndef TAUD_SERVER_FOLD_IN_H_
#define TAUD_SERVER_FOLD_IN_H_

#include <vector>

#include "absl/types/span.h"
#include "model/interactions.h"
#include "model/snapshot.h"

namespace taud::server {

// Newest interactions that are folded into a query.
inline constexpr size_t kMaxFoldIn = 64;

// What is known of a query beyond the snapshot's row for the user.
struct FoldInInput {
  // The user's trained row [dim] and degree; null and 0 if there is none.
  const float* trained = nullptr;
  uint32_t degree = 0;
  // Interactions the snapshot has not learnt, newest first.
  absl::Span<const model::HistoryEntry> newer;
  // The request's own items; they count like likes that just happened.
  absl::Span<const model::ItemIndex> context;
};

// The query vector of a user between two snapshots: the trained row and the
// item vectors of what came after it, each side weighted by the evidence
// behind it,
//
//   q ∝ n·u + Σ_i w_i·e_i,    n = min(degree, 20), w_i = min(weight_i, 5)
//
// This is one damped step of the loss's own positive pull: at an optimum u is
// parallel to the mean of its positives less the mean of its negatives, and
// new positives enter that mean with weight 1/(n + Σw). The cap on n lets new
// interactions of a long-standing user count at once. Dislikes, and items
// without a vector, do not enter.
//
// Writes q, of unit norm, to *query [dim]. Returns whether it did; false if
// there is nothing to make it of (or it cancels out), then *query is
// unspecified. Pure.
bool FoldIn(const model::Snapshot& snapshot, const FoldInInput& input,
            std::vector<float>* query);

}  // namespace taud::server

#endif  // TAUD_SERVER_FOLD_IN_H_
