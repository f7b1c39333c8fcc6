#include "trainer/mf/ssm_loss.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace taud::trainer {
namespace {

at::Tensor ToTensor(const std::vector<float>& values, int64_t rows) {
  const int64_t count = static_cast<int64_t>(values.size());
  return at::from_blob(const_cast<float*>(values.data()), {rows, count / rows},
                       at::kFloat)
      .to(at::kDouble);
}

at::Tensor Indices(const std::vector<uint32_t>& rows) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(rows.size())}, at::kLong);
  std::copy(rows.begin(), rows.end(), tensor.data_ptr<int64_t>());
  return tensor;
}

struct Case {
  int dim;
  int users, items, rows, negatives, threads;
  float rho = 1;
  bool dropout = false;
  bool known_positives = false;
  bool counted = false;
};

class SsmLossTest : public testing::TestWithParam<Case> {};

// The same loss written down as in the paper, in double precision, and
// differentiated by LibTorch.
TEST_P(SsmLossTest, AgreesWithAutograd) {
  const Case& c = GetParam();
  std::mt19937 random(11);
  std::normal_distribution<float> normal;
  const auto unit_rows = [&](int rows) {
    std::vector<float> values(static_cast<size_t>(rows * c.dim));
    for (float& x : values) x = normal(random);
    at::Tensor tensor = ToTensor(values, rows);
    tensor = (tensor / tensor.norm(2, {1}, true)).to(at::kFloat).contiguous();
    std::copy_n(tensor.data_ptr<float>(), values.size(), values.begin());
    return values;
  };
  const std::vector<float> users = unit_rows(c.users);
  const std::vector<float> items = unit_rows(c.items);
  SsmBatch batch;
  for (int r = 0; r < c.rows; ++r) {
    batch.users.push_back(random() % c.users);
    batch.positives.push_back(random() % c.items);
    batch.temperatures.push_back(r % 3 == 0 ? 0.1f : 0.04f + 0.01f * (r % 20));
    batch.weights.push_back(r % 5 == 0 ? 0.25f : 1.0f);
  }
  for (int j = 0; j < c.negatives; ++j) batch.negatives.push_back(j);
  at::Tensor often = at::ones({c.negatives}, at::kDouble);
  if (c.counted) {
    for (int j = 0; j < c.negatives; ++j) {
      batch.negative_counts.push_back(static_cast<float>(1 + j % 4));
    }
    often = ToTensor(batch.negative_counts, c.negatives).squeeze(1);
  }
  batch.common_temperature = 0.1f;
  batch.rho = c.rho;
  // A third of the items is known of each user.
  std::vector<std::vector<uint32_t>> known(c.users);
  for (int i = 0; i < c.items; ++i) known[random() % c.users].push_back(i);
  at::Tensor counts = often.repeat({c.rows, 1});
  for (int r = 0; r < c.rows; ++r) {
    const auto leave_out = [&](uint32_t item) {
      if (static_cast<int>(item) < c.negatives) counts[r][item] = 0;
    };
    leave_out(batch.positives[r]);
    if (!c.known_positives) continue;
    batch.known_positives.push_back(known[batch.users[r]]);
    for (const uint32_t item : known[batch.users[r]]) leave_out(item);
  }
  at::Tensor mask = at::ones({c.rows, c.dim}, at::kDouble);
  if (c.dropout) {
    for (int i = 0; i < c.rows * c.dim; ++i) {
      batch.user_mask.push_back(random() % 5 == 0 ? 0.0f : 1.0f);
    }
    mask = ToTensor(batch.user_mask, c.rows);
  }

  at::Tensor user_rows =
      ToTensor(users, c.users).index_select(0, Indices(batch.users));
  at::Tensor positive_rows =
      ToTensor(items, c.items).index_select(0, Indices(batch.positives));
  at::Tensor negative_rows =
      ToTensor(items, c.items).index_select(0, Indices(batch.negatives));
  user_rows.requires_grad_();
  positive_rows.requires_grad_();
  negative_rows.requires_grad_();
  const at::Tensor dropped =
      c.dropout
          ? user_rows * mask / (user_rows * mask).norm(2, {1}, /*keepdim=*/true)
          : user_rows;
  const auto losses_at = [&](const at::Tensor& tau, double rho) {
    const at::Tensor positive = (dropped * positive_rows).sum(1) / tau;
    const at::Tensor negative =
        (dropped.matmul(negative_rows.t()) / tau.unsqueeze(1)).exp() * counts;
    return -positive + rho * (positive.exp() + negative.sum(1)).log();
  };
  const at::Tensor losses =
      losses_at(ToTensor(batch.temperatures, c.rows).squeeze(1), c.rho);
  (losses * ToTensor(batch.weights, c.rows).squeeze(1)).sum().backward();

  WorkerPool pool(c.threads);
  SsmLoss loss(c.dim, &pool);
  SsmResult result;
  // Twice: scratch of the first time must not show in the second.
  for (int time = 0; time < 2; ++time) {
    loss.Compute(users.data(), items.data(), static_cast<uint32_t>(c.items),
                 batch, &result);
  }
  const auto difference = [](const std::vector<float>& mine,
                             const at::Tensor& theirs) {
    return (ToTensor(mine, theirs.size(0)) - theirs).abs().max().item<double>();
  };
  // Gradients are up to 1/τ = 25.
  EXPECT_LT(difference(result.user_gradients, user_rows.grad()), 2e-4);
  EXPECT_LT(difference(result.positive_gradients, positive_rows.grad()), 2e-4);
  EXPECT_LT(difference(result.negative_gradients, negative_rows.grad()) /
                negative_rows.grad().abs().max().item<double>(),
            1e-5);
  EXPECT_LT(difference(result.user_gradients, user_rows.grad()) /
                user_rows.grad().abs().max().item<double>(),
            1e-5);
  EXPECT_LT(difference(result.losses, losses.detach().unsqueeze(1)), 1e-5);
  EXPECT_LT(difference(result.common_losses,
                       losses_at(at::full({c.rows}, 0.1, at::kDouble), 1.0)
                           .detach()
                           .unsqueeze(1)),
            1e-5);
  EXPECT_LT(difference(result.cosines,
                       (dropped * positive_rows).sum(1, true).detach()),
            1e-5);
  EXPECT_EQ(result.false_negatives, c.rows * often.sum().item<int64_t>() -
                                        counts.sum().item<int64_t>());
}

