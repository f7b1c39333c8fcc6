#include "lab/noise.h"

#include <algorithm>
#include <random>

namespace taud::lab {
namespace {

bool Contains(const std::vector<uint32_t>& list, uint32_t item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

void AddToUser(double ratio, size_t user, std::mt19937_64* random,
               Dataset* dataset) {
  std::vector<uint32_t>& train = dataset->train[user];
  const std::vector<uint32_t>& test = dataset->test[user];
  const size_t free =
      dataset->items -
      std::min<size_t>(dataset->items, train.size() + test.size());
  const double wanted = ratio * static_cast<double>(train.size());
  // The fraction left is a chance of one more, so that users of few items get
  // their share too.
  size_t more = static_cast<size_t>(wanted);
  if (std::bernoulli_distribution(wanted -
                                  static_cast<double>(more))(*random)) {
    ++more;
  }
  more = std::min(more, free);
  std::uniform_int_distribution<uint32_t> any(0, dataset->items - 1);
  while (more > 0) {
    const uint32_t item = any(*random);
    if (Contains(train, item) || Contains(test, item)) continue;
    train.push_back(item);
    --more;
  }
  std::sort(train.begin(), train.end());
}

}  // namespace

void AddNoise(double ratio, uint64_t seed, Dataset* dataset) {
  AddNoiseByGroup({ratio}, seed, dataset);
}

std::vector<uint8_t> AddNoiseByGroup(const std::vector<double>& ratios,
                                     uint64_t seed, Dataset* dataset) {
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<int> any_group(
      0, static_cast<int>(ratios.size()) - 1);
  std::vector<uint8_t> groups(dataset->train.size());
  for (size_t user = 0; user < groups.size(); ++user) {
    groups[user] = static_cast<uint8_t>(any_group(random));
    AddToUser(ratios[groups[user]], user, &random, dataset);
  }
  return groups;
}

}  // namespace taud::lab
