#include "lab/dataset.h"

#include <algorithm>
#include <fstream>
#include <random>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace taud::lab {
namespace {

constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";

uint64_t CountPairs(const model::ItemLists& lists) {
  uint64_t pairs = 0;
  for (const auto& list : lists) pairs += list.size();
  return pairs;
}

// A file as it is written: pairs of numbers.
struct RawPair {
  uint64_t user, item;
};

// Adds the pairs of one line; false with *bad set if a word is not an id.
bool ParseLine(const std::string& line, std::vector<RawPair>* pairs,
               std::string* bad) {
  bool first = true;
  uint64_t user = 0;
  for (const absl::string_view word :
       absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty())) {
    uint64_t number = 0;
    if (!absl::SimpleAtoi(word, &number) || number > kMaxId) {
      *bad = std::string(word.substr(0, 40));
      return false;
    }
    if (first) {
      user = number;
      first = false;
    } else {
      pairs->push_back({user, number});
    }
  }
  return true;
}

absl::StatusOr<std::vector<RawPair>> ReadPairs(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  std::vector<RawPair> pairs;
  std::string line;
  std::string bad;
  for (uint64_t row = 1; std::getline(file, line); ++row) {
    if (row == 1 && absl::StartsWith(line, kByteOrderMark)) line.erase(0, 3);
    if (!ParseLine(line, &pairs, &bad)) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", row, ": '", bad, "' is not a number from 0 ",
                       "to ", kMaxId, "; expected `user item item …`"));
    }
  }
  if (file.bad()) return absl::DataLossError(absl::StrCat("reading ", path));
  if (pairs.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": no line has a user and items; expected `user item item …`"));
  }
  return pairs;
}

// The distinct numbers of one member of both files, ascending.
std::vector<uint64_t> Distinct(const std::vector<RawPair>& train,
                               const std::vector<RawPair>& test,
                               uint64_t RawPair::*member) {
  std::vector<uint64_t> numbers;
  numbers.reserve(train.size() + test.size());
  for (const auto* pairs : {&train, &test}) {
    for (const RawPair& pair : *pairs) numbers.push_back(pair.*member);
  }
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

uint32_t IndexOf(uint64_t number, const std::vector<uint64_t>& numbers) {
  return static_cast<uint32_t>(
      std::lower_bound(numbers.begin(), numbers.end(), number) -
      numbers.begin());
}

model::ItemLists ToLists(const std::vector<RawPair>& pairs,
                         const std::vector<uint64_t>& users,
                         const std::vector<uint64_t>& items) {
  model::ItemLists lists(users.size());
  for (const RawPair& pair : pairs) {
    lists[IndexOf(pair.user, users)].push_back(IndexOf(pair.item, items));
  }
  for (std::vector<uint32_t>& list : lists) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
    list.shrink_to_fit();
  }
  return lists;
}

}  // namespace

uint64_t Dataset::train_pairs() const { return CountPairs(train); }
uint64_t Dataset::test_pairs() const { return CountPairs(test); }

size_t Dataset::cold_users() const {
  size_t cold = 0;
  for (size_t user = 0; user < test.size(); ++user) {
    if (train[user].empty() && !test[user].empty()) ++cold;
  }
  return cold;
}

uint64_t Dataset::Fingerprint() const {
  // FNV-1a over the numbers, each after its list's length.
  uint64_t hash = 14695981039346656037ull;
  const auto add = [&hash](uint64_t number) {
    for (int byte = 0; byte < 8; ++byte, number >>= 8) {
      hash = (hash ^ (number & 0xff)) * 1099511628211ull;
    }
  };
  for (const model::ItemLists* lists : {&train, &test}) {
    add(lists->size());
    for (const auto& list : *lists) {
      add(list.size());
      for (const uint32_t item : list) add(item);
    }
  }
  return hash;
}

absl::StatusOr<Dataset> ReadDataset(const std::string& directory) {
  const auto train = ReadPairs(absl::StrCat(directory, "/train.txt"));
  if (!train.ok()) return train.status();
  const auto test = ReadPairs(absl::StrCat(directory, "/test.txt"));
  if (!test.ok()) return test.status();
  const auto users = Distinct(*train, *test, &RawPair::user);
  const auto items = Distinct(*train, *test, &RawPair::item);
  constexpr size_t kMost = 1u << 31;
  if (users.size() > kMost || items.size() > kMost) {
    return absl::InvalidArgumentError(
        absl::StrCat(directory, ": ", users.size(), " users and ", items.size(),
                     " items, expected at most ", kMost, " of each"));
  }
  Dataset dataset;
  dataset.train = ToLists(*train, users, items);
  dataset.test = ToLists(*test, users, items);
  dataset.items = static_cast<uint32_t>(items.size());
  return dataset;
}

Split CutValidation(const model::ItemLists& train, double share,
                    uint64_t seed) {
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
