#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "tests/trainer/synthetic_data.h"
#include "trainer/offline_fit.h"
#include "trainer/offline_learner.h"
#include "trainer/worker_pool.h"

namespace taud::trainer {
namespace {

bool Always(double) { return true; }

class TensorLearnerTest : public testing::Test {
 protected:
  std::unique_ptr<OfflineFit> Make(const OfflineFitOptions& options) {
    const uint32_t items = static_cast<uint32_t>(data_.items);
    auto learner =
        MakeTensorLearner(options, data_.train, items, "cpu", &pool_);
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

TEST_F(TensorLearnerTest, EveryBackboneLearns) {
  for (const Backbone backbone : {Backbone::kLightGcn, Backbone::kSvdPpUser,
                                  Backbone::kSvdPpItem, Backbone::kNgcf}) {
    EXPECT_GT(Learn(With(backbone)), Enough()) << static_cast<int>(backbone);
  }
}

TEST_F(TensorLearnerTest, EveryLossLearns) {
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

TEST_F(TensorLearnerTest, EverySourceOfNegativesLearns) {
  for (const NegativeSource source :
       {NegativeSource::kPerRow, NegativeSource::kInBatch}) {
    OfflineFitOptions options;
    options.source = source;
    options.negatives = 50;
    EXPECT_GT(Learn(options), Enough()) << static_cast<int>(source);
    EXPECT_GT(false_negatives_, 0);
  }
}

TEST_F(TensorLearnerTest, InnerProductsLearnAndNormsAreFree) {
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

TEST_F(TensorLearnerTest, EveryContrastLearns) {
  for (const Contrast contrast :
       {Contrast::kSgl, Contrast::kSimGcl, Contrast::kNcl}) {
    OfflineFitOptions options = With(Backbone::kLightGcn);
    options.contrast = contrast;
    options.prototypes = 8;
    EXPECT_GT(Learn(options), Enough()) << static_cast<int>(contrast);
  }
}

TEST_F(TensorLearnerTest, TemperaturesAreLearnedThroughTheLoss) {
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

TEST_F(TensorLearnerTest, LearnsAsTheFusedLoopsDo) {
  OfflineFitOptions options;
  options.dropout = 0;
  // A weight that counts for nothing: only the tensors have it.
  options.l2 = 1e-12;
  const double tensors = Learn(options);
  options.dim = 16;
  options.schedule_epochs = 6;
  options.l2 = 0;
  const uint32_t items = static_cast<uint32_t>(data_.items);
  OfflineFit fit(
      options, &data_.train, items,
      MakeFusedLearner(options, data_.train, items, MakeCpuMf(16, &pool_)));
  for (int e = 0; e < 6; ++e) ASSERT_TRUE(fit.RunEpoch(Always).ok());
  const double fused =
      EvaluateRanking(fit.Users(), fit.Items(), data_.train, data_.test, 10, 1)
          .recall;
  EXPECT_NEAR(tensors / fused, 1, 0.1);
}

TEST_F(TensorLearnerTest, ADeviceThatIsNotThereIsNamed) {
  const auto learner =
      MakeTensorLearner(With(Backbone::kLightGcn), data_.train,
                        static_cast<uint32_t>(data_.items), "cuda:99", &pool_);
  EXPECT_EQ(learner.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(learner.status().message().find("cuda:99"), std::string::npos);
}

TEST_F(TensorLearnerTest, ContrastNeedsAGraph) {
  OfflineFitOptions options;
  options.contrast = Contrast::kSgl;
  const auto learner = MakeTensorLearner(
      options, data_.train, static_cast<uint32_t>(data_.items), "cpu", &pool_);
  EXPECT_EQ(learner.status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace taud::trainer
