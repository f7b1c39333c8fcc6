#ifndef TAUD_SERVER_QUALITY_EVENT_RANKING_H_
#define TAUD_SERVER_QUALITY_EVENT_RANKING_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "model/interactions.h"
#include "model/state.h"
#include "server/quality/evaluation.h"
#include "server/serving/serving_model.h"

namespace taud::server {

// At which rank models would have put what users then took: each event is
// asked about as if it, and all behind it, were not there yet. Plain functions
// of models and the log in memory; any thread.

// The popularity of an item at which each tenth of all interactions ends, the
// most popular first.
using TenthBounds = std::array<uint32_t, Evaluation::kTenths - 1>;
TenthBounds TenthBoundsOf(const ServingModel& model);

// Those that the model has not learnt yet and whose users' histories of before
// are known.
std::vector<model::Interaction> OpenEvents(
    const ServingModel& model, const model::State& state,
    const std::vector<model::Interaction>& events);

// One for each event: the rank by `current`, by what is popular in it, and, if
// it is not null, by `reference`. `bounds` are those of `current`. Errors are
// Recommend's.
absl::StatusOr<std::vector<EvaluatedEvent>> RankEvents(
    const ServingModel& current, const ServingModel* reference,
    const model::State& state, const TenthBounds& bounds,
    const std::vector<model::Interaction>& events);

}  // namespace taud::server

#endif  // TAUD_SERVER_QUALITY_EVENT_RANKING_H_
