#include "trainer/tensor_losses.h"

#include <cmath>
#include <limits>

namespace taud::trainer {
namespace {

at::Tensor Masked(const at::Tensor& values, const at::Tensor& excluded,
                  double otherwise) {
  return excluded.defined() ? values.masked_fill(excluded, otherwise) : values;
}

// The negatives of each row that count, at least 1.
at::Tensor Counted(const RowScores& scores) {
  if (!scores.excluded.defined()) {
    return at::full_like(scores.positive,
                         static_cast<double>(scores.negative.size(1)));
  }
  return scores.excluded.logical_not().sum(1).clamp_min(1).to(
      scores.positive.scalar_type());
}

at::Tensor Ssm(const RowScores& scores, const at::Tensor& tau, double rho) {
  constexpr double kNothing = -std::numeric_limits<double>::infinity();
  const at::Tensor positive = scores.positive / tau;
  const at::Tensor negative = Masked(
      scores.negative / tau.unsqueeze(1) + std::log(scores.negative_weight),
      scores.excluded, kNothing);
  const at::Tensor all = at::cat({positive.unsqueeze(1), negative}, 1);
  return rho * at::logsumexp(all, {1}) - positive;
}

}  // namespace

at::Tensor UnitRows(const at::Tensor& x) {
  return x / x.norm(2, {1}, /*keepdim=*/true).clamp_min(1e-12);
}

at::Tensor RowLosses(const OfflineFitOptions& options, const RowScores& scores,
                     const at::Tensor& tau) {
  const at::Tensor& positive = scores.positive;
  const at::Tensor wide_tau = tau.unsqueeze(1);
  switch (options.loss) {
    case Loss::kSsm:
    case Loss::kSm:
      break;
    case Loss::kBpr: {
      const at::Tensor each =
          at::softplus((scores.negative - positive.unsqueeze(1)) / wide_tau);
      return Masked(each, scores.excluded, 0.0).sum(1) / Counted(scores);
    }
    case Loss::kBce: {
      const at::Tensor each = at::softplus(scores.negative / wide_tau);
      return at::softplus(-positive / tau) +
             Masked(each, scores.excluded, 0.0).sum(1);
    }
    case Loss::kCcl: {
      const at::Tensor each = at::relu(scores.negative - options.ccl_margin);
      return 1.0 - positive +
             options.ccl_weight * Masked(each, scores.excluded, 0.0).sum(1) /
                 Counted(scores);
    }
  }
  return Ssm(scores, tau, options.rho);
}

at::Tensor CommonLosses(const RowScores& scores, double tau) {
  return Ssm(scores, at::full_like(scores.positive, tau), 1.0);
}

at::Tensor InfoNce(const at::Tensor& view, const at::Tensor& other,
                   double tau) {
  const at::Tensor scores = UnitRows(view).matmul(UnitRows(other).t()) / tau;
  return (at::logsumexp(scores, {1}) - scores.diagonal()).sum();
}

}  // namespace taud::trainer
