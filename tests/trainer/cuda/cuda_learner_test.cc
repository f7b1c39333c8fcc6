// The offline learners on a GPU beside those on the CPU. Skipped, saying so,
// where there is no GPU.

#include <cmath>
#include <memory>
#include <utility>

#include "device/device.h"
#include "gtest/gtest.h"
#include "tests/trainer/synthetic_data.h"
#include "trainer/cuda/cuda_light_gcn.h"
#include "trainer/kernels/worker_pool.h"
#include "trainer/offline/offline_fit.h"

namespace taud::trainer {
namespace {

bool Always(double) { return true; }

class CudaLearnerTest : public testing::Test {
 protected:
  void SetUp() override {
    if (device::NumGpus() == 0) GTEST_SKIP() << device::WhyNoGpu();
  }

  void ExpectTheSame(const OfflineFitOptions& options,
                     const ClusteredData& data) {
    const uint32_t items = static_cast<uint32_t>(data.items);
    ASSERT_TRUE(FitsCudaLearner(options));
    auto made = MakeCudaLearner(options, data.train, items, 0);
    ASSERT_TRUE(made.ok()) << made.status();
    WorkerPool pool(1);
    OfflineFit gpu(options, &data.train, items, *std::move(made));
    OfflineFit cpu(options, &data.train, items,
                   MakeCpuLearner(options, data.train, items, &pool));
    for (int epoch = 0; epoch < 3; ++epoch) {
      const absl::Status status = gpu.RunEpoch(Always);
      ASSERT_TRUE(status.ok()) << status;
      ASSERT_TRUE(cpu.RunEpoch(Always).ok());
      EXPECT_NEAR(gpu.figures().loss, cpu.figures().loss, 5e-3);
      EXPECT_NEAR(gpu.figures().tau0, cpu.figures().tau0, 1e-3);
      EXPECT_EQ(gpu.figures().false_negatives, cpu.figures().false_negatives);
    }
    ExpectNear(gpu.Users(), cpu.Users());
    ExpectNear(gpu.Items(), cpu.Items());
    const std::vector<float> a = gpu.ItemNorms();
    const std::vector<float> b = cpu.ItemNorms();
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 0.02);
  }

  static void ExpectNear(const model::Matrix& a, const model::Matrix& b) {
    ASSERT_EQ(a.values.size(), b.values.size());
    double difference = 0;
    for (size_t i = 0; i < a.values.size(); ++i) {
      difference += std::abs(double{a.values[i]} - b.values[i]);
    }
    EXPECT_LT(difference / static_cast<double>(a.values.size()), 1e-3);
  }

  static OfflineFitOptions Options(Backbone backbone, int layers, int dim) {
    OfflineFitOptions options;
    options.backbone = backbone;
    options.layers = layers;
    options.dim = dim;
    options.negatives = 100;
    options.learning_rate = 0.005;
    return options;
  }
};

TEST_F(CudaLearnerTest, MatrixFactorisation) {
  const ClusteredData data = MakeClusters(300, 200, 10, 12, 1);
  ExpectTheSame(Options(Backbone::kMf, 0, 64), data);
}

TEST_F(CudaLearnerTest, LightGcnOfOneToThreeLayers) {
  const ClusteredData data = MakeClusters(300, 200, 10, 12, 1);
  for (const int layers : {1, 2, 3}) {
    SCOPED_TRACE(layers);
    ExpectTheSame(Options(Backbone::kLightGcn, layers, 64), data);
  }
  ExpectTheSame(Options(Backbone::kLightGcn, 2, 20), data);
}

TEST_F(CudaLearnerTest, ItemsWithManyUsersAndKnownPositivesLeftOut) {
  const ClusteredData data = MakeClusters(2500, 60, 3, 15, 2);
  OfflineFitOptions options = Options(Backbone::kLightGcn, 2, 32);
  options.negatives = 40;
  options.leave_out_known = true;
  ExpectTheSame(options, data);
}

TEST_F(CudaLearnerTest, InBatchNegativesAndTheSoftmaxOverAllItems) {
  const ClusteredData data = MakeClusters(300, 200, 10, 12, 1);
  OfflineFitOptions options = Options(Backbone::kMf, 0, 16);
  options.source = NegativeSource::kInBatch;
  ExpectTheSame(options, data);
  options.source = NegativeSource::kShared;
  options.loss = Loss::kSm;
  ExpectTheSame(options, data);
}

TEST(FitsCudaLearnerTest, SaysWhatItCan) {
  OfflineFitOptions options;
  const bool built = FitsCudaLearner(options);
  options.backbone = Backbone::kSvdPpUser;
  EXPECT_FALSE(FitsCudaLearner(options));
  options.backbone = Backbone::kLightGcn;
  EXPECT_EQ(FitsCudaLearner(options), built);
  options.dim = 512;
  EXPECT_FALSE(FitsCudaLearner(options));
}

}  // namespace
}  // namespace taud::trainer
