#include "trainer/neighbours/neighbour_search.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "trainer/kernels/worker_pool.h"

namespace taud::trainer {

model::NeighbourList NeighbourSearch::Find(const PositiveGraph& graph,
                                           uint32_t item, size_t most,
                                           size_t* cost) {
  if (sums_.size() < graph.num_items()) sums_.resize(graph.num_items(), 0.0f);
  const std::vector<uint32_t>& users = graph.users_of(item);
  if (cost != nullptr) *cost = 0;
  const size_t step =
      std::max<size_t>(1, (users.size() + kMostUsers - 1) / kMostUsers);
  for (size_t u = 0; u < users.size(); u += step) {
    const std::vector<uint32_t>& items = graph.items_of(users[u]);
    const float share =
        static_cast<float>(step) / static_cast<float>(items.size());
    const size_t first = items.size() - std::min(items.size(), kMostItems);
    if (cost != nullptr) *cost += items.size() - first;
    for (size_t k = first; k < items.size(); ++k) {
      if (sums_[items[k]] == 0) touched_.push_back(items[k]);
      sums_[items[k]] += share;
    }
  }
  const auto degree = static_cast<float>(users.size());
  model::NeighbourList list;
  list.reserve(touched_.size());
  for (const uint32_t other : touched_) {
    const float sum = std::exchange(sums_[other], 0.0f);
    if (other == item) continue;
    const auto popularity = static_cast<float>(graph.users_of(other).size());
    list.push_back({other, sum / std::sqrt(degree * popularity)});
  }
  touched_.clear();
  const auto stronger = [](const model::Neighbour& a,
                           const model::Neighbour& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.item < b.item;
  };
  const size_t kept = std::min(most, list.size());
  const auto end = list.begin() + static_cast<std::ptrdiff_t>(kept);
  std::nth_element(list.begin(), end, list.end(), stronger);
  std::sort(list.begin(), end, stronger);
  list.resize(kept);
  list.shrink_to_fit();
  return list;
}

model::NeighbourLists FindAllNeighbours(const PositiveGraph& graph, size_t most,
                                        int threads) {
  model::NeighbourLists lists;
  lists.Grow(graph.num_items());
  WorkerPool pool(threads);
  pool.Run([&](int worker) {
    NeighbourSearch search;
    const auto stride = static_cast<uint32_t>(pool.workers());
    for (auto item = static_cast<uint32_t>(worker); item < graph.num_items();
         item += stride) {
      lists.Set(item, search.Find(graph, item, most));
    }
  });
  return lists;
}

}  // namespace taud::trainer
