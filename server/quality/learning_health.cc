#include "server/quality/learning_health.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <vector>

#include "server/quality/model_measures.h"

namespace taud::server {
namespace {

constexpr size_t kScoresForDrift = 1'000'000;
constexpr double kTauBounds[] = {.4,  .5,   .6,  .7,   .8, .9, 1,
                                 1.1, 1.25, 1.5, 1.75, 2,  2.5};
// τ_u is between τ₀ / e and e·τ₀ (trainer/temperature/temperature.h); τ₀ moves
// a little after τ_u was set.
constexpr double kTauLower = .3679 * 1.01;
constexpr double kTauUpper = 2.7183 * .99;

}  // namespace

void FillTemperatures(const model::Snapshot& snapshot,
                      v1::LearningHealth* health) {
  constexpr size_t kBounds = std::size(kTauBounds);
  std::array<uint64_t, kBounds + 1> counts{};
  uint64_t users = 0;
  uint64_t at_lower = 0;
  uint64_t at_upper = 0;
  for (size_t user = 0; user < snapshot.users.rows; ++user) {
    if (snapshot.user_degree[user] == 0) continue;
    ++users;
    const double ratio =
        double{snapshot.temperatures[user]} / double{snapshot.tau0};
    const auto at =
        std::lower_bound(std::begin(kTauBounds), std::end(kTauBounds), ratio);
    ++counts[static_cast<size_t>(at - std::begin(kTauBounds))];
    at_lower += ratio <= kTauLower;
    at_upper += ratio >= kTauUpper;
  }
  health->clear_tau_user();
  for (size_t b = 0; b <= kBounds; ++b) {
    v1::HistogramBucket* bucket = health->add_tau_user();
    bucket->set_upper(b < kBounds ? kTauBounds[b] : HUGE_VAL);
    bucket->set_count(counts[b]);
  }
  const double all = static_cast<double>(std::max<uint64_t>(1, users));
  health->set_tau_user_at_lower(static_cast<double>(at_lower) / all);
  health->set_tau_user_at_upper(static_cast<double>(at_upper) / all);
  health->set_tau0(double{snapshot.tau0});
}

void FillDrift(const model::Snapshot& before, const model::Snapshot& now,
               v1::LearningHealth* health) {
  health->set_user_drift(1 - RowCosine(before.users, before.user_degree,
                                       now.users, now.user_degree));
  health->set_item_drift(1 - RowCosine(before.items, before.item_popularity,
                                       now.items, now.item_popularity));
  const size_t sample = std::min<size_t>(
      32, kScoresForDrift / std::max<size_t>(1, now.items.rows));
  if (sample == 0) return;
  const std::vector<model::ItemIndex> items =
      SampleTrained(before.item_popularity, sample);
  health->set_neighbour_drift(1 - Overlap(ExactNeighboursOf(before, items, 10),
                                          ExactNeighboursOf(now, items, 10)));
}

}  // namespace taud::server