INSTANTIATE_TEST_SUITE_P(Sizes, SsmLossTest,
                         testing::Values(Case{64, 50, 200, 300, 150, 1},
                                         Case{64, 50, 200, 300, 150, 3},
                                         Case{10, 20, 30, 40, 30, 2},
                                         Case{33, 9, 90, 127, 65, 1},
                                         Case{1, 3, 4, 5, 2, 1},
                                         Case{64, 5, 70, 1, 64, 2}));

constexpr bool kDropout = true;
constexpr bool kKnown = true;
constexpr bool kCounted = true;
INSTANTIATE_TEST_SUITE_P(
    Variants, SsmLossTest,
    testing::Values(
        Case{64, 50, 200, 300, 150, 1, 1.22f},
        Case{64, 50, 200, 300, 150, 3, 0.8f},
        Case{64, 50, 200, 300, 150, 1, 1.0f, kDropout},
        Case{64, 9, 200, 300, 150, 2, 1.0f, false, kKnown},
        Case{33, 9, 90, 127, 65, 3, 1.1f, kDropout, kKnown},
        Case{64, 50, 900, 300, 700, 2, 1.0f, false, false, kCounted},
        Case{33, 9, 90, 127, 65, 3, 1.1f, kDropout, kKnown, kCounted}));

TEST(SsmLossEdgeTest, ARowThatDropoutLeavesEmptyIsKeptWhole) {
  WorkerPool pool(1);
  SsmLoss loss(2, &pool);
  const float users[] = {1, 0};
  const float items[] = {0, 1, 1, 0};
  SsmBatch batch;
  batch.users = {0};
  batch.positives = {0};
  batch.temperatures = {0.5f};
  batch.weights = {1};
  batch.negatives = {1};
  batch.common_temperature = 1.0f;
  SsmResult whole, masked;
  loss.Compute(users, items, 2, batch, &whole);
  batch.user_mask = {0, 1};
  loss.Compute(users, items, 2, batch, &masked);
  EXPECT_EQ(masked.losses, whole.losses);
  EXPECT_EQ(masked.user_gradients, whole.user_gradients);
}

TEST(SsmLossEdgeTest, WithoutNegativesThereIsNothingToLearn) {
  WorkerPool pool(1);
  SsmLoss loss(2, &pool);
  const float users[] = {1, 0};
  const float items[] = {0, 1};
  SsmBatch batch;
  batch.users = {0};
  batch.positives = {0};
  batch.temperatures = {0.1f};
  batch.weights = {1};
  batch.common_temperature = 0.1f;
  SsmResult result;
  loss.Compute(users, items, 1, batch, &result);
  EXPECT_EQ(result.losses[0], 0);
  EXPECT_EQ(result.user_gradients[1], 0);
  EXPECT_EQ(result.positive_gradients[0], 0);
}

TEST(SsmLossEdgeTest, ExtremeTemperaturesStayFinite) {
  WorkerPool pool(1);
  SsmLoss loss(2, &pool);
  const float users[] = {1, 0};
  const float items[] = {-1, 0, 1, 0, 0, 1};
  SsmBatch batch;
  batch.users = {0, 0};
  batch.positives = {0, 1};
  batch.temperatures = {0.001f, 0.001f};
  batch.weights = {1, 1};
  batch.negatives = {1, 2};
  batch.common_temperature = 1.0f;
  SsmResult result;
  loss.Compute(users, items, 3, batch, &result);
  EXPECT_NEAR(result.losses[0], 2000.0, 0.1);
  EXPECT_NEAR(result.losses[1], 0.0, 1e-6);
  for (const float g : result.user_gradients) EXPECT_TRUE(std::isfinite(g));
}

}  // namespace
}  // namespace taud::trainer
