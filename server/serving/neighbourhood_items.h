#ifndef TAUD_SERVER_SERVING_NEIGHBOURHOOD_ITEMS_H_
#define TAUD_SERVER_SERVING_NEIGHBOURHOOD_ITEMS_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "model/bitmap.h"
#include "model/state.h"
#include "query/neighbourhood.h"
#include "server/serving/ranking_rules.h"
#include "server/serving/serving_model.h"

// What the neighbourhood adds to a ranking by cosine (query/neighbourhood.h).
// Any thread.

namespace taud::server {

// What items gain: λ · ĝ · (D / D̄)^p, in no particular order.
using NeighbourGains = std::vector<query::NeighbourStrength>;

// The items that a request stands for, latest first: its context, then what the
// user liked last, before the sequence `before`; no item twice.
std::vector<model::ItemIndex> HistoryOf(
    const model::State& state, std::optional<model::UserIndex> user,
    absl::Span<const model::ItemIndex> context,
    model::Sequence before = model::kNoSequence);

// Empty if the model's neighbourhood says nothing.
NeighbourGains FindGains(const ServingModel& model,
                         absl::Span<const model::ItemIndex> history);

// Makes of the `depth` best items by cosine with `query`, *items, the `depth`
// best by the sum. An item that is not among them and gains nothing is taken to
// be behind all of them; those that gain are scored here, also where the index
// has missed them. So it is exact if *items are. Best first, ties by item.
// `eligible` and `forbidden` as in candidate_items.h.
void MergeGains(const ServingModel& model, const NeighbourGains& gains,
                const std::vector<float>& query, const model::Bitmap* eligible,
                absl::Span<const model::ItemIndex> forbidden, size_t depth,
                std::vector<RankedItem>* items);

// What of a history speaks for an item, strongest first, kMostReasons at most.
struct ItemReason {
  model::ItemIndex item = 0;
  float share = 0;  // of all of the history that speaks for it
};
inline constexpr size_t kMostReasons = 5;

// For each of `items`: an item of the history speaks by the cosine of both, if
// it is positive, and by its list of neighbours; each half of what is said, if
// both say something.
std::vector<std::vector<ItemReason>> FindReasons(
    const ServingModel& model, absl::Span<const model::ItemIndex> history,
    absl::Span<const RankedItem> items);

}  // namespace taud::server

#endif  // TAUD_SERVER_SERVING_NEIGHBOURHOOD_ITEMS_H_
