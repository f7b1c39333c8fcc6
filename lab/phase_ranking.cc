#include "lab/phase_ranking.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "lab/norm_exponent.h"
#include "lab/query_prior.h"
#include "query/common_taste.h"
#include "trainer/evaluation/evaluation.h"

namespace taud::lab {
namespace {

// The most popular items, best first; those that nobody has are left out.
std::vector<uint32_t> MostPopular(const std::vector<uint32_t>& popularity,
                                  size_t count) {
  std::vector<uint32_t> items;
  for (uint32_t item = 0; item < popularity.size(); ++item) {
    if (popularity[item] > 0) items.push_back(item);
  }
  count = std::min(count, items.size());
  std::partial_sort(items.begin(), items.begin() + count, items.end(),
                    [&](uint32_t a, uint32_t b) {
                      return std::make_pair(popularity[b], a) <
                             std::make_pair(popularity[a], b);
                    });
  items.resize(count);
  return items;
}

// Each value as set(value, &phase) puts it there, while it is worth trying.
template <class Values, class Set>
std::vector<SliceTrial> TryEach(const Values& values, Set set, Phase phase,
                                const FittedRows& rows,
                                const std::vector<uint32_t>& popularity,
                                int threads) {
  std::vector<SliceTrial> trials;
  for (const double value : values) {
    if (!GoesOnTrying(trials)) break;
    set(value, &phase);
    const RankingReport report =
        MeasureRanking(phase, rows, popularity, threads);
    trials.push_back({value, report.main_recall(), report.main_ndcg()});
  }
  return trials;
}

}  // namespace

RankingReport MeasureRanking(const Phase& phase, const FittedRows& rows,
                             const std::vector<uint32_t>& popularity,
                             int threads) {
  model::Matrix users = rows.users;
  query::AddCommonTaste(phase.prior, *phase.train, &users);
  model::Matrix items = rows.items;
  if (phase.norm_exponent.has_value()) {
    SetNorms(rows.item_norms, *phase.norm_exponent, &items);
  }
  const auto cold = [&](size_t user) {
    return (*phase.train)[user].empty() && !(*phase.test)[user].empty();
  };
  model::ItemLists known_users = *phase.test;
  for (size_t user = 0; user < known_users.size(); ++user) {
    if (cold(user)) known_users[user].clear();
  }
  model::ItemLists lists = trainer::TopItems(
      users, items, *phase.train, known_users, kCutoffs.back(), threads);
  // A user without training items has no row; it gets what the daemon answers
  // to somebody it does not know.
  const std::vector<uint32_t> popular =
      MostPopular(popularity, kCutoffs.back());
  for (size_t user = 0; user < lists.size(); ++user) {
    if (cold(user)) lists[user] = popular;
  }
  return MeasureLists(lists, *phase.test, popularity);
}

void TryRankings(Phase phase, const FittedRows& rows,
                 const std::vector<uint32_t>& popularity, int threads,
                 std::vector<SliceTrial>* exponents,
                 std::vector<SliceTrial>* priors) {
  if (phase.tries_exponents) {
    *exponents = TryEach(
        kNormExponents,
        [](double p, Phase* tried) { tried->norm_exponent = p; }, phase, rows,
        popularity, threads);
    phase.norm_exponent = ChooseNormExponent(*exponents);
  }
  if (!phase.tries_priors) return;
  *priors = TryEach(
      kOfflinePriors, [](double prior, Phase* tried) { tried->prior = prior; },
      phase, rows, popularity, threads);
}

}  // namespace taud::lab
