#ifndef TAUD_LAB_PROBES_H_
#define TAUD_LAB_PROBES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "lab/ranking_report.h"
#include "model/item_lists.h"
#include "model/snapshot.h"

// What the papers' figures look at inside a model. Pure functions.

namespace taud::lab {

using GroupMeans = std::array<double, kPopularityGroups>;

// The mean of `values` [items] in each group of popularity, most popular
// first, over items with a positive; 0 for a group without. With the norms of
// item vectors: Adap-τ's Figure 1 a, SSM's Figure 5.
GroupMeans MeanByPopularity(const std::vector<float>& values,
                            const std::vector<uint32_t>& popularity);

// E[|∂L/∂f(u, i)|] over users and items, for the softmax over all items
// (Adap-τ, Eq. 8):  2 S (1 − S) / (m τ_u)  with S = Σ_{i ∈ P_u} p_ui(τ_u),
// the mean over at most `sample` users with positives, evenly spaced. `users`
// [n × d] and `items` [m × d] are such that f is their inner product; rows of
// zeros take no part. `tau` [n] > 0 where the user has positives. 0 without
// users.
double GradientMagnitude(const model::Matrix& users, const model::Matrix& items,
                         const model::ItemLists& train,
                         const std::vector<float>& tau, size_t sample);

// How many of `values` lie in each of `counts.size()` bins of one width from
// `least` to `most`, both included.
struct Histogram {
  double least = 0, most = 0;
  std::vector<uint64_t> counts;
};

// Over a range that is given, or that of the values. Those beyond it are left
// out. REQUIRES: bins > 0.
Histogram MakeHistogram(const std::vector<float>& values, size_t bins,
                        double least, double most);
Histogram MakeHistogram(const std::vector<float>& values, size_t bins);

}  // namespace taud::lab

#endif  // TAUD_LAB_PROBES_H_
