#include "trainer/online/online_fit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "query/query_weights.h"
#include "tests/trainer/synthetic_data.h"
#include "trainer/kernels/worker_pool.h"
#include "trainer/online/fit_state.h"

namespace taud::trainer {
namespace {

constexpr int kDim = 16;

class OnlineFitTest : public testing::Test {
 protected:
  OnlineFitTest() : fit_(MakeFit()) {}

  std::unique_ptr<OnlineFit> MakeFit(uint64_t seed = 1) {
    OnlineFitOptions options;
    options.seed = seed;
    options.negatives = 128;
    auto learner = MakeCpuMf(kDim, &pool_);
    learner_ = learner.get();
    return std::make_unique<OnlineFit>(options, std::move(learner));
  }

  // Steps until settled; fails the test if that takes for ever.
  void Settle() {
    fit_->Absorb(interactions_);
    for (int step = 0; !fit_->Settled(); ++step) {
      ASSERT_LT(step, 200000);
      const absl::Status status = fit_->Step();
      ASSERT_TRUE(status.ok()) << status;
    }
  }
  std::unique_ptr<model::Snapshot> ValidSnapshot() {
    std::unique_ptr<model::Snapshot> snapshot = fit_->MakeSnapshot();
    const absl::Status status = model::ValidateSnapshot(*snapshot);
    EXPECT_TRUE(status.ok()) << status;
    return snapshot;
  }

