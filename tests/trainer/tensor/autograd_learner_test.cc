#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "tests/trainer/evaluate_ranking.h"
#include "tests/trainer/synthetic_data.h"
#include "trainer/kernels/worker_pool.h"
#include "trainer/offline/offline_fit.h"
#include "trainer/offline/offline_learner.h"

namespace taud::trainer {
namespace {

bool Always(double) { return true; }

class AutogradLearnerTest : public testing::Test {
 protected:
  std::unique_ptr<OfflineFit> Make(const OfflineFitOptions& options) {
    const uint32_t items = static_cast<uint32_t>(data_.items);
    auto learner =
        MakeAutogradLearner(options, data_.train, items, "cpu", &pool_);
    EXPECT_TRUE(learner.ok()) << learner.status();
    return std::make_unique<OfflineFit>(options, &data_.train, items,
                                        std::move(*learner));
  }
  double Learn(OfflineFitOptions options) {
    options.dim = 16;
    options.schedule_epochs = 6;
    const auto fit = Make(options);
    for (int e = 0; e < 6; ++e) {
      const absl::Status status = fit->RunEpoch(Always);
      EXPECT_TRUE(status.ok()) << status;
    }
    temperatures_ = fit->Temperatures();
    false_negatives_ = fit->figures().false_negatives;
    norms_ = fit->ItemNorms();
    return EvaluateRanking(fit->Users(), fit->Items(), data_.train, data_.test,
                           10, 1)
        .recall;
  }
  double Enough() const { return 1.5 * PopularityRecall(data_, 10); }

