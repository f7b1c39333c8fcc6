#include "query/neighbourhood.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

namespace taud::query {
namespace {

// Stands for an item that the history has.
constexpr float kOwn = -1;

}  // namespace

Neighbourhood::Neighbourhood(const model::NeighbourLists* lists,
                             const std::vector<uint32_t>* popularity)
    : lists_(lists), popularity_(popularity), sums_(popularity->size(), 0.0f) {
  double sum = 0;
  size_t counted = 0;
  for (const uint32_t users : *popularity) {
    if (users == 0) continue;
    sum += users;
    ++counted;
  }
  if (counted > 0) mean_popularity_ = sum / static_cast<double>(counted);
}

void Neighbourhood::Gains(absl::Span<const model::ItemIndex> history,
                          const NeighbourWeights& weights,
                          std::vector<NeighbourGain>* gains) {
  gains->clear();
  if (weights.weight <= 0) return;
  for (const model::ItemIndex item : history) {
    if (item < sums_.size()) sums_[item] = kOwn;
  }
  for (const model::ItemIndex item :
       history.subspan(0, kMostNeighbourhoodItems)) {
    if (item >= popularity_->size() || (*popularity_)[item] == 0) continue;
    const float scale = 1 / std::sqrt(static_cast<float>((*popularity_)[item]));
    for (const model::Neighbour& neighbour : lists_->Of(item)) {
      if (neighbour.item >= sums_.size()) continue;
      float& sum = sums_[neighbour.item];
      if (sum < 0) continue;
      if (sum == 0) touched_.push_back(neighbour.item);
      sum += neighbour.weight * scale;
    }
  }
  for (const model::ItemIndex item : history) {
    if (item < sums_.size()) sums_[item] = 0;
  }
  greatest_.clear();
  for (const model::ItemIndex item : touched_) {
    greatest_.push_back(sums_[item]);
  }
  const size_t most = std::min(kNormalisers, greatest_.size());
  std::partial_sort(greatest_.begin(),
                    greatest_.begin() + static_cast<std::ptrdiff_t>(most),
                    greatest_.end(), std::greater<float>());
  double mean = 0;
  for (size_t k = 0; k < most; ++k) {
    mean += double{greatest_[k]} / static_cast<double>(most);
  }
  for (const model::ItemIndex item : touched_) {
    const float sum = std::exchange(sums_[item], 0.0f);
    const double popular =
        weights.power == 0 ? 1
                           : std::pow((*popularity_)[item] / mean_popularity_,
                                      double{weights.power});
    const auto gain =
        static_cast<float>(double{weights.weight} * sum / mean * popular);
    if (gain > 0) gains->push_back({item, gain});
  }
  touched_.clear();
  std::sort(gains->begin(), gains->end(),
            [](const NeighbourGain& a, const NeighbourGain& b) {
              return a.item < b.item;
            });
}

}  // namespace taud::query
