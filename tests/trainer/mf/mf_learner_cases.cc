#include "tests/trainer/mf/mf_learner_cases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "trainer/kernels/worker_pool.h"

namespace taud::trainer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int kDim = 12;
constexpr uint32_t kUsers = 15;
constexpr uint32_t kItems = 40;

std::vector<float> UnitRow(std::mt19937* random) {
  std::normal_distribution<float> normal;
  std::vector<float> row(kDim);
  double norm = 0;
  for (float& x : row) {
    x = normal(*random);
    norm += double{x} * x;
  }
  for (float& x : row) x /= static_cast<float>(std::sqrt(norm));
  return row;
}

void Fill(MfLearner* learner) {
  std::mt19937 random(2);
  learner->Grow(kUsers / 2, kItems / 2);
  learner->Grow(kUsers, kItems);
  for (uint32_t u = 0; u < kUsers; ++u) {
    learner->SetRows(Side::kUsers, {u}, UnitRow(&random).data());
  }
  for (uint32_t i = 0; i < kItems; ++i) {
    learner->SetRows(Side::kItems, {i}, UnitRow(&random).data());
  }
}

SsmBatch RandomBatch(std::mt19937* random) {
  SsmBatch batch;
  for (int r = 0; r < 30; ++r) {
    batch.users.push_back((*random)() % kUsers);
    batch.positives.push_back((*random)() % kItems);
    batch.temperatures.push_back(r % 2 == 0 ? 0.1f : 0.15f);
    batch.weights.push_back(r % 3 == 0 ? 0.5f : 1.0f);
  }
  const uint32_t start = (*random)() % kItems;
  for (uint32_t j = 0; j < 20; ++j) {
    batch.negatives.push_back((start + j) % kItems);
  }
  batch.common_temperature = 0.1f;
  return batch;
}

std::vector<float> Rows(const MfLearner& learner, Side side) {
  std::vector<float> values(learner.rows(side) * kDim);
  learner.GetAllRows(side, values.data());
  return values;
}

TEST_P(MfLearnerTest, GrowsKeepsAndCopiesRows) {
  const std::unique_ptr<MfLearner> learner = Make(kDim);
  std::mt19937 random(1);
  learner->Grow(1, 0);
  const std::vector<float> row = UnitRow(&random);
  learner->SetRows(Side::kUsers, {0}, row.data());
  learner->Grow(100, 3);
  learner->Grow(5, 2);
  EXPECT_EQ(learner->rows(Side::kUsers), 100u);
  EXPECT_EQ(learner->rows(Side::kItems), 3u);
  std::vector<float> copy(kDim);
  learner->GetRows(Side::kUsers, {0}, copy.data());
  EXPECT_EQ(copy, row);
  const std::vector<float> all = Rows(*learner, Side::kUsers);
  EXPECT_EQ(std::vector<float>(all.begin(), all.begin() + kDim), row);
  for (size_t i = kDim; i < all.size(); ++i) ASSERT_EQ(all[i], 0.0f);
}

TEST_P(MfLearnerTest, ManyStepsAgreeWithTheFusedImplementation) {
  const std::unique_ptr<MfLearner> learner = Make(kDim);
  WorkerPool single(1);
  const std::unique_ptr<MfLearner> reference = MakeCpuMf(kDim, &single);
  Fill(learner.get());
  Fill(reference.get());
  const std::vector<float> user_rates(kUsers, 0.01f);
  const std::vector<float> item_rates(kItems, 0.005f);
  std::mt19937 random(4);
  MfStepResult mine, theirs;
  const std::vector<uint32_t> known = {3, 7, 11, 30};
  for (int step = 0; step < 25; ++step) {
    SsmBatch batch = RandomBatch(&random);
    // Every option takes its turn, alone and with the others.
    if (step % 2 == 1) batch.rho = 1.2f;
    if (step % 3 == 1) batch.known_positives.assign(batch.users.size(), known);
    if (step % 4 == 1) {
      for (size_t j = 0; j < batch.negatives.size(); ++j) {
        batch.negative_counts.push_back(static_cast<float>(1 + j % 3));
      }
    }
    if (step % 5 == 1) {
      for (size_t i = 0; i < batch.users.size() * kDim; ++i) {
        batch.user_mask.push_back(random() % 4 == 0 ? 0.0f : 1.0f);
      }
    }
    learner->Step(batch, user_rates, item_rates, &mine);
    reference->Step(batch, user_rates, item_rates, &theirs);
    EXPECT_EQ(mine.kept_back, 0);
    EXPECT_EQ(mine.false_negatives, theirs.false_negatives);
    for (size_t r = 0; r < batch.users.size(); ++r) {
      ASSERT_NEAR(mine.losses[r], theirs.losses[r], 2e-3) << step;
      ASSERT_NEAR(mine.common_losses[r], theirs.common_losses[r], 2e-3);
      ASSERT_NEAR(mine.cosines[r], theirs.cosines[r], 2e-4);
    }
  }
  for (const Side side : {Side::kUsers, Side::kItems}) {
    const std::vector<float> a = Rows(*learner, side);
    const std::vector<float> b = Rows(*reference, side);
    for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 1e-3);
  }
  const CosineMoments a =
      learner->Moments(kUsers, kItems, {0, 1, 2}, {3, 4, 5});
  const CosineMoments b =
      reference->Moments(kUsers, kItems, {0, 1, 2}, {3, 4, 5});
  EXPECT_NEAR(a.mean, b.mean, 1e-4);
  EXPECT_NEAR(a.variance, b.variance, 1e-4);
  EXPECT_NEAR(a.positive_mean, b.positive_mean, 1e-3);
  EXPECT_NEAR(a.positive_variance, b.positive_variance, 1e-3);
}

