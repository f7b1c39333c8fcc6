#ifndef TAUD_LAB_RANKING_REPORT_H_
#define TAUD_LAB_RANKING_REPORT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/item_lists.h"

// What the papers' tables report of a ranking. Pure functions.

namespace taud::lab {

inline constexpr std::array<size_t, 3> kCutoffs = {10, 20, 50};
inline constexpr size_t kMainCutoff = 20;
inline constexpr size_t kPopularityGroups = 10;

struct RankingReport {
  size_t users = 0;  // that have test items; means are over them
  // By kCutoffs. NDCG has gain 1 / log2(rank + 1), and the ideal is over
  // min(K, |test items|).
  std::array<double, kCutoffs.size()> recall = {}, ndcg = {};
  // At kMainCutoff.
  double precision = 0;  // hits ÷ K
  double coverage = 0;   // share of all items that are in somebody's list
  double gini = 0;       // of the items' appearances: 0 all alike, 1 one only
  // Recall by popularity group, most popular first; the sum is the recall
  // (SSM, Wu et al. 2024, Eq. 29).
  std::array<double, kPopularityGroups> group_recall = {};

  double main_recall() const { return recall[1]; }
  double main_ndcg() const { return ndcg[1]; }
};

// `lists` [user] are ranked items, best first, at least as many as the last of
// kCutoffs or all that can be ranked; `test` [user] distinct items.
// `popularity` [items] counts training interactions.
RankingReport MeasureLists(const model::ItemLists& lists,
                           const model::ItemLists& test,
                           const std::vector<uint32_t>& popularity);

// [items] → its group: items by falling popularity, cut so that each group
// holds as nearly as can be the same number of interactions. Ties go by index.
std::vector<uint8_t> PopularityGroups(const std::vector<uint32_t>& popularity);

// Gini coefficient of counts; 0 if all are zero or there are none.
double Gini(std::vector<uint64_t> counts);

// [items] interactions of each.
std::vector<uint32_t> CountPopularity(const model::ItemLists& lists,
                                      uint32_t items);

}  // namespace taud::lab

#endif  // TAUD_LAB_RANKING_REPORT_H_
