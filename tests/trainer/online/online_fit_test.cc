#include "trainer/online/online_fit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "tests/trainer/online/online_fit_testing.h"
#include "tests/trainer/synthetic_data.h"

namespace taud::trainer {
namespace {

TEST_F(OnlineFitTest, LearnsClustersFarBetterThanPopularity) {
  const ClusteredData data = MakeClusters(300, 200, 10, 12, 1);
  AppendAll(data.train, 1, &interactions_);
  Settle();
  const auto snapshot = ValidSnapshot();
  EXPECT_GT(Recall(*snapshot, data, 10), 0.9);
  EXPECT_LT(PopularityRecall(data, 10), 0.3);
  EXPECT_EQ(snapshot->trained_through, interactions_.last_sequence());
  EXPECT_EQ(fit_->unvisited(), 0u);
  EXPECT_FALSE(fit_->figures().warming_up);
}

// Learns as another does, and says what ρ the last step had; its moments are
// the other's, or such as they were set.
class WatchedLearner final : public MfLearner {
 public:
  explicit WatchedLearner(std::unique_ptr<MfLearner> learner)
      : learner_(std::move(learner)) {}
  float rho() const { return rho_; }
  void SetMoments(const CosineMoments& moments) { moments_ = moments; }

  void Step(const SsmBatch& batch, const std::vector<float>& user_rates,
            const std::vector<float>& item_rates,
            MfStepResult* result) override {
    rho_ = batch.rho;
    learner_->Step(batch, user_rates, item_rates, result);
  }
  int dim() const override { return learner_->dim(); }
  size_t rows(Side side) const override { return learner_->rows(side); }
  void Grow(size_t users, size_t items) override {
    learner_->Grow(users, items);
  }
  void SetRows(Side side, const std::vector<uint32_t>& rows,
               const float* values) override {
    learner_->SetRows(side, rows, values);
  }
  void GetRows(Side side, const std::vector<uint32_t>& rows,
               float* values) const override {
    learner_->GetRows(side, rows, values);
  }
  void GetAllRows(Side side, float* values) const override {
    learner_->GetAllRows(side, values);
  }
  CosineMoments Moments(size_t users, size_t items,
                        const std::vector<uint32_t>& pair_users,
                        const std::vector<uint32_t>& pair_items) override {
    return moments_.has_value()
               ? *moments_
               : learner_->Moments(users, items, pair_users, pair_items);
  }
  void Export(Side side, MfTable* table) const override {
    learner_->Export(side, table);
  }
  void Import(Side side, const MfTable& table) override {
    learner_->Import(side, table);
  }
  std::vector<uint32_t> NonFiniteRows(Side side) const override {
    return learner_->NonFiniteRows(side);
  }