TEST_P(MfLearnerTest, StepsBringTheLossDown) {
  const std::unique_ptr<MfLearner> learner = Make(kDim);
  Fill(learner.get());
  std::mt19937 random(4);
  const SsmBatch batch = RandomBatch(&random);
  MfStepResult result;
  const auto mean_loss = [&] {
    double sum = 0;
    for (const float loss : result.losses) sum += loss;
    return sum / static_cast<double>(result.losses.size());
  };
  learner->Step(batch, std::vector<float>(kUsers, 0.01f),
                std::vector<float>(kItems, 0.01f), &result);
  const double before = mean_loss();
  for (int step = 0; step < 60; ++step) {
    learner->Step(batch, std::vector<float>(kUsers, 0.01f),
                  std::vector<float>(kItems, 0.01f), &result);
  }
  EXPECT_LT(mean_loss(), before - 1.0);
}

TEST_P(MfLearnerTest, ADamagedRowIsFoundAndDoesNotSpread) {
  const std::unique_ptr<MfLearner> learner = Make(kDim);
  Fill(learner.get());
  EXPECT_THAT(learner->NonFiniteRows(Side::kItems), IsEmpty());
  std::vector<float> damaged(kDim, 0.1f);
  damaged[3] = std::numeric_limits<float>::quiet_NaN();
  learner->SetRows(Side::kItems, {7}, damaged.data());
  SsmBatch batch;
  for (uint32_t j = 0; j < 20; ++j) batch.negatives.push_back(j);
  batch.users = {0, 1};
  batch.positives = {30, 31};
  batch.temperatures = {0.1f, 0.1f};
  batch.weights = {1, 1};
  batch.common_temperature = 0.1f;
  MfStepResult result;
  learner->Step(batch, std::vector<float>(kUsers, 0.01f),
                std::vector<float>(kItems, 0.01f), &result);
  EXPECT_GT(result.kept_back, 0);
  EXPECT_THAT(learner->NonFiniteRows(Side::kItems), ElementsAre(7));
  EXPECT_THAT(learner->NonFiniteRows(Side::kUsers), IsEmpty());
}

// As a real step is, and larger than any tile: quantity by quantity.
struct Shape {
  int dim;
  uint32_t users, items, rows, negatives;
};

SsmBatch ShapedBatch(const Shape& shape, std::mt19937* random) {
  SsmBatch batch;
  for (uint32_t r = 0; r < shape.rows; ++r) {
    // A few users and items are in many rows.
    batch.users.push_back((*random)() % (r % 4 == 0 ? 3 : shape.users));
    batch.positives.push_back((*random)() % (r % 5 == 0 ? 3 : shape.items));
    batch.temperatures.push_back(0.05f + 0.001f * (r % 100));
    batch.weights.push_back(r % 7 == 0 ? 0.25f : 1.0f);
    for (int c = 0; c < shape.dim; ++c) {
      batch.user_mask.push_back((*random)() % 10 == 0 ? 0.0f : 1.0f);
    }
  }
  std::vector<uint32_t> all(shape.items);
  for (uint32_t i = 0; i < shape.items; ++i) all[i] = i;
  std::shuffle(all.begin(), all.end(), *random);
  batch.negatives.assign(all.begin(), all.begin() + shape.negatives);
  batch.common_temperature = 0.09f;
  batch.rho = 1.1f;
  batch.negative_weight = 3.0f;
  return batch;
}

void FillShape(const Shape& shape, MfLearner* learner) {
  std::mt19937 random(6);
  learner->Grow(shape.users, shape.items);
  for (const Side side : {Side::kUsers, Side::kItems}) {
    const uint32_t count = side == Side::kUsers ? shape.users : shape.items;
    std::vector<uint32_t> rows;
    std::vector<float> values;
    for (uint32_t r = 0; r < count; ++r) {
      std::vector<float> row(shape.dim);
      double norm = 0;
      for (float& x : row) {
        x = std::normal_distribution<float>()(random);
        norm += double{x} * x;
      }
      for (const float x : row) {
        values.push_back(x / static_cast<float>(std::sqrt(norm)));
      }
      rows.push_back(r);
    }
    learner->SetRows(side, rows, values.data());
  }
}

