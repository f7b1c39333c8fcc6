#include "query/weight_choice.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace taud::query {
namespace {

constexpr double kMemory = 2000;
constexpr double kLeastNoted = 60;
constexpr double kNoticeable = 1.005;

// What `way` gains more than `other` in the mean, and the square of that
// mean's standard error.
struct Difference {
  double mean = 0, squared_error = 0;
};
Difference DifferenceOf(const std::vector<std::vector<double>>& together,
                        size_t way, size_t other) {
  const auto n = static_cast<double>(together.size());
  Difference difference;
  for (const std::vector<double>& gains : together) {
    difference.mean += gains[way] - gains[other];
  }
  difference.mean /= n;
  double squares = 0;
  for (const std::vector<double>& gains : together) {
    const double off = gains[way] - gains[other] - difference.mean;
    squares += off * off;
  }
  difference.squared_error = squares / (n - 1) / n;
  return difference;
}

bool IsAsGood(const std::vector<std::vector<double>>& together, size_t way,
              size_t best) {
  const Difference difference = DifferenceOf(together, best, way);
  return difference.mean <= std::sqrt(difference.squared_error);
}

size_t Greatest(const std::vector<double>& means) {
  return static_cast<size_t>(std::max_element(means.begin(), means.end()) -
                             means.begin());
}

}  // namespace

WeightChoice::WeightChoice(std::vector<size_t> order, Rule rule)
    : order_(std::move(order)),
      rule_(rule),
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
  if (rule_ == Rule::kLeastAsGood) {
    ChooseLeastAsGood(together);
  } else {
    ChooseMostBelievable(together);
  }
}

void WeightChoice::ChooseLeastAsGood(
    const std::vector<std::vector<double>>& together) {
  const size_t best = Greatest(means_);
  chosen_ = *std::find_if(order_.begin(), order_.end(), [&](size_t way) {
    return way == best || IsAsGood(together, way, best);
  });
  for (double& mean : means_) mean = std::min(mean, means_[chosen_]);
}

void WeightChoice::ChooseMostBelievable(
    const std::vector<std::vector<double>>& together) {
  const size_t least = order_.front();
  std::vector<Difference> differences;
  double usual = kUsualAdvantage * means_[least];
  for (size_t way = 0; way < means_.size(); ++way) {
    const Difference difference = DifferenceOf(together, way, least);
    differences.push_back(difference);
    const double certain =
        difference.mean * difference.mean - 4 * difference.squared_error;
    if (difference.mean > 0 && certain > usual * usual) {
      usual = std::sqrt(certain);
    }
  }
  const double base = means_[least];
  for (size_t way = 0; way < means_.size(); ++way) {
    const auto& [difference, squared_error] = differences[way];
    const double all = usual * usual + squared_error;
    const double believed = all > 0 ? difference * usual * usual / all : 0;
    means_[way] = std::max(0.0, base + believed);
  }
  chosen_ = *std::max_element(
      order_.begin(), order_.end(),
      [this](size_t a, size_t b) { return means_[a] < means_[b]; });
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
