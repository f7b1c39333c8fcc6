#ifndef TAUD_SERVER_SERVING_NEIGHBOURHOOD_ITEMS_H_
#define TAUD_SERVER_SERVING_NEIGHBOURHOOD_ITEMS_H_

#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "model/state.h"
#include "model/types.h"
#include "query/neighbourhood.h"
#include "server/serving/serving_model.h"

// What the neighbourhood adds to items (query/neighbourhood.h). Any thread.

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

}  // namespace taud::server

#endif  // TAUD_SERVER_SERVING_NEIGHBOURHOOD_ITEMS_H_
