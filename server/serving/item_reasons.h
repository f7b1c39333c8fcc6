#ifndef TAUD_SERVER_SERVING_ITEM_REASONS_H_
#define TAUD_SERVER_SERVING_ITEM_REASONS_H_

#include <cstddef>
#include <vector>

#include "absl/types/span.h"
#include "model/types.h"
#include "server/serving/ranking_rules.h"
#include "server/serving/serving_model.h"

// Why an answer has its items. Any thread.

namespace taud::server {

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

#endif  // TAUD_SERVER_SERVING_ITEM_REASONS_H_
