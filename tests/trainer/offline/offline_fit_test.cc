#include "trainer/offline/offline_fit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tests/trainer/evaluate_ranking.h"
#include "tests/trainer/synthetic_data.h"
#include "trainer/kernels/worker_pool.h"

namespace taud::trainer {
namespace {

bool Always(double) { return true; }

// A learner that says it waits for a device.
class SlowLearner final : public OfflineLearner {
 public:
  explicit SlowLearner(std::unique_ptr<OfflineLearner> learner)
      : learner_(std::move(learner)) {}
  bool waits_for_device() const override { return true; }
  void StartEpoch() override { learner_->StartEpoch(); }
  void Step(const SsmBatch& batch, float rate, MfStepResult* result) override {
    if (++steps_ == fails_at_) throw std::runtime_error("the device is lost");
    learner_->Step(batch, rate, result);
  }
  CosineMoments Moments(const std::vector<uint32_t>& pair_users,
                        const std::vector<uint32_t>& pair_items) override {
    return learner_->Moments(pair_users, pair_items);
  }
  model::Matrix Users() const override { return learner_->Users(); }
  model::Matrix Items() const override { return learner_->Items(); }
  std::vector<float> ItemNorms() const override {
    return learner_->ItemNorms();
  }
  void FailAt(int step) { fails_at_ = step; }

 private:
  const std::unique_ptr<OfflineLearner> learner_;
  int steps_ = 0;
  int fails_at_ = 0;
};

class OfflineFitTest : public testing::Test {
 protected:
  std::unique_ptr<OfflineFit> Make(OfflineFitOptions options) {
    return Make(options, data_);
  }
  std::unique_ptr<OfflineFit> Make(OfflineFitOptions options,
                                   const ClusteredData& data) {
    const uint32_t items = static_cast<uint32_t>(data.items);
    options.dim = 16;
    options.learning_rate = 6e-3;
    return std::make_unique<OfflineFit>(
        options, &data.train, items,
        MakeMfOfflineLearner(options, data.train, items,
                             MakeCpuMf(16, &pool_)));
  }
  // By a learner that waits for a device, which is lost at a step (0: none).
  std::unique_ptr<OfflineFit> MakeSlow(OfflineFitOptions options,
                                       int fails_at = 0) {
    const uint32_t items = static_cast<uint32_t>(data_.items);
    options.dim = 16;
    options.learning_rate = 6e-3;
    auto learner = std::make_unique<SlowLearner>(MakeMfOfflineLearner(
        options, data_.train, items, MakeCpuMf(16, &pool_)));
    learner->FailAt(fails_at);
    return std::make_unique<OfflineFit>(options, &data_.train, items,
                                        std::move(learner));
  }
  std::unique_ptr<OfflineFit> Learn(OfflineFitOptions options, int epochs) {
    options.schedule_epochs = epochs;
    auto fit = Make(options);
    for (int e = 0; e < epochs; ++e) EXPECT_TRUE(fit->RunEpoch(Always).ok());
    return fit;
  }
  double RecallOf(const OfflineFit& fit) {
    return EvaluateRanking(fit.Users(), fit.Items(), data_.train, data_.test,
                           10, 1)
        .recall;
  }

