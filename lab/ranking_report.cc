#include "lab/ranking_report.h"

#include <algorithm>
#include <numeric>

#include "trainer/evaluation/evaluation.h"

namespace taud::lab {
namespace {

// Adds one user's list. `wanted` is sorted.
void AddList(const std::vector<uint32_t>& list,
             const std::vector<uint32_t>& wanted,
             const std::vector<uint8_t>& groups, RankingReport* sums) {
  trainer::RankedHits hits(wanted.size());
  size_t rank = 0;
  for (size_t c = 0; c < kCutoffs.size(); ++c) {
    for (; rank < kCutoffs[c]; ++rank) {
      const bool hit =
          rank < list.size() &&
          std::binary_search(wanted.begin(), wanted.end(), list[rank]);
      hits.Next(hit);
      if (hit && rank < kMainCutoff) {
        sums->group_recall[groups[list[rank]]] +=
            1 / static_cast<double>(wanted.size());
      }
    }
    sums->recall[c] += hits.recall();
    sums->ndcg[c] += hits.ndcg();
    if (kCutoffs[c] == kMainCutoff) {
      sums->precision += hits.hits() / static_cast<double>(kMainCutoff);
    }
  }
}

}  // namespace

RankingReport MeasureLists(const model::ItemLists& lists,
                           const model::ItemLists& test,
                           const std::vector<uint32_t>& popularity) {
  RankingReport report;
  const std::vector<uint8_t> groups = PopularityGroups(popularity);
  std::vector<uint64_t> appearances(popularity.size(), 0);
  for (size_t user = 0; user < test.size(); ++user) {
    if (test[user].empty()) continue;
    ++report.users;
    std::vector<uint32_t> wanted = test[user];
    std::sort(wanted.begin(), wanted.end());
    AddList(lists[user], wanted, groups, &report);
    for (size_t rank = 0; rank < std::min(kMainCutoff, lists[user].size());
         ++rank) {
      ++appearances[lists[user][rank]];
    }
  }
  if (report.users == 0) return report;
  const double users = static_cast<double>(report.users);
  for (double& value : report.recall) value /= users;
  for (double& value : report.ndcg) value /= users;
  for (double& value : report.group_recall) value /= users;
  report.precision /= users;
  const auto seen = std::count_if(appearances.begin(), appearances.end(),
                                  [](uint64_t n) { return n > 0; });
  report.coverage =
      static_cast<double>(seen) / static_cast<double>(appearances.size());
  report.gini = Gini(std::move(appearances));
  return report;
}

std::vector<uint8_t> PopularityGroups(const std::vector<uint32_t>& popularity) {
  std::vector<uint32_t> order(popularity.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return popularity[a] > popularity[b];
  });
  const uint64_t total =
      std::accumulate(popularity.begin(), popularity.end(), uint64_t{0});
  std::vector<uint8_t> groups(popularity.size(), 0);
  uint64_t before = 0;  // interactions of more popular items
  for (const uint32_t item : order) {
    const uint64_t group = total == 0 ? 0 : before * kPopularityGroups / total;
    groups[item] =
        static_cast<uint8_t>(std::min<uint64_t>(group, kPopularityGroups - 1));
    before += popularity[item];
  }
  return groups;
}

double Gini(std::vector<uint64_t> counts) {
  std::sort(counts.begin(), counts.end());
  const double n = static_cast<double>(counts.size());
  double sum = 0;
  double weighted = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const double count = static_cast<double>(counts[i]);
    sum += count;
    weighted += (2.0 * (static_cast<double>(i) + 1.0) - n - 1.0) * count;
  }
  return sum == 0 ? 0 : weighted / (n * sum);
}

std::vector<uint32_t> CountPopularity(const model::ItemLists& lists,
                                      uint32_t items) {
  std::vector<uint32_t> popularity(items, 0);
  for (const auto& list : lists) {
    for (const uint32_t item : list) ++popularity[item];
  }
  return popularity;
}

}  // namespace taud::lab
