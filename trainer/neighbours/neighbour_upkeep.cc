#include "trainer/neighbours/neighbour_upkeep.h"

#include <algorithm>
#include <utility>

#include "model/snapshot.h"

namespace taud::trainer {
namespace {

// Of a user's items, those whose lists a new pair makes stale.
constexpr size_t kTouched = 16;
// A list is found again when one in so many of its item's users is new.
constexpr size_t kChangedOneIn = 64;

}  // namespace

void NeighbourUpkeep::Add(uint32_t user, uint32_t item) {
  if (most_ == 0) return;
  graph_.Add(user, item);
  const std::vector<uint32_t>& items = graph_.items_of(user);
  for (size_t k = items.size() - std::min(items.size(), kTouched);
       k < items.size(); ++k) {
    Touch(items[k]);
  }
}

void NeighbourUpkeep::AddKnown(uint32_t user, uint32_t item) {
  if (most_ == 0) return;
  graph_.Add(user, item);
  if (lists_.Of(item).empty()) Enqueue(item);
}

void NeighbourUpkeep::Remove(uint32_t user, uint32_t item) {
  if (most_ == 0) return;
  graph_.Remove(user, item);
  Touch(item);
  for (const uint32_t other : graph_.items_of(user)) Touch(other);
}

void NeighbourUpkeep::Forget(const absl::flat_hash_set<uint32_t>& users,
                             const absl::flat_hash_set<uint32_t>& items,
                             const PositivePairs& pairs) {
  if (most_ == 0) return;
  for (const uint32_t user : users) {
    model::ForgetTogether(graph_.items_of(user), &lists_);
    for (const uint32_t item : graph_.items_of(user)) Enqueue(item);
  }
  model::ForgetNeighbours({items.begin(), items.end()}, &lists_);
  BuildGraph(pairs);
}

void NeighbourUpkeep::Refresh(size_t additions) {
  size_t done = 0;
  while (!queue_.empty() && done < additions) {
    const uint32_t item = queue_.front();
    queue_.pop_front();
    queued_[item] = 0;
    changes_[item] = 0;
    lists_.Grow(size_t{item} + 1);
    size_t cost = 0;
    lists_.Set(item, search_.Find(graph_, item, most_, &cost));
    done += cost + 1;
  }
}

void NeighbourUpkeep::Begin(const PositivePairs& pairs,
                            model::NeighbourLists lists,
                            const std::vector<uint32_t>& stale) {
  if (most_ == 0) return;
  lists_ = std::move(lists);
  BuildGraph(pairs);
  for (const uint32_t item : stale) Enqueue(item);
  for (uint32_t item = 0; item < graph_.num_items(); ++item) {
    if (!graph_.users_of(item).empty() && lists_.Of(item).empty()) {
      Enqueue(item);
    }
  }
}

void NeighbourUpkeep::BuildGraph(const PositivePairs& pairs) {
  graph_ = PositiveGraph();
  for (uint32_t pair = 0; pair < pairs.size(); ++pair) {
    if (!pairs.IsRemoved(pair)) graph_.Add(pairs.user(pair), pairs.item(pair));
  }
}

void NeighbourUpkeep::Touch(uint32_t item) {
  // It will be found anew anyway. In a load that is most of them.
  if (item < queued_.size() && queued_[item] != 0) return;
  if (item >= changes_.size()) changes_.resize(size_t{item} + 1, 0);
  ++changes_[item];
  if (changes_[item] > graph_.users_of(item).size() / kChangedOneIn) {
    Enqueue(item);
  }
}

void NeighbourUpkeep::Enqueue(uint32_t item) {
  if (item >= changes_.size()) changes_.resize(size_t{item} + 1, 0);
  if (item >= queued_.size()) queued_.resize(size_t{item} + 1, 0);
  if (queued_[item] != 0) return;
  queued_[item] = 1;
  queue_.push_back(item);
}

}  // namespace taud::trainer
