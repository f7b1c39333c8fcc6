#include "server/api/latency_counts.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace taud::server {
namespace {

constexpr double kFirst = 1e-5;
constexpr double kGrowth = 1.25;

}  // namespace

LatencyCounts::Counts LatencyCounts::Copy() const {
  Counts copy;
  for (size_t b = 0; b < kBuckets; ++b) {
    copy[b] = counts_[b].load(std::memory_order_relaxed);
  }
  return copy;
}

double LatencyCounts::Bound(size_t bucket) {
  return kFirst *
         std::pow(kGrowth, static_cast<double>(std::min(bucket, kBuckets - 2)));
}

size_t LatencyCounts::BucketOf(double seconds) {
  if (!(seconds > kFirst)) return 0;
  const double steps =
      std::ceil(std::log(seconds / kFirst) / std::log(kGrowth) * (1 - 1e-12));
  return steps >= static_cast<double>(kBuckets - 1)
             ? kBuckets - 1
             : static_cast<size_t>(steps);
}

double LatencyQuantile(const LatencyCounts::Counts& before,
                       const LatencyCounts::Counts& after, double quantile) {
  uint64_t total = 0;
  for (size_t b = 0; b < after.size(); ++b) total += after[b] - before[b];
  if (total == 0) return std::numeric_limits<double>::quiet_NaN();
  const auto rank = static_cast<uint64_t>(
      std::max(1.0, std::ceil(quantile * static_cast<double>(total))));
  uint64_t passed = 0;
  size_t b = 0;
  while (b + 1 < after.size() && (passed += after[b] - before[b]) < rank) ++b;
  return LatencyCounts::Bound(b);
}

}  // namespace taud::server
