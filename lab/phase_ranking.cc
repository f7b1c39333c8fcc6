#include "lab/phase_ranking.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "lab/norm_exponent.h"
#include "lab/query_prior.h"
#include "query/common_taste.h"
#include "query/neighbourhood.h"
#include "trainer/evaluation/evaluation.h"
#include "trainer/kernels/vector_kernels.h"

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

// Rows that are zero stay so.
void ToUnitRows(model::Matrix* rows) {
  const auto width = static_cast<int64_t>(rows->cols);
  for (size_t r = 0; r < rows->rows; ++r) {
    float* row = rows->Row(r);
    const float norm = std::sqrt(trainer::Dot(row, row, width));
    if (norm > 0) std::for_each(row, row + width, [&](float& x) { x /= norm; });
  }
}

// Of the rows that are not zero; 1 without any.
float MeanNorm(const model::Matrix& rows) {
  const auto width = static_cast<int64_t>(rows.cols);
  double sum = 0;
  size_t counted = 0;
  for (size_t r = 0; r < rows.rows; ++r) {
    const double square = trainer::Dot(rows.Row(r), rows.Row(r), width);
    if (square == 0) continue;
    sum += std::sqrt(square);
    ++counted;
  }
  return counted == 0 ? 1
                      : static_cast<float>(sum / static_cast<double>(counted));
}

std::vector<uint32_t> LatestFirst(const std::vector<uint32_t>& items) {
  return std::vector<uint32_t>(items.rbegin(), items.rend());
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
  // The neighbourhood is added to a cosine, or to what is like one.
  const bool adds = phase.neighbours.weight > 0 && rows.neighbours != nullptr;
  if (adds) ToUnitRows(&users);
  const auto cold = [&](size_t user) {
    return (*phase.train)[user].empty() && !(*phase.test)[user].empty();
  };
  model::ItemLists known_users = *phase.test;
  for (size_t user = 0; user < known_users.size(); ++user) {
    if (cold(user)) known_users[user].clear();
  }
  std::vector<query::NeighbourScratch> scratch(static_cast<size_t>(threads));
  std::vector<float> factors;  // [items] λ · (D / D̄)^p
  trainer::AddToScores add;
  if (adds) {
    const double mean = query::MeanPopularity(popularity);
    const float weight = phase.neighbours.weight * MeanNorm(items);
    for (const uint32_t count : popularity) {
      factors.push_back(weight * query::PopularityFactor(
                                     count, mean, phase.neighbours.power));
    }
    add = [&](int worker, uint32_t user, float* scores) {
      std::vector<query::NeighbourStrength> strengths;
      query::FindStrengths(*rows.neighbours, popularity,
                           LatestFirst((*phase.train)[user]),
                           &scratch[static_cast<size_t>(worker)], &strengths);
      for (const auto& [item, strength] : strengths) {
        scores[item] += factors[item] * strength;
      }
    };
  }
  model::ItemLists lists = trainer::TopItemsOfSum(
      users, items, *phase.train, known_users, kCutoffs.back(), threads, add);
  // A user without training items has no row; it gets what the daemon answers
  // to somebody it does not know.
  const std::vector<uint32_t> popular =
      MostPopular(popularity, kCutoffs.back());
  for (size_t user = 0; user < lists.size(); ++user) {
    if (cold(user)) lists[user] = popular;
  }
  return MeasureLists(lists, *phase.test, popularity);
}

std::vector<SliceTrial> TryExponents(const Phase& phase, const FittedRows& rows,
                                     const std::vector<uint32_t>& popularity,
                                     int threads) {
  return TryEach(
      kNormExponents, [](double p, Phase* tried) { tried->norm_exponent = p; },
      phase, rows, popularity, threads);
}

std::vector<SliceTrial> TryPriors(const Phase& phase, const FittedRows& rows,
                                  const std::vector<uint32_t>& popularity,
                                  int threads) {
  return TryEach(
      kOfflinePriors, [](double prior, Phase* tried) { tried->prior = prior; },
      phase, rows, popularity, threads);
}

std::vector<NeighbourTrial> TryNeighbours(
    Phase phase, const FittedRows& rows,
    const std::vector<uint32_t>& popularity, int threads) {
  std::vector<NeighbourTrial> trials;
  while (const auto weights = NextNeighbourWeights(trials)) {
    phase.neighbours = *weights;
    const RankingReport report =
        MeasureRanking(phase, rows, popularity, threads);
    trials.push_back({*weights, report.main_recall(), report.main_ndcg()});
  }
  return trials;
}

}  // namespace taud::lab
