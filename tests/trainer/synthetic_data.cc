#include "tests/trainer/synthetic_data.h"

#include <algorithm>
#include <random>
#include <utility>

#include "tests/trainer/evaluate_ranking.h"

namespace taud::trainer {

ClusteredData MakeClusters(uint32_t users, uint32_t items, uint32_t clusters,
                           uint32_t degree, uint32_t seed) {
  std::mt19937 random(seed);
  ClusteredData data;
  data.items = items;
  data.train.resize(users);
  data.test.resize(users);
  for (uint32_t u = 0; u < users; ++u) {
    std::vector<uint32_t> own;
    for (uint32_t i = u % clusters; i < items; i += clusters) own.push_back(i);
    std::shuffle(own.begin(), own.end(), random);
    const size_t known = std::min<size_t>(degree, own.size() - 1);
    data.train[u].assign(own.begin(), own.begin() + known);
    data.test[u].assign(own.begin() + known,
                        own.begin() + std::min(own.size(), known + 3));
  }
  return data;
}

void AppendAll(const model::ItemLists& lists, uint32_t seed,
               model::Interactions* interactions, model::InteractionKind kind) {
  std::vector<std::pair<uint32_t, uint32_t>> pairs;
  for (uint32_t u = 0; u < lists.size(); ++u) {
    for (const uint32_t i : lists[u]) pairs.emplace_back(u, i);
  }
  std::mt19937 random(seed);
  std::shuffle(pairs.begin(), pairs.end(), random);
  for (const auto& [user, item] : pairs) {
    AppendOne(user, item, interactions, kind);
  }
}

void AppendOne(uint32_t user, uint32_t item, model::Interactions* interactions,
               model::InteractionKind kind, float weight) {
  model::Interaction interaction;
  interaction.sequence = interactions->last_sequence() + 1;
  interaction.user = user;
  interaction.item = item;
  interaction.kind = kind;
  interaction.weight = weight;
  interactions->Append(interaction);
}

double Recall(const model::Snapshot& snapshot, const ClusteredData& data,
              size_t k) {
  return EvaluateRanking(snapshot.users, snapshot.items, data.train, data.test,
                         k, 1)
      .recall;
}

double PopularityRecall(const ClusteredData& data, size_t k) {
  model::Matrix users(data.train.size(), 1);
  model::Matrix items(data.items, 1);
  std::fill(users.values.begin(), users.values.end(), 1.0f);
  for (const std::vector<uint32_t>& list : data.train) {
    for (const uint32_t item : list) items.Row(item)[0] += 1.0f;
  }
  return EvaluateRanking(users, items, data.train, data.test, k, 1).recall;
}

double Cosine(const model::Snapshot& snapshot, uint32_t user, uint32_t item) {
  double sum = 0;
  for (size_t c = 0; c < snapshot.dim(); ++c) {
    sum += double{snapshot.users.Row(user)[c]} * snapshot.items.Row(item)[c];
  }
  return sum;
}

}  // namespace taud::trainer
