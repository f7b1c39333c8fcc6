#include "query/weight_choice.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace taud::query {
namespace {

constexpr double kMemory = 2000;
constexpr double kLeastNoted = 60;
constexpr double kNoticeable = 1.005;

// Whether what `way` gained is less than what `best` gained by no more than the
// standard error of the difference.
bool IsAsGood(const std::vector<std::vector<double>>& together, size_t way,
              size_t best) {
  const auto n = static_cast<double>(together.size());
  double mean = 0;
  for (const std::vector<double>& gains : together) {
    mean += (gains[best] - gains[way]) / n;
  }
  double squares = 0;
  for (const std::vector<double>& gains : together) {
    const double off = gains[best] - gains[way] - mean;
    squares += off * off;
  }
  return mean <= std::sqrt(squares / (n - 1) / n);
}

size_t Greatest(const std::vector<double>& means) {
  return static_cast<size_t>(std::max_element(means.begin(), means.end()) -
                             means.begin());
}

}  // namespace

WeightChoice::WeightChoice(std::vector<size_t> order, std::vector<int> kinds)
    : order_(std::move(order)),
      kinds_(std::move(kinds)),
      means_(order_.size(), 0.0),
      chosen_(order_.front()) {}

void WeightChoice::Note(absl::Span<const double> gains) {
  noted_ = std::min(noted_ + 1, kMemory);
  for (size_t way = 0; way < means_.size(); ++way) {
    means_[way] += (gains[way] - means_[way]) / noted_;
  }
  if (noted_ < kLeastNoted) return;
  found_ = true;
  const size_t best = Greatest(means_);
  if (means_[best] > kNoticeable * means_[chosen_]) chosen_ = best;
}

void WeightChoice::BeginWith(const std::vector<std::vector<double>>& together) {
  if (together.size() < kLeastTogether) return;
  const auto n = static_cast<double>(together.size());
  std::fill(means_.begin(), means_.end(), 0.0);
  for (const std::vector<double>& gains : together) {
    for (size_t way = 0; way < means_.size(); ++way) {
      means_[way] += gains[way] / n;
    }
  }
  noted_ = std::min(n, kMemory);
  found_ = true;
  const size_t best = Greatest(means_);
  chosen_ = *std::find_if(order_.begin(), order_.end(), [&](size_t way) {
    return way == best ||
           (IsOfTheKindOf(best, way) && IsAsGood(together, way, best));
  });
}

bool WeightChoice::IsOfTheKindOf(size_t best, size_t way) const {
  return kinds_.empty() || kinds_[way] == kAnyKind ||
         kinds_[way] == kinds_[best];
}

void WeightChoice::StartAt(size_t way) {
  chosen_ = way;
  found_ = true;
}

std::vector<double> WeightChoice::State() const {
  std::vector<double> state = means_;
  state.push_back(noted_);
  state.push_back(static_cast<double>(chosen_));
  state.push_back(found_ ? 1 : 0);
  return state;
}

bool WeightChoice::Assign(const std::vector<double>& state) {
  // A state of before had no word of whether it was found.
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
