#include "trainer/tensor/tensor_losses.h"

#include <cmath>
#include <limits>

namespace taud::trainer {
namespace {

at::Tensor Masked(const at::Tensor& values, const at::Tensor& excluded,
                  double otherwise) {
  return excluded.defined() ? values.masked_fill(excluded, otherwise) : values;
}

// [rows] the sum of `each` [rows × negatives] over the negatives that count.
at::Tensor SumOf(const at::Tensor& each, const RowScores& scores) {
  const at::Tensor counting = Masked(each, scores.excluded, 0.0);
  return scores.counts.defined() ? counting.matmul(scores.counts)
                                 : counting.sum(1);
}

// [rows] the mean of `each`; 0 where no negative counts.
at::Tensor MeanOf(const at::Tensor& each, const RowScores& scores) {
  return SumOf(each, scores) /
         SumOf(at::ones_like(each), scores).clamp_min(1.0);
}

at::Tensor Ssm(const RowScores& scores, const at::Tensor& tau, double rho) {
  constexpr double kNothing = -std::numeric_limits<double>::infinity();
  const at::Tensor positive = scores.positive / tau;
  // Counting c times is adding log c to the logit.
  at::Tensor logits =
      scores.negative / tau.unsqueeze(1) + std::log(scores.negative_weight);
  if (scores.counts.defined()) logits = logits + scores.counts.log();
  const at::Tensor negative = Masked(logits, scores.excluded, kNothing);
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
      return MeanOf(each, scores);
    }
    case Loss::kBce: {
      const at::Tensor each = at::softplus(scores.negative / wide_tau);
      return at::softplus(-positive / tau) + SumOf(each, scores);
    }
    case Loss::kCcl: {
      const at::Tensor each = at::relu(scores.negative - options.ccl_margin);
      return 1.0 - positive + options.ccl_weight * MeanOf(each, scores);
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