  const ClusteredData data_ = MakeClusters(120, 200, 5, 12, 3);
  WorkerPool pool_{1};
};

TEST_F(OfflineFitTest, LearnsMoreThanPopularity) {
  const auto fit = Learn({}, 12);
  EXPECT_GT(RecallOf(*fit), 2 * PopularityRecall(data_, 10));
  EXPECT_EQ(fit->figures().epochs, 12);
}

TEST_F(OfflineFitTest, TheSeedDecidesTheRows) {
  OfflineFitOptions options;
  const auto a = Learn(options, 3);
  const auto b = Learn(options, 3);
  options.seed = 2;
  const auto other = Learn(options, 3);
  EXPECT_EQ(a->Users().values, b->Users().values);
  EXPECT_EQ(a->Items().values, b->Items().values);
  EXPECT_EQ(a->Temperatures(), b->Temperatures());
  EXPECT_NE(a->Users().values, other->Users().values);
}

// Batches that are drawn while a step runs are those that are drawn before it.
TEST_F(OfflineFitTest, DrawingAheadChangesNothing) {
  for (const Loss loss : {Loss::kSsm, Loss::kSm}) {
    for (const NegativeSource source :
         {NegativeSource::kShared, NegativeSource::kInBatch}) {
      OfflineFitOptions options;
      options.loss = loss;
      options.source = source;
      options.dropout = 0.2;
      options.batch_rows = 100;  // the last batch is a shorter one
      options.schedule_epochs = 3;
      const auto ahead = MakeSlow(options);
      for (int e = 0; e < 3; ++e) ASSERT_TRUE(ahead->RunEpoch(Always).ok());
      const auto plain = Learn(options, 3);
      EXPECT_EQ(ahead->Users().values, plain->Users().values);
      EXPECT_EQ(ahead->Items().values, plain->Items().values);
      EXPECT_EQ(ahead->figures().loss, plain->figures().loss);
    }
  }
}

TEST_F(OfflineFitTest, ALostDeviceIsThrownAndEndsTheThread) {
  const auto fit = MakeSlow({}, 2);
  EXPECT_THROW((void)fit->RunEpoch(Always), std::runtime_error);
}

TEST_F(OfflineFitTest, AHeldTemperatureStays) {
  OfflineFitOptions options;
  options.held_tau0 = 0.13;
  options.temperature = TemperatureRule::kAdapTau0;
  const auto fit = Learn(options, 5);
  EXPECT_EQ(fit->figures().tau0, 0.13);
  for (const float tau : fit->Temperatures()) EXPECT_FLOAT_EQ(tau, 0.13f);
}

TEST_F(OfflineFitTest, Tau0FollowsEquation14) {
  OfflineFitOptions options;
  options.temperature = TemperatureRule::kAdapTau0;
  const auto fit = Learn(options, 60);
  // Settled: the governor has come to what the rows' own moments say.
  size_t pairs = 0;
  for (const auto& list : data_.train) pairs += list.size();
  const double eq14 =
      fit->figures().gap / LogSparsity(data_.train.size(), data_.items, pairs);
  EXPECT_NEAR(fit->figures().tau0 / eq14, 1, 0.1);
}

TEST_F(OfflineFitTest, UsersWithGreaterLossGetGreaterTemperatures) {
  ClusteredData noisy = data_;
  // User 0 takes items of every cluster: nothing fits it well.
  noisy.train[0].clear();
  for (uint32_t item = 0; item < noisy.items; item += 17) {
    noisy.train[0].push_back(item);
  }
  OfflineFitOptions options;
  options.schedule_epochs = 10;
  const auto fit = Make(options, noisy);
  for (int e = 0; e < 10; ++e) ASSERT_TRUE(fit->RunEpoch(Always).ok());
  const std::vector<float> tau = fit->Temperatures();
  double mean = 0;
  for (const float t : tau) mean += t / static_cast<double>(tau.size());
  EXPECT_GT(tau[0], mean);
  EXPECT_GT(tau[0], fit->figures().tau0);
}

TEST_F(OfflineFitTest, KnownPositivesAreNoNegatives) {
  // Every item is a negative of every row: a user's 12 items are left out.
  OfflineFitOptions options;
  options.leave_out_known = true;
  const auto fit = Learn(options, 1);
  EXPECT_DOUBLE_EQ(fit->figures().false_negatives, 12);
}

TEST_F(OfflineFitTest, RowsWithoutPositivesStayZero) {
  ClusteredData data = data_;
  data.train.resize(data.train.size() + 1);
  ++data.items;
  const auto fit = Make({}, data);
  ASSERT_TRUE(fit->RunEpoch(Always).ok());
  const model::Matrix users = fit->Users();
  const model::Matrix items = fit->Items();
  for (size_t c = 0; c < 16; ++c) {
    EXPECT_EQ(users.Row(users.rows - 1)[c], 0);
    EXPECT_EQ(items.Row(items.rows - 1)[c], 0);
  }
  EXPECT_EQ(fit->Temperatures().back(), 0);
}

TEST_F(OfflineFitTest, StopsWhenAskedTo) {
  const auto fit = Make({});
  int calls = 0;
  const absl::Status status =
      fit->RunEpoch([&](double) { return ++calls < 3; });
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(fit->figures().epochs, 0);
}

TEST_F(OfflineFitTest, NeedsTwoItems) {
  ClusteredData data;
  data.train = {{0}, {0}};
  data.items = 1;
  EXPECT_EQ(Make({}, data)->RunEpoch(Always).code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace taud::trainer
