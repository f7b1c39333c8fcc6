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
  const auto best = static_cast<size_t>(
      std::max_element(means_.begin(), means_.end()) - means_.begin());
  if (means_[best] > kNoticeable * means_[chosen_]) chosen_ = best;
}

void QueryWeightChoice::StartAt(const QueryWeights& weights) {
  chosen_ = Nearest(kRecentWeights, weights.recent) * kPriors.size() +
            Nearest(kPriors, weights.prior);
}

bool QueryWeightChoice::found() const {
  return noted_ >= kLeastNoted || chosen_ != 0;
}

QueryWeights QueryWeightChoice::weights(double pairs_per_user) const {
  if (found()) return WeightsAt(chosen_);
  const double shortfall = kLongHistory / std::max(pairs_per_user, 1.0) - 1;
  return {0, static_cast<float>(std::clamp(shortfall, 0.0, kMostFirstPrior))};
}

std::vector<double> QueryWeightChoice::State() const {
  std::vector<double> state(means_.begin(), means_.end());
  state.push_back(noted_);
  state.push_back(static_cast<double>(chosen_));
  return state;
}

bool QueryWeightChoice::Assign(const std::vector<double>& state) {
  if (state.size() != means_.size() + 2) return false;
  for (const double value : state) {
    if (!std::isfinite(value) || value < 0) return false;
  }
  if (state.back() >= static_cast<double>(means_.size())) return false;
  std::copy_n(state.begin(), means_.size(), means_.begin());
  noted_ = std::min(state[means_.size()], kMemory);
  chosen_ = static_cast<size_t>(state.back());
  return true;
}

}  // namespace taud::query
