#include "server/serving/neighbourhood_items.h"

#include "absl/container/flat_hash_set.h"

namespace taud::server {

using model::ItemIndex;

std::vector<ItemIndex> HistoryOf(const model::State& state,
                                 std::optional<model::UserIndex> user,
                                 absl::Span<const ItemIndex> context,
                                 model::Sequence before) {
  std::vector<ItemIndex> items;
  absl::flat_hash_set<ItemIndex> listed;
  for (const ItemIndex item : context) {
    if (listed.insert(item).second) items.push_back(item);
  }
  if (!user.has_value()) return items;
  std::vector<ItemIndex> liked;
  state.interactions.CopyLiked(*user, query::kMostNeighbourhoodItems, &liked,
                               before);
  for (const ItemIndex item : liked) {
    if (listed.insert(item).second) items.push_back(item);
  }
  return items;
}

NeighbourGains FindGains(const ServingModel& model,
                         absl::Span<const ItemIndex> history) {
  NeighbourGains gains;
  if (model.neighbour_factors.empty() || history.empty()) return gains;
  thread_local query::NeighbourScratch scratch;
  const model::Snapshot& snapshot = *model.snapshot;
  query::FindStrengths(snapshot.neighbours, snapshot.item_popularity, history,
                       &scratch, &gains);
  for (query::NeighbourStrength& gain : gains) {
    gain.strength *= model.neighbour_factors[gain.item];
  }
  return gains;
}

}  // namespace taud::server