  const ClusteredData data_ = MakeClusters(60, 100, 4, 12, 3);
  WorkerPool pool_{1};
  std::vector<float> temperatures_, norms_;
  double false_negatives_ = 0;
};

OfflineFitOptions With(Backbone backbone) {
  OfflineFitOptions options;
  options.backbone = backbone;
  options.layers = 2;
  options.learning_rate = 0.02;
  options.dropout = 0;
  return options;
}

TEST_F(AutogradLearnerTest, EveryBackboneLearns) {
  for (const Backbone backbone : {Backbone::kLightGcn, Backbone::kSvdPpUser,
                                  Backbone::kSvdPpItem, Backbone::kNgcf}) {
    EXPECT_GT(Learn(With(backbone)), Enough()) << static_cast<int>(backbone);
  }
}

TEST_F(AutogradLearnerTest, EveryLossLearns) {
  for (const Loss loss : {Loss::kSm, Loss::kBpr, Loss::kBce, Loss::kCcl}) {
    OfflineFitOptions options;
    options.loss = loss;
    options.source =
        loss == Loss::kBpr ? NegativeSource::kPerRow : NegativeSource::kShared;
    options.negatives = 8;
    options.ccl_weight = 10;
    EXPECT_GT(Learn(options), Enough()) << static_cast<int>(loss);
  }
}

TEST_F(AutogradLearnerTest, EverySourceOfNegativesLearns) {
  for (const NegativeSource source :
       {NegativeSource::kPerRow, NegativeSource::kInBatch}) {
    OfflineFitOptions options;
    options.source = source;
    options.negatives = 50;
    EXPECT_GT(Learn(options), Enough()) << static_cast<int>(source);
    EXPECT_GT(false_negatives_, 0);
  }
}

TEST_F(AutogradLearnerTest, InnerProductsLearnAndNormsAreFree) {
  OfflineFitOptions options;
  options.normalize = Normalize::kNone;
  options.temperature = TemperatureRule::kNone;
  EXPECT_GT(Learn(options), Enough());
  double least = 1e9;
  double most = 0;
  for (const float norm : norms_) {
    least = std::min<double>(least, norm);
    most = std::max<double>(most, norm);
  }
  EXPECT_GT(most, 1.1 * least);
}

TEST_F(AutogradLearnerTest, EveryContrastLearns) {
  for (const Contrast contrast :
       {Contrast::kSgl, Contrast::kSimGcl, Contrast::kNcl}) {
    OfflineFitOptions options = With(Backbone::kLightGcn);
    options.contrast = contrast;
    options.prototypes = 8;
    EXPECT_GT(Learn(options), Enough()) << static_cast<int>(contrast);
  }
}

TEST_F(AutogradLearnerTest, TemperaturesAreLearnedThroughTheLoss) {
  OfflineFitOptions options;
  options.temperature = TemperatureRule::kCTau;
  Learn(options);
  const std::vector<float> one = temperatures_;
  for (const float tau : one) EXPECT_EQ(tau, one[0]);
  // It has moved from the prior, which is what a fixed rule would keep.
  options.temperature = TemperatureRule::kAdapTau0;
  options.governor.warm_up = 1e9;
  Learn(options);
  EXPECT_GT(std::abs(one[0] / temperatures_[0] - 1), 0.01);
  options.temperature = TemperatureRule::kCuTau;
  Learn(options);
  EXPECT_NE(temperatures_[0], temperatures_[1]);
}

TEST_F(AutogradLearnerTest, LearnsAsTheFusedLoopsDo) {
  std::vector<OfflineFitOptions> cases;
  for (const Backbone backbone : {Backbone::kMf, Backbone::kLightGcn,
                                  Backbone::kSvdPpUser, Backbone::kSvdPpItem}) {
    cases.push_back(With(backbone));
  }
  cases.push_back(With(Backbone::kMf));
  cases.back().source = NegativeSource::kInBatch;
  cases.push_back(With(Backbone::kMf));
  cases.back().loss = Loss::kSm;
  for (OfflineFitOptions& options : cases) {
    SCOPED_TRACE(&options - cases.data());
    // A weight that counts for nothing: only the tensors have it.
    options.l2 = 1e-12;
    const double tensors = Learn(options);
    options.dim = 16;
    options.schedule_epochs = 6;
    options.l2 = 0;
    ASSERT_TRUE(CpuLearnerTakes(options));
    const uint32_t items = static_cast<uint32_t>(data_.items);
    OfflineFit fit(options, &data_.train, items,
                   MakeCpuLearner(options, data_.train, items, &pool_));
    for (int e = 0; e < 6; ++e) ASSERT_TRUE(fit.RunEpoch(Always).ok());
    const double fused = EvaluateRanking(fit.Users(), fit.Items(), data_.train,
                                         data_.test, 10, 1)
                             .recall;
    EXPECT_NEAR(tensors / fused, 1, 0.1);
    EXPECT_EQ(false_negatives_, fit.figures().false_negatives);
  }
}

// One step and the rows that follow from it, value by value.
TEST_F(AutogradLearnerTest, AStepOfALinearBackboneIsTheTensors) {
  for (const Backbone backbone :
       {Backbone::kLightGcn, Backbone::kSvdPpUser, Backbone::kSvdPpItem}) {
    SCOPED_TRACE(static_cast<int>(backbone));
    OfflineFitOptions options = With(backbone);
    options.dim = 16;
    // As in-batch negatives are taken, the counts beside them.
    options.source = NegativeSource::kInBatch;
    if (backbone != Backbone::kSvdPpUser) {
      options.rank = RankBy::kInnerProduct;
    }
    const uint32_t items = static_cast<uint32_t>(data_.items);
    const auto linear = MakeCpuLearner(options, data_.train, items, &pool_);
    auto tensors =
        MakeAutogradLearner(options, data_.train, items, "cpu", &pool_);
    ASSERT_TRUE(tensors.ok()) << tensors.status();
    SsmBatch batch;
    batch.users = {0, 1, 2, 0};
    batch.positives = {data_.train[0][0], data_.train[1][0], data_.train[2][0],
                       data_.train[0][1]};
    batch.temperatures = {0.1f, 0.2f, 0.15f, 0.1f};
    batch.weights = {1, 1, 1, 1};
    batch.negatives = {0, 5, 9, 20, 31};
    batch.negative_counts = {1, 2, 1, 3, 1};
    batch.common_temperature = 0.1f;
    batch.negative_weight = 3;
    batch.user_mask.assign(4 * 16, 1.0f);
    // Of the user who has another row where they stay: where nothing else has
    // a gradient, Adam makes a step of the rounding.
    for (const size_t dropped : {1, 50}) batch.user_mask[dropped] = 0;
    MfStepResult mine, reference;
    for (int step = 0; step < 3; ++step) {
      linear->Step(batch, 0.01f, &mine);
      (*tensors)->Step(batch, 0.01f, &reference);
      for (size_t r = 0; r < 4; ++r) {
        EXPECT_NEAR(mine.losses[r], reference.losses[r], 1e-4);
        EXPECT_NEAR(mine.common_losses[r], reference.common_losses[r], 1e-4);
        EXPECT_NEAR(mine.cosines[r], reference.cosines[r], 1e-5);
      }
    }
    EXPECT_EQ(mine.kept_back, 0);
    const auto expect_same = [](const std::vector<float>& a,
                                const std::vector<float>& b) {
      ASSERT_EQ(a.size(), b.size());
      for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 2e-4) << i;
    };
    expect_same(linear->Users().values, (*tensors)->Users().values);
    expect_same(linear->Items().values, (*tensors)->Items().values);
    expect_same(linear->ItemNorms(), (*tensors)->ItemNorms());
    const std::vector<uint32_t> users = {0, 1};
    const CosineMoments a = linear->Moments(users, {3, 4});
    const CosineMoments b = (*tensors)->Moments(users, {3, 4});
    EXPECT_NEAR(a.mean, b.mean, 1e-5);
    EXPECT_NEAR(a.variance, b.variance, 1e-5);
    EXPECT_NEAR(a.positive_mean, b.positive_mean, 1e-5);

    // A loss that is not finite moves nothing.
    batch.temperatures[2] = std::nanf("");
    linear->Step(batch, 0.01f, &mine);
    EXPECT_EQ(mine.kept_back, 4);
    expect_same(linear->Users().values, (*tensors)->Users().values);
  }
}

TEST_F(AutogradLearnerTest, ADeviceThatIsNotThereIsNamed) {
  const auto learner = MakeAutogradLearner(
      With(Backbone::kLightGcn), data_.train,
      static_cast<uint32_t>(data_.items), "cuda:99", &pool_);
  EXPECT_EQ(learner.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(learner.status().message().find("cuda:99"), std::string::npos);
}

TEST_F(AutogradLearnerTest, ContrastNeedsAGraph) {
  OfflineFitOptions options;
  options.contrast = Contrast::kSgl;
  const auto learner = MakeAutogradLearner(
      options, data_.train, static_cast<uint32_t>(data_.items), "cpu", &pool_);
  EXPECT_EQ(learner.status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace taud::trainer
