#include "query/query_weight_choice.h"

#include <algorithm>
#include <cmath>

#include "absl/types/span.h"

namespace taud::query {
namespace {

constexpr double kMemory = 2000;
constexpr double kLeastNoted = 200;
constexpr double kNoticeable = 1.005;

size_t Nearest(absl::Span<const float> values, float wanted) {
  return static_cast<size_t>(std::min_element(values.begin(), values.end(),
                                              [&](float a, float b) {
                                                return std::abs(a - wanted) <
                                                       std::abs(b - wanted);
                                              }) -
                             values.begin());
}

// Whether κ is less, or the same with less of r.
bool IsLess(size_t pair, size_t other) {
  const QueryWeights a = WeightsAt(pair);
  const QueryWeights b = WeightsAt(other);
  return a.prior != b.prior ? a.prior < b.prior : a.recent < b.recent;
}

// Whether what `pair` gained is less than what `best` gained by no more than
// the standard error of the difference.
bool IsAsGood(const std::vector<QueryGains>& together, size_t pair,
              size_t best) {
  const auto n = static_cast<double>(together.size());
  double mean = 0;
  for (const QueryGains& gains : together) {
    mean += (gains[best] - gains[pair]) / n;
  }
  double squares = 0;
  for (const QueryGains& gains : together) {
    const double off = gains[best] - gains[pair] - mean;
    squares += off * off;
  }
  return mean <= std::sqrt(squares / (n - 1) / n);
}

}  // namespace

QueryWeights WeightsAt(size_t pair) {
  return {kRecentWeights[pair / kPriors.size()],
          kPriors[pair % kPriors.size()]};
}

void QueryWeightChoice::Note(const QueryGains& gains) {
  noted_ = std::min(noted_ + 1, kMemory);
  for (size_t pair = 0; pair < gains.size(); ++pair) {
    means_[pair] += (gains[pair] - means_[pair]) / noted_;
  }
  if (noted_ < kLeastNoted) return;
  found_ = true;
  const auto best = static_cast<size_t>(
      std::max_element(means_.begin(), means_.end()) - means_.begin());
  if (means_[best] > kNoticeable * means_[chosen_]) chosen_ = best;
}

void QueryWeightChoice::BeginWith(const std::vector<QueryGains>& together) {
  if (together.size() < kLeastTogether) return;
  const auto n = static_cast<double>(together.size());
  means_.fill(0);
  for (const QueryGains& gains : together) {
    for (size_t pair = 0; pair < gains.size(); ++pair) {
      means_[pair] += gains[pair] / n;
    }
  }
  noted_ = std::min(n, kMemory);
  found_ = true;
  const auto best = static_cast<size_t>(
      std::max_element(means_.begin(), means_.end()) - means_.begin());
  chosen_ = best;
  for (size_t pair = 0; pair < kWeightPairs; ++pair) {
    if (IsLess(pair, chosen_) && IsAsGood(together, pair, best)) chosen_ = pair;
  }
}

void QueryWeightChoice::StartAt(const QueryWeights& weights) {
  chosen_ = Nearest(kRecentWeights, weights.recent) * kPriors.size() +
            Nearest(kPriors, weights.prior);
  found_ = true;
}

std::vector<double> QueryWeightChoice::State() const {
  std::vector<double> state(means_.begin(), means_.end());
  state.push_back(noted_);
  state.push_back(static_cast<double>(chosen_));
  state.push_back(found_ ? 1 : 0);
  return state;
}

bool QueryWeightChoice::Assign(const std::vector<double>& state) {
  // A state of before had no word of whether they were found.
  const size_t noted = means_.size();
  const size_t chosen = noted + 1;
  const size_t found = noted + 2;
  if (state.size() != found && state.size() != found + 1) return false;
  for (const double value : state) {
    if (!std::isfinite(value) || value < 0) return false;
  }
  if (state[chosen] >= static_cast<double>(means_.size())) return false;
  std::copy_n(state.begin(), means_.size(), means_.begin());
  noted_ = std::min(state[noted], kMemory);
  chosen_ = static_cast<size_t>(state[chosen]);
  found_ = state.size() > found ? state[found] > 0
                                : noted_ >= kLeastNoted || chosen_ != 0;
  return true;
}

}  // namespace taud::query
