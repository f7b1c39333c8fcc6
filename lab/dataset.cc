#include "lab/dataset.h"

#include <algorithm>
#include <fstream>
#include <random>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace taud::lab {
namespace {

uint64_t CountPairs(const ItemLists& lists) {
  uint64_t pairs = 0;
  for (const auto& list : lists) pairs += list.size();
  return pairs;
}

// One line into numbers; false with *bad set if one is not an id.
bool ParseLine(const std::string& line, std::vector<uint32_t>* numbers,
               std::string* bad) {
  numbers->clear();
  for (const absl::string_view word :
       absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty())) {
    uint32_t number = 0;
    if (!absl::SimpleAtoi(word, &number) || number > kMaxId) {
      *bad = std::string(word.substr(0, 40));
      return false;
    }
    numbers->push_back(number);
  }
  return true;
}

absl::StatusOr<ItemLists> ReadLists(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  ItemLists lists;
  std::string line;
  std::string bad;
  std::vector<uint32_t> numbers;
  for (uint64_t row = 1; std::getline(file, line); ++row) {
    if (!ParseLine(line, &numbers, &bad)) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", row, ": '", bad, "' is not a number from 0 ",
                       "to ", kMaxId, "; expected `user item item …`"));
    }
    if (numbers.empty()) continue;
    const uint32_t user = numbers[0];
    if (user >= lists.size()) lists.resize(size_t{user} + 1);
    lists[user].insert(lists[user].end(), numbers.begin() + 1, numbers.end());
  }
  if (file.bad()) return absl::DataLossError(absl::StrCat("reading ", path));
  for (std::vector<uint32_t>& list : lists) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
  }
  if (CountPairs(lists) == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": no line has a user and items; expected `user item item …`"));
  }
  return lists;
}

}  // namespace

uint64_t Dataset::train_pairs() const { return CountPairs(train); }
uint64_t Dataset::test_pairs() const { return CountPairs(test); }

absl::StatusOr<Dataset> ReadDataset(const std::string& directory) {
  auto train = ReadLists(absl::StrCat(directory, "/train.txt"));
  if (!train.ok()) return train.status();
  auto test = ReadLists(absl::StrCat(directory, "/test.txt"));
  if (!test.ok()) return test.status();
  Dataset dataset;
  dataset.train = *std::move(train);
  dataset.test = *std::move(test);
  const size_t users = std::max(dataset.train.size(), dataset.test.size());
  dataset.train.resize(users);
  dataset.test.resize(users);
  for (const ItemLists* lists : {&dataset.train, &dataset.test}) {
    for (const auto& list : *lists) {
      if (!list.empty()) dataset.items = std::max(dataset.items, list.back());
    }
  }
  ++dataset.items;
  return dataset;
}

Split CutValidation(const ItemLists& train, double share, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<uint32_t> popularity;
  for (const auto& list : train) {
    for (const uint32_t item : list) {
      if (item >= popularity.size()) popularity.resize(size_t{item} + 1, 0);
      ++popularity[item];
    }
  }
  Split split;
  split.fit.resize(train.size());
  split.validation.resize(train.size());
  // 53 bits of each number drawn, as a fraction.
  const auto chance = [&] {
    return static_cast<double>(random() >> 11) * 0x1p-53;
  };
  for (size_t user = 0; user < train.size(); ++user) {
    std::vector<uint32_t> order = train[user];
    // Not std::shuffle, whose result is each library's own.
    for (size_t i = order.size(); i > 1; --i) {
      std::swap(order[i - 1], order[random() % i]);
    }
    // Whole items only: the fraction left is a chance of one more.
    const double wanted = share * static_cast<double>(order.size());
    size_t cut = static_cast<size_t>(wanted);
    if (chance() < wanted - static_cast<double>(cut)) ++cut;
    size_t left = order.size();
    for (const uint32_t item : order) {
      if (split.validation[user].size() < cut && left > 1 &&
          popularity[item] > 1) {
        split.validation[user].push_back(item);
        --left;
        --popularity[item];
      } else {
        split.fit[user].push_back(item);
      }
    }
    std::sort(split.fit[user].begin(), split.fit[user].end());
    std::sort(split.validation[user].begin(), split.validation[user].end());
  }
  return split;
}

}  // namespace taud::lab
