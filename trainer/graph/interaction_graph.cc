#include "trainer/graph/interaction_graph.h"

#include <cmath>
#include <utility>

namespace taud::trainer {
namespace {

std::vector<uint32_t> Popularity(const model::ItemLists& train,
                                 uint32_t num_items) {
  std::vector<uint32_t> popularity(num_items, 0);
  for (const auto& items : train) {
    for (const uint32_t item : items) ++popularity[item];
  }
  return popularity;
}

float Factor(uint32_t receiver, double alpha0, uint32_t sender, double alpha1) {
  return static_cast<float>(std::pow(receiver, -alpha0) *
                            std::pow(sender, -alpha1));
}

}  // namespace

std::vector<SparseEntry> SymmetricGraph(const model::ItemLists& train,
                                        uint32_t num_items, double keep,
                                        std::mt19937_64* random) {
  const model::ItemLists* edges = &train;
  model::ItemLists kept;
  if (keep < 1.0) {
    std::bernoulli_distribution is_kept(keep);
    kept.resize(train.size());
    for (size_t user = 0; user < train.size(); ++user) {
      for (const uint32_t item : train[user]) {
        if (is_kept(*random)) kept[user].push_back(item);
      }
    }
    edges = &kept;
  }
  const std::vector<uint32_t> popularity = Popularity(*edges, num_items);
  const uint32_t users = static_cast<uint32_t>(train.size());
  std::vector<SparseEntry> entries;
  for (uint32_t user = 0; user < users; ++user) {
    const uint32_t degree = static_cast<uint32_t>((*edges)[user].size());
    for (const uint32_t item : (*edges)[user]) {
      const float value = Factor(degree, 0.5, popularity[item], 0.5);
      entries.push_back({user, users + item, value});
      entries.push_back({users + item, user, value});
    }
  }
  return entries;
}

std::vector<SparseEntry> UserHistories(const model::ItemLists& train,
                                       uint32_t num_items, double alpha0,
                                       double alpha1) {
  const std::vector<uint32_t> popularity = Popularity(train, num_items);
  std::vector<SparseEntry> entries;
  for (uint32_t user = 0; user < train.size(); ++user) {
    const uint32_t degree = static_cast<uint32_t>(train[user].size());
    for (const uint32_t item : train[user]) {
      entries.push_back(
          {user, item, Factor(degree, alpha0, popularity[item], alpha1)});
    }
  }
  return entries;
}

std::vector<SparseEntry> ItemHistories(const model::ItemLists& train,
                                       uint32_t num_items, double alpha0,
                                       double alpha1) {
  // The same edges, seen from the other side.
  std::vector<SparseEntry> entries =
      UserHistories(train, num_items, alpha1, alpha0);
  for (SparseEntry& entry : entries) std::swap(entry.row, entry.column);
  return entries;
}

}  // namespace taud::trainer
