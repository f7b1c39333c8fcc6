#include "trainer/sampling/negative_sampler.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "trainer/sampling/random_text.h"

namespace taud::trainer {

void NegativeSampler::SetItems(const std::vector<uint32_t>& items,
                               const std::vector<uint32_t>& popularity) {
  if (beta_ == 0 && items.size() >= items_.size()) {
    items_.insert(items_.end(), items.begin() + items_.size(), items.end());
    return;
  }
  items_ = items;
  if (beta_ == 0) return;
  drawn_.assign(items_.size(), false);
  cumulative_.clear();
  double sum = 0;
  for (const uint32_t item : items_) {
    sum += std::pow(static_cast<double>(popularity[item]), beta_);
    cumulative_.push_back(sum);
  }
}

void NegativeSampler::Remove(const absl::flat_hash_set<uint32_t>& items) {
  items_.erase(
      std::remove_if(items_.begin(), items_.end(),
                     [&](uint32_t item) { return items.contains(item); }),
      items_.end());
}

std::string NegativeSampler::RandomState() const {
  return RandomToText(random_);
}

bool NegativeSampler::Assign(std::vector<uint32_t> items,
                             const std::string& random) {
  if (!RandomFromText(random, &random_)) return false;
  items_ = std::move(items);
  return true;
}

void NegativeSampler::Draw(size_t count, std::vector<uint32_t>* negatives) {
  if (count >= items_.size()) {
    *negatives = items_;
  } else if (beta_ == 0) {
    DrawUniform(count, negatives);
  } else {
    DrawByPopularity(count, negatives);
  }
}

void NegativeSampler::DrawUniform(size_t count,
                                  std::vector<uint32_t>* negatives) {
  // The first steps of a shuffle: exact, and O(count).
  for (size_t i = 0; i < count; ++i) {
    std::swap(items_[i], items_[i + Uniform(items_.size() - i)]);
  }
  negatives->assign(items_.begin(),
                    items_.begin() + static_cast<std::ptrdiff_t>(count));
}

void NegativeSampler::DrawByPopularity(size_t count,
                                       std::vector<uint32_t>* negatives) {
  negatives->clear();
  std::vector<size_t> places;
  std::uniform_real_distribution<double> mass(0.0, cumulative_.back());
  // A few items may hold nearly all the mass: after so many attempts the rest
  // is left out rather than waited for.
  for (size_t attempt = 0; attempt < 8 * count && places.size() < count;
       ++attempt) {
    const auto found =
        std::upper_bound(cumulative_.begin(), cumulative_.end(), mass(random_));
    const size_t place = std::min<size_t>(
        static_cast<size_t>(found - cumulative_.begin()), items_.size() - 1);
    if (drawn_[place]) continue;
    drawn_[place] = true;
    places.push_back(place);
    negatives->push_back(items_[place]);
  }
  for (const size_t place : places) drawn_[place] = false;
}

uint32_t NegativeSampler::Uniform(size_t bound) {
  return static_cast<uint32_t>(
      (uint64_t{static_cast<uint32_t>(random_())} * uint64_t{bound}) >> 32);
}

void CountInBatch(const std::vector<uint32_t>& positives,
                  std::vector<uint32_t>* negatives,
                  std::vector<float>* counts) {
  *negatives = positives;
  std::sort(negatives->begin(), negatives->end());
  counts->clear();
  size_t distinct = 0;
  for (const uint32_t item : *negatives) {
    if (distinct == 0 || (*negatives)[distinct - 1] != item) {
      (*negatives)[distinct++] = item;
      counts->push_back(0);
    }
    ++counts->back();
  }
  negatives->resize(distinct);
}

}  // namespace taud::trainer
