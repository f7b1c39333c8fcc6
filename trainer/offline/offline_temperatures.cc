#include "trainer/offline/offline_temperatures.h"

#include <algorithm>
#include <utility>

namespace taud::trainer {

OfflineTemperatures::OfflineTemperatures(const OfflineFitOptions& options,
                                         std::vector<uint32_t> degrees,
                                         double log_sparsity)
    : options_(options),
      degrees_(std::move(degrees)),
      log_sparsity_(log_sparsity),
      loss_sum_(degrees_.size(), 0.0),
      user_loss_(degrees_.size(), 0.0) {
  if (options_.temperature == TemperatureRule::kFixed) {
    tau0_ = options_.tau;
  } else if (options_.temperature == TemperatureRule::kNone) {
    tau0_ = 1.0;
  } else if (options_.held_tau0 > 0) {
    tau0_ = options_.held_tau0;
  } else {
    GovernTau0(0.0, 0.0);
  }
}

bool OfflineTemperatures::MovesTau0() const {
  return IsAdaptive(options_.temperature) && !(options_.held_tau0 > 0);
}

double OfflineTemperatures::common() const {
  return options_.common_temperature > 0 ? options_.common_temperature : tau0_;
}

float OfflineTemperatures::Of(uint32_t user) const {
  if (options_.temperature != TemperatureRule::kAdapTau ||
      epochs_ < options_.governor.warm_up) {
    return static_cast<float>(tau0_);
  }
  return static_cast<float>(BoundedUserTemperature(
      tau0_, user_loss_[user], threshold_, options_.super_loss));
}

void OfflineTemperatures::EndEpoch(const CosineMoments& moments) {
  ++epochs_;
  CompareUsers();
  if (!MovesTau0()) return;
  double gap = moments.positive_mean - moments.mean;
  // The governor thinks in μ₊ − μ; Eq. 13 is put to it as the gap with which
  // Eq. 14 would give the same τ₀.
  if (options_.eq13) gap = Tau0Eq13(moments, log_sparsity_) * log_sparsity_;
  GovernTau0(gap, 1.0);
}

void OfflineTemperatures::GovernTau0(double gap, double elapsed) {
  TauGovernorInput input;
  input.tau0 = tau0_;
  input.gap = gap;
  input.log_sparsity = log_sparsity_;
  input.passes = epochs_;
  input.elapsed = elapsed;
  tau0_ = trainer::GovernTau0(options_.governor, input);
}

void OfflineTemperatures::CompareUsers() {
  double sum = 0;
  std::vector<double> losses;
  for (size_t user = 0; user < degrees_.size(); ++user) {
    if (degrees_[user] == 0) continue;
    user_loss_[user] = loss_sum_[user] / degrees_[user];
    loss_sum_[user] = 0;
    sum += user_loss_[user];
    losses.push_back(user_loss_[user]);
  }
  if (losses.empty()) return;
  threshold_ = sum / static_cast<double>(losses.size());
  const double quantile = options_.threshold_quantile;
  if (quantile > 0 && quantile < 1) {
    const size_t rank =
        static_cast<size_t>(quantile * static_cast<double>(losses.size() - 1));
    std::nth_element(losses.begin(), losses.begin() + rank, losses.end());
    threshold_ = losses[rank];
  }
}

}  // namespace taud::trainer
