#include "lab/probes.h"

#include <algorithm>
#include <cmath>

#include "trainer/kernels/vector_kernels.h"

namespace taud::lab {
namespace {

bool IsZero(const float* row, size_t dim) {
  return std::all_of(row, row + dim, [](float x) { return x == 0; });
}

// S of one user: the share of its positives in the softmax over `items`.
double PositiveShare(const float* user, const model::Matrix& items,
                     const std::vector<uint32_t>& active,
                     const std::vector<uint32_t>& positives, double tau,
                     std::vector<double>* scores) {
  scores->assign(items.rows, 0.0);
  double most = -1e300;
  for (const uint32_t item : active) {
    const double score =
        trainer::Dot(user, items.Row(item), static_cast<int64_t>(items.cols)) /
        tau;
    (*scores)[item] = score;
    most = std::max(most, score);
  }
  double all = 0;
  for (const uint32_t item : active) {
    (*scores)[item] = std::exp((*scores)[item] - most);
    all += (*scores)[item];
  }
  double own = 0;
  for (const uint32_t item : positives) own += (*scores)[item];
  return own / all;
}

}  // namespace

GroupMeans MeanByPopularity(const std::vector<float>& values,
                            const std::vector<uint32_t>& popularity) {
  const std::vector<uint8_t> groups = PopularityGroups(popularity);
  GroupMeans mean = {};
  GroupMeans count = {};
  for (size_t item = 0; item < values.size(); ++item) {
    if (popularity[item] == 0) continue;
    mean[groups[item]] += values[item];
    count[groups[item]] += 1;
  }
  for (size_t g = 0; g < mean.size(); ++g) mean[g] /= std::max(1.0, count[g]);
  return mean;
}

double GradientMagnitude(const model::Matrix& users, const model::Matrix& items,
                         const model::ItemLists& train,
                         const std::vector<float>& tau, size_t sample) {
  std::vector<uint32_t> active;
  for (uint32_t item = 0; item < items.rows; ++item) {
    if (!IsZero(items.Row(item), items.cols)) active.push_back(item);
  }
  std::vector<uint32_t> asked;
  for (uint32_t user = 0; user < train.size(); ++user) {
    if (!train[user].empty()) asked.push_back(user);
  }
  const size_t step =
      std::max<size_t>(1, asked.size() / std::max<size_t>(1, sample));
  std::vector<double> scores;
  double sum = 0;
  size_t count = 0;
  for (size_t i = 0; i < asked.size() && count < sample; i += step) {
    const uint32_t user = asked[i];
    const double share = PositiveShare(users.Row(user), items, active,
                                       train[user], tau[user], &scores);
    sum += 2 * share * (1 - share) /
           (static_cast<double>(active.size()) * tau[user]);
    ++count;
  }
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

Histogram MakeHistogram(const std::vector<float>& values, size_t bins,
                        double least, double most) {
  Histogram histogram = {least, most, std::vector<uint64_t>(bins, 0)};
  const double width = (most - least) / static_cast<double>(bins);
  for (const float value : values) {
    if (!(value >= least) || !(value <= most)) continue;
    const size_t bin =
        width > 0 ? static_cast<size_t>((value - least) / width) : 0;
    ++histogram.counts[std::min(bin, bins - 1)];
  }
  return histogram;
}

Histogram MakeHistogram(const std::vector<float>& values, size_t bins) {
  if (values.empty()) return MakeHistogram(values, bins, 0, 0);
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return MakeHistogram(values, bins, *least, *most);
}

}  // namespace taud::lab