  WorkerPool pool_{1};
  model::Interactions interactions_;
  MfLearner* learner_ = nullptr;  // the fit's
  std::unique_ptr<OnlineFit> fit_;
};

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
  for (uint32_t user = 200; user < 210; ++user) {
    // An item of the own cluster that this user never saw, and a stranger.
    const uint32_t own = user % 5 + 5 * 12;
    const uint32_t other = (user + 1) % 5 + 5 * 12;
    EXPECT_GT(Cosine(*snapshot, user, own), Cosine(*snapshot, user, other));
    // Old users of the cluster find the new item.
    EXPECT_GT(Cosine(*snapshot, user % 5, 100 + user % 5),
              Cosine(*snapshot, user % 5, 100 + (user + 1) % 5));
  }
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

// --- State ------------------------------------------------------------------

TEST_F(OnlineFitTest, AnImportedStateMakesTheSameStepsToTheBit) {
  const ClusteredData data = MakeClusters(120, 90, 6, 10, 1);
  const size_t half = data.train.size() / 2;
  AppendAll({data.train.begin(), data.train.begin() + half}, 1, &interactions_);
  fit_->Absorb(interactions_);
  for (int step = 0; step < 37; ++step) ASSERT_TRUE(fit_->Step().ok());
  const auto state = fit_->Export();
  EXPECT_EQ(state->absorbed_through, interactions_.last_sequence());

  auto other = MakeFit(/*seed=*/99);
  MfLearner* const other_learner = learner_;
  ASSERT_TRUE(other->Import(*state).ok());
  AppendAll({data.train.begin() + half, data.train.end()},
            interactions_.last_sequence() + 1, &interactions_);
  for (OnlineFit* fit : {fit_.get(), other.get()}) {
    fit->Absorb(interactions_);
    for (int step = 0; step < 60; ++step) ASSERT_TRUE(fit->Step().ok());
  }
  const auto mine = fit_->MakeSnapshot();
  const auto theirs = other->MakeSnapshot();
  EXPECT_EQ(mine->users.values, theirs->users.values);
  EXPECT_EQ(mine->items.values, theirs->items.values);
  EXPECT_EQ(mine->temperatures, theirs->temperatures);
  EXPECT_EQ(mine->tau0, theirs->tau0);
  EXPECT_EQ(mine->trained_through, theirs->trained_through);
  EXPECT_EQ(mine->metrics, theirs->metrics);
  EXPECT_EQ(fit_->Export()->doubles, other->Export()->doubles);
  EXPECT_EQ(other_learner->rows(Side::kUsers), mine->users.rows);
}

TEST_F(OnlineFitTest, AStateOfRowsThatAreRenewedIsGoneOnWithToTheBit) {
  const ClusteredData data = MakeClusters(120, 90, 6, 10, 1);
  AppendAll(data.train, 1, &interactions_);
  Settle();
  for (uint32_t user = 0; user < 120; ++user) {
    AppendOne(user, data.test[user][0], &interactions_);
  }
  fit_->Absorb(interactions_);
  for (int step = 0; step < 60; ++step) ASSERT_TRUE(fit_->Step().ok());
  const auto state = fit_->Export();
  const std::vector<uint32_t>& owed = state->integers.at("users/owed");
  EXPECT_LT(std::count(owed.begin(), owed.end(), 0u), 120);

  auto other = MakeFit(/*seed=*/99);
  ASSERT_TRUE(other->Import(*state).ok());
  Settle();
  fit_.swap(other);
  Settle();
  EXPECT_EQ(fit_->MakeSnapshot()->users.values,
            other->MakeSnapshot()->users.values);
  EXPECT_EQ(fit_->Export()->integers, other->Export()->integers);
  EXPECT_EQ(fit_->Export()->doubles, other->Export()->doubles);
}

TEST_F(OnlineFitTest, AStateThatCannotBeIsRefused) {
  const ClusteredData data = MakeClusters(40, 30, 3, 6, 1);
  AppendAll(data.train, 1, &interactions_);
  fit_->Absorb(interactions_);
  for (int step = 0; step < 20; ++step) ASSERT_TRUE(fit_->Step().ok());
  const auto good = fit_->Export();
  const auto check = [&](const model::TrainingState& state) {
    return CheckTrainingState(state, kDim, 40, 30);
  };
  EXPECT_TRUE(check(*good).ok()) << check(*good);
  EXPECT_EQ(CheckTrainingState(*good, kDim + 1, 40, 30).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CheckTrainingState(*good, kDim, 39, 30).code(),
            absl::StatusCode::kDataLoss);
  const std::vector<std::function<void(model::TrainingState*)>> damages = {
      [](auto* s) { s->floats["users/values"][5] = std::nanf(""); },
      [](auto* s) { s->floats["items/values"][0] += 0.5f; },
      [](auto* s) { s->floats["items/moment2"][0] = -1; },
      [](auto* s) { s->floats["users/moment1"].pop_back(); },
      [](auto* s) { s->floats.erase("users/loss"); },
      [](auto* s) { s->integers["pairs/user"][0] = 40; },
      [](auto* s) { s->integers["pairs/item"][1] = 7777; },
      [](auto* s) { s->integers["negatives"][0] = 77; },
      [](auto* s) { s->integers["items/owed"].push_back(0); },
      [](auto* s) { s->integers["sampler/window"].assign(3, 1u << 30); },
      [](auto* s) { s->integers["marks/pairs"].push_back(1); },
      [](auto* s) { s->longs["counters"].pop_back(); },
      [](auto* s) { s->longs["sampler/turn"].pop_back(); },
      [](auto* s) { s->longs["sampler/turn"][0] = uint64_t{1} << 32; },
      [](auto* s) { s->doubles["figures"][8] = std::nan(""); },
      [](auto* s) { s->doubles["query_weights"].resize(7); },
      [](auto* s) { s->longs["held/asked"].pop_back(); },
      [](auto* s) { s->longs["held/sequence"].push_back(1); },
      [](auto* s) { s->integers["young_marks/pairs"].push_back(1); },
      [](auto* s) { s->texts["random"] = "no state"; },
      [](auto* s) { s->texts["sampler/random"] = ""; },
  };
  for (size_t d = 0; d < damages.size(); ++d) {
    model::TrainingState bad = *good;
    damages[d](&bad);
    EXPECT_EQ(check(bad).code(), absl::StatusCode::kDataLoss) << d;
  }
}

// One that was written before there were any.
TEST_F(OnlineFitTest, AStateWithoutQueryWeightsRenewalOrTurnsIsGoneOnWith) {
  const ClusteredData data = MakeClusters(40, 30, 3, 6, 1);
  AppendAll(data.train, 1, &interactions_);
  fit_->Absorb(interactions_);
  const auto state = fit_->Export();
  state->doubles.erase("query_weights");
  ASSERT_EQ(state->longs.erase("held/asked"), 1u);
  ASSERT_EQ(state->longs.erase("young_marks/sequence"), 1u);
  state->integers.erase("users/owed");
  state->integers.erase("items/owed");
  ASSERT_EQ(state->longs.erase("sampler/turn"), 1u);
  fit_ = MakeFit();
  ASSERT_TRUE(fit_->Import(*state).ok());
  Settle();
}

// A pair that an open window has visited has been counted, too.
TEST_F(OnlineFitTest, ForgetsPairsThatAnOpenWindowHasVisited) {
  const ClusteredData data = MakeClusters(300, 200, 10, 12, 1);
  AppendAll(data.train, 1, &interactions_);
  fit_->Absorb(interactions_);
  ASSERT_TRUE(fit_->Step().ok());
  ASSERT_GT(fit_->unvisited(), 0u);  // the window is open
  std::vector<uint32_t> users;
  for (uint32_t user = 0; user < 299; ++user) users.push_back(user);
  interactions_.Erase(users, {});
  fit_->Forget(users, {});
  uint64_t of_items = 0;
  uint64_t of_users = 0;
  const auto state = fit_->Export();
  for (const auto n : state->integers.at("items/learnt")) of_items += n;
  for (const auto n : state->integers.at("users/learnt")) of_users += n;
  EXPECT_EQ(of_items, of_users);
}

// Nothing is left to draw, so that no passes are ever done: it waits.
TEST_F(OnlineFitTest, WaitsWhenAllWasErasedWhileWarmingUp) {
  const ClusteredData data = MakeClusters(30, 40, 2, 10, 1);
  AppendAll(data.train, 1, &interactions_);
  fit_->Absorb(interactions_);
  ASSERT_TRUE(fit_->Step().ok());
  ASSERT_TRUE(fit_->figures().warming_up);
  std::vector<uint32_t> users;
  for (uint32_t user = 0; user < 30; ++user) users.push_back(user);
  interactions_.Erase(users, {});
  fit_->Forget(users, {});
  EXPECT_FALSE(fit_->Ready());
  // And goes on with those that come.
  for (uint32_t n = 0; n < 20; ++n) AppendOne(100 + n % 5, n, &interactions_);
  fit_->Absorb(interactions_);
  EXPECT_TRUE(fit_->Ready());
  Settle();
}

TEST_F(OnlineFitTest, WhatHasNothingToLearnIsLearntAtOnce) {
  const ClusteredData data = MakeClusters(60, 50, 5, 8, 1);
  AppendAll(data.train, 1, &interactions_);
  Settle();
  // A repeat, a dislike, and events that are gone from the end of the log.
  AppendOne(0, data.train[0][0], &interactions_);
  fit_->Absorb(interactions_);
  EXPECT_EQ(fit_->trained_through(), interactions_.last_sequence());
  AppendOne(0, 49, &interactions_, model::InteractionKind::kDislike);
  fit_->Absorb(interactions_);
  EXPECT_EQ(fit_->trained_through(), interactions_.last_sequence());
  interactions_.AdvanceThrough(interactions_.last_sequence() + 5);
  fit_->Absorb(interactions_);
  EXPECT_EQ(fit_->trained_through(), interactions_.last_sequence());
  EXPECT_EQ(fit_->absorbed_through(), interactions_.last_sequence());
}

TEST_F(OnlineFitTest, ForgetsUsersAndItemsAndGoesOn) {
  const ClusteredData data = MakeClusters(120, 90, 6, 10, 1);
  AppendAll(data.train, 1, &interactions_);
  fit_->Absorb(interactions_);
  for (int step = 0; step < 50; ++step) ASSERT_TRUE(fit_->Step().ok());
  ASSERT_GT(fit_->Export()->integers.at("users/owed")[3], 0u);
  const std::vector<uint32_t> users = {3, 77};
  const std::vector<uint32_t> items = {5};
  interactions_.Erase(users, items);
  fit_->Forget(users, items);
  const auto holds = [&](const model::TrainingState& state) {
    const auto& pair_users = state.integers.at("pairs/user");
    const auto& pair_items = state.integers.at("pairs/item");
    for (size_t p = 0; p < pair_users.size(); ++p) {
      if (pair_users[p] == 3 || pair_users[p] == 77 || pair_items[p] == 5) {
        return true;
      }
    }
    const auto& negatives = state.integers.at("negatives");
    if (std::count(negatives.begin(), negatives.end(), 5u) > 0) return true;
    for (const char* name :
         {"users/values", "users/moment1", "users/moment2"}) {
      for (int c = 0; c < kDim; ++c) {
        if (state.floats.at(name)[3 * kDim + c] != 0) return true;
      }
    }
    return state.integers.at("users/learnt")[3] != 0 ||
           state.floats.at("users/loss")[3] != 0 ||
           state.integers.at("users/owed")[3] != 0 ||
           state.floats.at("items/values")[5 * kDim] != 0;
  };
  EXPECT_FALSE(holds(*fit_->Export()));
  Settle();
  EXPECT_FALSE(holds(*fit_->Export()));
  const auto snapshot = ValidSnapshot();
  EXPECT_EQ(snapshot->user_degree[3], 0u);
  EXPECT_EQ(snapshot->item_popularity[5], 0u);
  EXPECT_GT(snapshot->user_degree[4], 0u);
  // The state without them is one to go on from.
  auto other = MakeFit();
  EXPECT_TRUE(other->Import(*fit_->Export()).ok());
}

}  // namespace
}  // namespace taud::trainer