TEST_P(MfLearnerTest, LargeStepsAgreeWithTheFusedImplementation) {
  for (const Shape& shape :
       {Shape{64, 500, 900, 700, 300}, Shape{64, 80, 70, 64, 64},
        Shape{5, 40, 200, 130, 199}, Shape{128, 100, 300, 65, 257},
        // The softmax over all items.
        Shape{32, 100, 500, 300, 500}}) {
    SCOPED_TRACE(testing::Message()
                 << "dim " << shape.dim << ", rows " << shape.rows);
    const std::unique_ptr<MfLearner> learner = Make(shape.dim);
    WorkerPool single(1);
    const std::unique_ptr<MfLearner> reference = MakeCpuMf(shape.dim, &single);
    FillShape(shape, learner.get());
    FillShape(shape, reference.get());
    const std::vector<float> user_rates(shape.users, 0.004f);
    const std::vector<float> item_rates(shape.items, 0.002f);
    std::mt19937 random(8);
    MfStepResult mine, theirs;
    for (int step = 0; step < 4; ++step) {
      const SsmBatch batch = ShapedBatch(shape, &random);
      learner->Step(batch, user_rates, item_rates, &mine);
      reference->Step(batch, user_rates, item_rates, &theirs);
      ASSERT_EQ(mine.losses.size(), shape.rows);
      EXPECT_EQ(mine.kept_back, theirs.kept_back);
      EXPECT_EQ(mine.false_negatives, theirs.false_negatives);
      // The same rows give the same to rounding. But Adam divides by the root
      // of what it has seen: where a gradient is nearly nothing its rounding
      // decides which way a coordinate goes, a step's length at most.
      const double near = step == 0 ? 1e-5 : 0.02;
      for (uint32_t r = 0; r < shape.rows; ++r) {
        ASSERT_NEAR(mine.cosines[r], theirs.cosines[r], near) << step;
        ASSERT_NEAR(mine.losses[r], theirs.losses[r], 50 * near) << step;
        ASSERT_NEAR(mine.common_losses[r], theirs.common_losses[r], 50 * near);
      }
    }
    for (const Side side : {Side::kUsers, Side::kItems}) {
      const uint32_t count = side == Side::kUsers ? shape.users : shape.items;
      std::vector<float> a(size_t{count} * shape.dim), b(a.size());
      learner->GetAllRows(side, a.data());
      reference->GetAllRows(side, b.data());
      double difference = 0;
      for (size_t i = 0; i < a.size(); ++i) {
        ASSERT_NEAR(a[i], b[i], 0.04);
        difference += std::abs(double{a[i]} - b[i]);
      }
      EXPECT_LT(difference / static_cast<double>(a.size()), 1e-3);
    }
  }
}

TEST_P(RepeatableMfLearnerTest, TheSameStepsGiveTheSameBits) {
  const Shape shape = {64, 300, 400, 500, 200};
  std::vector<float> first;
  for (int run = 0; run < 2; ++run) {
    const std::unique_ptr<MfLearner> learner = Make(shape.dim);
    FillShape(shape, learner.get());
    std::mt19937 random(8);
    MfStepResult result;
    for (int step = 0; step < 5; ++step) {
      learner->Step(ShapedBatch(shape, &random),
                    std::vector<float>(shape.users, 0.004f),
                    std::vector<float>(shape.items, 0.002f), &result);
    }
    std::vector<float> rows(size_t{shape.items} * shape.dim);
    learner->GetAllRows(Side::kItems, rows.data());
    if (run == 0) first = rows;
    EXPECT_EQ(rows, first);
  }
}

TEST_P(RepeatableMfLearnerTest, AnExportIsGoneOnWithToTheBit) {
  const Shape shape = {64, 60, 80, 90, 50};
  const std::unique_ptr<MfLearner> learner = Make(shape.dim);
  FillShape(shape, learner.get());
  const std::vector<float> user_rates(shape.users, 0.004f);
  const std::vector<float> item_rates(shape.items, 0.002f);
  std::mt19937 random(8);
  MfStepResult result;
  learner->Step(ShapedBatch(shape, &random), user_rates, item_rates, &result);
  const std::unique_ptr<MfLearner> other = Make(shape.dim);
  for (const Side side : {Side::kUsers, Side::kItems}) {
    MfTable table;
    learner->Export(side, &table);
    other->Import(side, table);
  }
  const SsmBatch batch = ShapedBatch(shape, &random);
  learner->Step(batch, user_rates, item_rates, &result);
  other->Step(batch, user_rates, item_rates, &result);
  for (const Side side : {Side::kUsers, Side::kItems}) {
    MfTable a, b;
    learner->Export(side, &a);
    other->Export(side, &b);
    EXPECT_EQ(a.values, b.values);
    EXPECT_EQ(a.moment1, b.moment1);
    EXPECT_EQ(a.moment2, b.moment2);
    EXPECT_EQ(a.updates, b.updates);
  }
}

}  // namespace
}  // namespace taud::trainer
