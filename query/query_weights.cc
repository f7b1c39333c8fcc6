#include "query/query_weights.h"

#include <algorithm>
#include <cmath>

namespace taud::query {
namespace {

constexpr float kDecay = 0.8f;

float Metric(const model::Snapshot& snapshot, const char* name, float most) {
  const auto found = snapshot.metrics.find(name);
  if (found == snapshot.metrics.end() || !std::isfinite(found->second)) {
    return 0;
  }
  return static_cast<float>(std::clamp(found->second, 0.0, double{most}));
}

}  // namespace

QueryWeights QueryWeightsOf(const model::Snapshot& snapshot) {
  return {Metric(snapshot, kRecentWeightMetric, kMaxRecentWeight),
          Metric(snapshot, kPriorMetric, kMaxPrior)};
}

void RecentTaste(absl::Span<const RecentItem> recent,
                 absl::Span<const float> mean, std::vector<float>* taste) {
  taste->assign(mean.size(), 0.0f);
  float weight = 1;  // of the next place
  for (size_t begin = 0; begin < std::min(recent.size(), kRecentItems);) {
    size_t end = begin;
    float sum = 0;
    while (end < recent.size() && recent[end].second == recent[begin].second) {
      if (end < kRecentItems) sum += weight;
      weight *= kDecay;
      ++end;
    }
    const float each = sum / static_cast<float>(end - begin);
    for (; begin < end; ++begin) {
      for (size_t c = 0; c < mean.size(); ++c) {
        (*taste)[c] += each * (recent[begin].row[c] - kMeanShare * mean[c]);
      }
    }
  }
}

std::vector<float> MeanRow(const model::Matrix& rows,
                           const std::vector<uint32_t>& counts) {
  std::vector<double> sum(rows.cols, 0.0);
  size_t counted = 0;
  for (size_t r = 0; r < rows.rows; ++r) {
    if (counts[r] == 0) continue;
    for (size_t c = 0; c < rows.cols; ++c) sum[c] += double{rows.Row(r)[c]};
    ++counted;
  }
  std::vector<float> mean(rows.cols, 0.0f);
  if (counted == 0) return mean;
  for (size_t c = 0; c < rows.cols; ++c) {
    mean[c] = static_cast<float>(sum[c] / static_cast<double>(counted));
  }
  return mean;
}

}  // namespace taud::query
