#include "trainer/tensor/tensor_losses.h"

#include <gtest/gtest.h>

#include <cmath>

namespace taud::trainer {
namespace {

// Two rows with three negatives each; the last of the first row is left out.
class TensorLossesTest : public testing::Test {
 protected:
  double Row(const OfflineFitOptions& options, int row) const {
    return RowLosses(options, scores_, tau_)[row].item<double>();
  }

  const RowScores scores_ = {
      at::tensor({0.6, -0.1}, at::kDouble),
      at::tensor({0.2, -0.4, 0.9, 0.3, 0.5, -0.2}, at::kDouble).view({2, 3}),
      at::tensor({0, 0, 1, 0, 0, 0}, at::kLong).view({2, 3}).to(at::kBool)};
  const at::Tensor tau_ = at::tensor({0.5, 0.25}, at::kDouble);
};

TEST_F(TensorLossesTest, SampledSoftmax) {
  OfflineFitOptions options;
  const double sum = std::exp(1.2) + std::exp(0.4) + std::exp(-0.8);
  EXPECT_NEAR(Row(options, 0), std::log(sum) - 1.2, 1e-12);
  options.rho = 1.3;
  EXPECT_NEAR(Row(options, 0), 1.3 * std::log(sum) - 1.2, 1e-12);
  const double second =
      std::exp(-0.4) + std::exp(1.2) + std::exp(2.0) + std::exp(-0.8);
  EXPECT_NEAR(Row(options, 1), 1.3 * std::log(second) + 0.4, 1e-12);
}

TEST_F(TensorLossesTest, TheCommonLossIsAtOneTemperatureAndRhoOne) {
  const at::Tensor common = CommonLosses(scores_, 1.0);
  const double sum = std::exp(0.6) + std::exp(0.2) + std::exp(-0.4);
  EXPECT_NEAR(common[0].item<double>(), std::log(sum) - 0.6, 1e-12);
}

TEST_F(TensorLossesTest, PairwiseIsAMeanOverWhatCounts) {
  OfflineFitOptions options;
  options.loss = Loss::kBpr;
  const auto softplus = [](double x) { return std::log1p(std::exp(x)); };
  EXPECT_NEAR(Row(options, 0), (softplus(-0.8) + softplus(-2.0)) / 2, 1e-12);
  EXPECT_NEAR(Row(options, 1),
              (softplus(1.6) + softplus(2.4) + softplus(-0.4)) / 3, 1e-12);
}

TEST_F(TensorLossesTest, PointwiseIsASum) {
  OfflineFitOptions options;
  options.loss = Loss::kBce;
  const auto softplus = [](double x) { return std::log1p(std::exp(x)); };
  EXPECT_NEAR(Row(options, 0), softplus(-1.2) + softplus(0.4) + softplus(-0.8),
              1e-12);
}

TEST_F(TensorLossesTest, CosineContrastive) {
  OfflineFitOptions options;
  options.loss = Loss::kCcl;
  options.ccl_margin = 0.1;
  options.ccl_weight = 10;
  EXPECT_NEAR(Row(options, 0), 0.4 + 10 * 0.1 / 2, 1e-12);
  EXPECT_NEAR(Row(options, 1), 1.1 + 10 * (0.2 + 0.4) / 3, 1e-12);
}

TEST_F(TensorLossesTest, ACountedNegativeIsAsManyOfItsKind) {
  for (const Loss loss : {Loss::kSsm, Loss::kBpr, Loss::kBce, Loss::kCcl}) {
    OfflineFitOptions options;
    options.loss = loss;
    options.ccl_margin = 0.1;
    RowScores counted = scores_;
    counted.counts = at::tensor({2.0, 1.0, 3.0}, at::kDouble);
    const at::Tensor columns = at::tensor({0, 0, 1, 2, 2, 2}, at::kLong);
    const RowScores repeated = {scores_.positive,
                                scores_.negative.index_select(1, columns),
                                scores_.excluded.index_select(1, columns)};
    EXPECT_TRUE(at::allclose(RowLosses(options, counted, tau_),
                             RowLosses(options, repeated, tau_), 1e-12))
        << static_cast<int>(loss);
    EXPECT_TRUE(at::allclose(CommonLosses(counted, 0.3),
                             CommonLosses(repeated, 0.3), 1e-12));
  }
}

TEST_F(TensorLossesTest, EveryGradientIsTheSlopeOfItsLoss) {
  for (const Loss loss : {Loss::kSsm, Loss::kBpr, Loss::kBce, Loss::kCcl}) {
    OfflineFitOptions options;
    options.loss = loss;
    options.rho = 1.2;
    // All scores as one vector: two positives, then six negatives.
    const at::Tensor all =
        at::cat({scores_.positive, scores_.negative.view({-1})}, 0);
    const auto total = [&](const at::Tensor& x) {
      const RowScores scores = {
          x.narrow(0, 0, 2), x.narrow(0, 2, 6).view({2, 3}), scores_.excluded};
      return RowLosses(options, scores, tau_).sum();
    };
    const at::Tensor leaf = all.clone().requires_grad_(true);
    total(leaf).backward();
    constexpr double kStep = 1e-6;
    for (int64_t i = 0; i < all.size(0); ++i) {
      at::Tensor step = at::zeros_like(all);
      step[i] = kStep;
      const double slope = (total(all + step).item<double>() -
                            total(all - step).item<double>()) /
                           (2 * kStep);
      EXPECT_NEAR(leaf.grad()[i].item<double>(), slope, 1e-6);
    }
  }
}

TEST_F(TensorLossesTest, InfoNceOfTwoViews) {
  const at::Tensor view =
      at::tensor({2.0, 0.0, 0.0, 3.0}, at::kDouble).view({2, 2});
  const at::Tensor other =
      at::tensor({1.0, 0.0, 1.0, 1.0}, at::kDouble).view({2, 2});
  const double half = std::sqrt(0.5);
  const double first = std::log(std::exp(2.0) + std::exp(2 * half)) - 2.0;
  const double second = std::log(1.0 + std::exp(2 * half)) - 2 * half;
  EXPECT_NEAR(InfoNce(view, other, 0.5).item<double>(), first + second, 1e-12);
}

TEST_F(TensorLossesTest, ZeroRowsStayZero) {
  const at::Tensor rows =
      UnitRows(at::tensor({3.0, 4.0, 0.0, 0.0}, at::kDouble).view({2, 2}));
  EXPECT_NEAR(rows[0][1].item<double>(), 0.8, 1e-12);
  EXPECT_EQ(rows[1].abs().sum().item<double>(), 0);
}

}  // namespace
}  // namespace taud::trainer