 private:
  const std::unique_ptr<MfLearner> learner_;
  float rho_ = 0;
  std::optional<CosineMoments> moments_;
};

TEST_F(OnlineFitTest, NegativesCountMoreWhereDataIsSparse) {
  const struct {
    uint32_t users, items, degree;
  } cases[] = {{200, 100, 10}, {2000, 1000, 3}, {2000, 3000, 2}};
  float before = 0.999f;  // of the first, dense: 1
  for (const auto& c : cases) {
    const ClusteredData data = MakeClusters(c.users, c.items, 5, c.degree, 1);
    model::Interactions interactions;
    AppendAll(data.train, 1, &interactions);
    auto learner = std::make_unique<WatchedLearner>(MakeCpuMf(kDim, &pool_));
    const WatchedLearner& seen = *learner;
    OnlineFit fit(OnlineFitOptions(), std::move(learner));
    fit.Absorb(interactions);
    ASSERT_TRUE(fit.Step().ok());
    EXPECT_FLOAT_EQ(static_cast<float>(fit.MakeSnapshot()->metrics.at("rho")),
                    seen.rho());
    EXPECT_FLOAT_EQ(static_cast<float>(fit.figures().rho), seen.rho());
    EXPECT_GT(seen.rho(), before);
    before = seen.rho();
  }
}

// μ₊ − μ is smaller by about √ρ where negatives count ρ times.
TEST_F(OnlineFitTest, TemperaturesStayWhatTheyAreWhereNegativesCountMore) {
  const ClusteredData data = MakeClusters(2000, 3000, 5, 2, 1);
  AppendAll(data.train, 1, &interactions_);
  auto learner = std::make_unique<WatchedLearner>(MakeCpuMf(kDim, &pool_));
  CosineMoments moments;
  moments.mean = -0.1;
  moments.positive_mean = 0.4;
  learner->SetMoments(moments);
  OnlineFit fit(OnlineFitOptions(), std::move(learner));
  fit.Absorb(interactions_);
  while (fit.figures().epochs < 15) ASSERT_TRUE(fit.Step().ok());
  const double rho = fit.figures().rho;
  ASSERT_GT(rho, 1.1);
  const auto snapshot = fit.MakeSnapshot();
  const std::vector<uint32_t>& items = snapshot->item_popularity;
  const double log_sparsity = LogSparsity(
      2000, items.size() - std::count(items.begin(), items.end(), 0u),
      fit.pairs());
  EXPECT_NEAR(fit.figures().tau0, 0.5 * std::sqrt(rho) / log_sparsity, 1e-4);
}

TEST_F(OnlineFitTest, TooLittleToLearnFrom) {
  EXPECT_FALSE(fit_->Absorb(interactions_));
  EXPECT_FALSE(fit_->Ready());
  for (uint32_t user = 0; user < 20; ++user) AppendOne(user, 0, &interactions_);
  EXPECT_TRUE(fit_->Absorb(interactions_));
  EXPECT_FALSE(fit_->Ready());  // one item: nothing to tell apart
  AppendOne(3, 1, &interactions_);
  fit_->Absorb(interactions_);
  EXPECT_TRUE(fit_->Ready());
  EXPECT_FALSE(fit_->HasModel());
}

TEST_F(OnlineFitTest, UnlearntRowsAreZeroAndLearntOnesHaveUnitNorm) {
  const ClusteredData data = MakeClusters(100, 60, 5, 6, 1);
  AppendAll(data.train, 1, &interactions_);
  // User 150 and item 90 are far beyond the others; in between is nobody.
  AppendOne(150, 90, &interactions_);
  Settle();
  const auto snapshot = ValidSnapshot();
  ASSERT_EQ(snapshot->users.rows, 151u);
  ASSERT_EQ(snapshot->items.rows, 91u);
  EXPECT_EQ(snapshot->user_degree[120], 0u);
  EXPECT_EQ(snapshot->user_degree[150], 1u);
  EXPECT_EQ(snapshot->temperatures[120], 0.0f);
  EXPECT_GT(snapshot->temperatures[150], 0.0f);
}

TEST_F(OnlineFitTest, SnapshotsAreValidAtEveryStage) {
  const ClusteredData data = MakeClusters(200, 100, 5, 8, 1);
  AppendAll(data.train, 1, &interactions_);
  fit_->Absorb(interactions_);
  model::Sequence through = 0;
  for (int step = 0; step < 120; ++step) {
    ASSERT_TRUE(fit_->Step().ok());
    const auto snapshot = ValidSnapshot();
    EXPECT_GE(snapshot->trained_through, through);
    through = snapshot->trained_through;
  }
  EXPECT_EQ(through, interactions_.last_sequence());
}

TEST_F(OnlineFitTest, GrowsWithNewUsersAndItemsAndKeepsTheOld) {
  ClusteredData data = MakeClusters(200, 100, 5, 10, 1);
  AppendAll(data.train, 1, &interactions_);
  Settle();
  const double before = Recall(*ValidSnapshot(), data, 10);
  // Users 200 … 209 and items 100 … 104 are new; both belong to clusters.
  for (uint32_t user = 200; user < 210; ++user) {
    for (uint32_t k = 0; k < 6; ++k) {
      AppendOne(user, user % 5 + 5 * k, &interactions_);
    }
    AppendOne(user, 100 + user % 5, &interactions_);
  }
  Settle();
  const auto snapshot = ValidSnapshot();
  // One place more: the cluster's new item belongs among the first, too.
  EXPECT_GT(Recall(*snapshot, data, 11), before - 0.03);
  int found = 0;
  for (uint32_t user = 200; user < 210; ++user) {
    // An item of the own cluster that this user never saw, and a stranger.
    const uint32_t own = user % 5 + 5 * 12;
    const uint32_t other = (user + 1) % 5 + 5 * 12;
    EXPECT_GT(Cosine(*snapshot, user, own), Cosine(*snapshot, user, other));
    // Old users of the cluster find the new item, which two users have told of.
    found += Cosine(*snapshot, user % 5, 100 + user % 5) >
             Cosine(*snapshot, user % 5, 100 + (user + 1) % 5);
  }
  EXPECT_GE(found, 8);
}

TEST_F(OnlineFitTest, DislikesAndUnusableWeightsAreReadButNotLearnt) {
  const ClusteredData data = MakeClusters(100, 60, 5, 6, 1);
  AppendAll(data.train, 1, &interactions_);
  AppendOne(0, 70, &interactions_, model::InteractionKind::kDislike);
  for (const float weight :
       {std::nanf(""), 0.0f, -1.0f, std::numeric_limits<float>::infinity()}) {
    AppendOne(1, 71, &interactions_, model::InteractionKind::kClick, weight);
  }
  Settle();
  const auto snapshot = ValidSnapshot();
  EXPECT_EQ(snapshot->trained_through, interactions_.last_sequence());
  EXPECT_EQ(snapshot->user_degree[0], data.train[0].size());
  EXPECT_TRUE(snapshot->items.rows <= 70 || snapshot->item_popularity[70] == 0);
  EXPECT_TRUE(snapshot->items.rows <= 71 || snapshot->item_popularity[71] == 0);
  // More of the same is through at once, without a step.
  AppendOne(0, 3, &interactions_, model::InteractionKind::kDislike);
  fit_->Absorb(interactions_);
  EXPECT_TRUE(fit_->Settled());
  EXPECT_EQ(fit_->trained_through(), interactions_.last_sequence());
}

TEST_F(OnlineFitTest, RepeatedInteractionsAreOnePair) {
  const ClusteredData data = MakeClusters(50, 40, 4, 5, 1);
  for (int time = 0; time < 5; ++time) AppendAll(data.train, 1, &interactions_);
  Settle();  // those that were held back, too
  EXPECT_EQ(fit_->pairs(), 50u * 5u);
}

TEST_F(OnlineFitTest, WarmStartKeepsWhatWasLearnt) {
  const ClusteredData data = MakeClusters(300, 200, 10, 12, 1);
  AppendAll(data.train, 1, &interactions_);
  Settle();
  const auto before = ValidSnapshot();

  fit_ = MakeFit(2);
  ASSERT_TRUE(fit_->WarmStart(*before).ok());
  EXPECT_TRUE(fit_->HasModel());
  fit_->Absorb(interactions_);
  EXPECT_TRUE(fit_->Settled());  // nothing to do again
  EXPECT_EQ(fit_->unvisited(), 0u);
  const auto same = ValidSnapshot();
  EXPECT_EQ(same->trained_through, before->trained_through);
  EXPECT_EQ(same->users.values, before->users.values);
  EXPECT_EQ(same->items.values, before->items.values);
  for (size_t u = 0; u < same->temperatures.size(); ++u) {
    EXPECT_NEAR(same->temperatures[u], before->temperatures[u], 1e-4);
  }

  // And it goes on from there.
  AppendOne(300, 0, &interactions_);
  AppendOne(300, 10, &interactions_);
  Settle();
  EXPECT_GT(Recall(*ValidSnapshot(), data, 10), 0.9);
}

TEST_F(OnlineFitTest, SettledRowsLearnWhatIsNewAgainWhenThereIsTime) {
  const ClusteredData data = MakeClusters(300, 200, 10, 12, 1);
  AppendAll(data.train, 1, &interactions_);
  Settle();
  const uint64_t before = fit_->figures().positives;
  for (uint32_t user = 0; user < 300; ++user) {
    AppendOne(user, data.test[user][0], &interactions_);
  }
  Settle();
  // Thirty passes over what is new, and twice as much of renewal.
  EXPECT_GT(fit_->figures().positives - before, 300u * 75);
  EXPECT_GT(Recall(*ValidSnapshot(), data, 10), 0.9);
}

TEST_F(OnlineFitTest, WarmStartRefusesWhatDoesNotFit) {
  model::Snapshot snapshot;
  snapshot.users = model::Matrix(1, 8);
  snapshot.items = model::Matrix(1, 8);
  EXPECT_EQ(fit_->WarmStart(snapshot).code(),
            absl::StatusCode::kInvalidArgument);
  snapshot.users = model::Matrix(1, kDim);
  snapshot.items = model::Matrix(1, kDim);
  snapshot.items.values[2] = std::nanf("");
  EXPECT_FALSE(fit_->WarmStart(snapshot).ok());
}

TEST_F(OnlineFitTest, DamagedRowsAreContained) {
  const ClusteredData data = MakeClusters(300, 200, 10, 12, 1);
  AppendAll(data.train, 1, &interactions_);
  Settle();
  std::vector<float> damaged(kDim, std::nanf(""));
  learner_->SetRows(Side::kItems, {5}, damaged.data());
  learner_->SetRows(Side::kUsers, {8}, damaged.data());
  AppendOne(8, 5, &interactions_);
  AppendOne(9, 5, &interactions_);
  Settle();
  EXPECT_GT(fit_->figures().contained, 0u);
  EXPECT_GT(Recall(*ValidSnapshot(), data, 10), 0.9);
}

TEST_F(OnlineFitTest, SpamFromOneUserDoesNotMoveTheOthers) {
  const ClusteredData data = MakeClusters(300, 200, 10, 12, 1);
  AppendAll(data.train, 1, &interactions_);
  Settle();
  const auto before = ValidSnapshot();
  // One user takes every item of the catalogue, with the greatest weight.
  for (uint32_t item = 0; item < 200; ++item) {
    AppendOne(300, item, &interactions_, model::InteractionKind::kPurchase,
              100.0f);
  }
  Settle();
  EXPECT_GT(Recall(*ValidSnapshot(), data, 10),
            Recall(*before, data, 10) - 0.05);
}

TEST_F(OnlineFitTest, AHeavyUserInABulkDoesNotPullEveryItemTowardsItself) {
  // High rates, and a hundred times the weight: without a bound all items end
  // up where this one user is.
  const ClusteredData data = MakeClusters(300, 200, 10, 12, 1);
  for (uint32_t user = 300; user < 304; ++user) {
    for (uint32_t item = 0; item < 200; ++item) {
      AppendOne(user, item, &interactions_, model::InteractionKind::kPurchase,
                100.0f);
    }
  }
  AppendAll(data.train, 1, &interactions_);
  Settle();
  const double recall = Recall(*ValidSnapshot(), data, 10);
  EXPECT_GT(recall, 0.8);
}

TEST_F(OnlineFitTest, SpamOnOneItemDoesNotPutItBeforeEverybody) {
  const ClusteredData data = MakeClusters(300, 200, 10, 12, 1);
  AppendAll(data.train, 1, &interactions_);
  Settle();
  // As many new users as there were before, all on item 200.
  for (uint32_t user = 300; user < 600; ++user) {
    AppendOne(user, 200, &interactions_, model::InteractionKind::kPurchase,
              100.0f);
  }
  Settle();
  const auto snapshot = ValidSnapshot();
  EXPECT_GT(Recall(*snapshot, data, 10), 0.85);
  // Those who did not ask for it do not get it first.
  int first = 0;
  for (uint32_t user = 0; user < 300; ++user) {
    if (Cosine(*snapshot, user, 200) >
        Cosine(*snapshot, user, data.test[user][0])) {
      ++first;
    }
  }
  EXPECT_LT(first, 30);
}

TEST_F(OnlineFitTest, TheSameSeedLearnsTheSame) {
  const ClusteredData data = MakeClusters(60, 40, 4, 6, 1);
  AppendAll(data.train, 1, &interactions_);
  Settle();
  const auto first = fit_->MakeSnapshot();
  fit_ = MakeFit(1);
  Settle();
  EXPECT_EQ(first->users.values, fit_->MakeSnapshot()->users.values);
  fit_ = MakeFit(2);
  Settle();
  EXPECT_NE(first->users.values, fit_->MakeSnapshot()->users.values);
}

TEST_F(OnlineFitTest, UsersWhoseItemsMakeNoSenseGetAHigherTemperature) {
  ClusteredData data = MakeClusters(300, 200, 10, 12, 1);
  // Every tenth user takes items from all clusters.
  uint32_t item = 0;
  for (uint32_t user = 0; user < 300; user += 11) {
    for (uint32_t& taken : data.train[user]) {
      item = (item + 37) % 200;
      taken = item;
    }
  }
  AppendAll(data.train, 1, &interactions_);
  Settle();
  const auto snapshot = ValidSnapshot();
  double noisy = 0, clean = 0;
  int noisy_users = 0, clean_users = 0;
  for (uint32_t user = 0; user < 300; ++user) {
    const double tau = snapshot->temperatures[user];
    (user % 11 == 0 ? noisy : clean) += tau;
    ++(user % 11 == 0 ? noisy_users : clean_users);
  }
  EXPECT_GT(noisy / noisy_users, 1.05 * clean / clean_users);
}

}  // namespace
}  // namespace taud::trainer
