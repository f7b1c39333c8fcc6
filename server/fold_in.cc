#include "server/fold_in.h"

#include <algorithm>
#include <cmath>

namespace taud::server {
namespace {

constexpr uint32_t kMaxPriorStrength = 20;
constexpr float kMaxWeight = 5.0f;
// Below it the direction is rounding noise.
constexpr float kMinNorm = 1e-6f;

void AddItem(const model::Snapshot& snapshot, model::ItemIndex item,
             float weight, std::vector<float>* sum) {
  if (item >= snapshot.items.rows || snapshot.item_popularity[item] == 0) {
    return;
  }
  const float* row = snapshot.items.Row(item);
  for (size_t c = 0; c < sum->size(); ++c) (*sum)[c] += weight * row[c];
}

bool Normalise(std::vector<float>* vector) {
  double sum = 0;
  for (const float x : *vector) sum += double{x} * x;
  const auto norm = static_cast<float>(std::sqrt(sum));
  if (!(norm > kMinNorm)) return false;
  for (float& x : *vector) x /= norm;
  return true;
}

}  // namespace

bool FoldIn(const model::Snapshot& snapshot, const FoldInInput& input,
            std::vector<float>* query) {
  query->assign(snapshot.dim(), 0.0f);
  if (input.trained != nullptr) {
    const auto strength =
        static_cast<float>(std::min(input.degree, kMaxPriorStrength));
    for (size_t c = 0; c < query->size(); ++c) {
      (*query)[c] = strength * input.trained[c];
    }
  }
  for (const model::HistoryEntry& entry : input.newer) {
    if (!model::IsPositive(entry.kind)) continue;
    AddItem(snapshot, entry.item, std::min(entry.weight, kMaxWeight), query);
  }
  for (const model::ItemIndex item : input.context) {
    AddItem(snapshot, item, 1.0f, query);
  }
  return Normalise(query);
}

}  // namespace taud::server
