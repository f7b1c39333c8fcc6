#include "trainer/temperature/tau_governor.h"

#include <algorithm>
#include <cmath>

namespace taud::trainer {

double GovernTau0(const TauGovernorOptions& options,
                  const TauGovernorInput& input) {
  const double log_sparsity = std::max(1.0, input.log_sparsity);
  const auto bounded = [&](double gap) {
    return std::clamp(
        std::clamp(gap, options.min_gap, options.max_gap) / log_sparsity,
        options.min_tau, options.max_tau);
  };
  if (input.tau0 <= 0 || input.passes < options.warm_up) {
    return bounded(options.prior_gap);
  }
  const double now = std::clamp(input.tau0, options.min_tau, options.max_tau);
  if (!std::isfinite(input.gap)) return now;
  const double elapsed = std::max(0.0, input.elapsed);
  const double share = 1.0 - std::exp(-elapsed / options.smoothing);
  const double limit = options.max_rate * elapsed;
  const double step = share * std::log(bounded(input.gap) / now);
  return std::clamp(now * std::exp(std::clamp(step, -limit, limit)),
                    options.min_tau, options.max_tau);
}

}  // namespace taud::trainer
