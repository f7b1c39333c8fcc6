// Matrix factorisation by our own code, on the CPU and on a GPU. That of
// LibTorch, which is the reference of both, is in tensor_mf_test.

#include "device/device.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/trainer/mf/mf_learner_cases.h"
#include "trainer/cuda/cuda_mf.h"

namespace taud::trainer {
namespace {

INSTANTIATE_TEST_SUITE_P(Cpu, MfLearnerTest,
                         testing::Values(MfLearnerMaker{"cpu", &MakeCpuMf}),
                         &MakerName);
INSTANTIATE_TEST_SUITE_P(Cpu, RepeatableMfLearnerTest,
                         testing::Values(MfLearnerMaker{"cpu", &MakeCpuMf}),
                         &MakerName);

std::vector<MfLearnerMaker> OnGpu() {
  if (device::NumGpus() == 0) return {};
  return {{"cuda", [](int dim, WorkerPool*) {
             auto made = MakeCudaMf(dim, 0);
             EXPECT_TRUE(made.ok()) << made.status();
             return *std::move(made);
           }}};
}
INSTANTIATE_TEST_SUITE_P(Gpu, MfLearnerTest, testing::ValuesIn(OnGpu()),
                         &MakerName);
INSTANTIATE_TEST_SUITE_P(Gpu, RepeatableMfLearnerTest,
                         testing::ValuesIn(OnGpu()), &MakerName);

TEST(CudaMfTest, IsTestedWhereThereIsAGpu) {
  if (device::NumGpus() == 0) GTEST_SKIP() << device::WhyNoGpu();
  EXPECT_EQ(OnGpu().size(), 1u);
}

TEST(CudaMfTest, SaysWhyThereIsNone) {
  const auto made = MakeCudaMf(64, 63);
  EXPECT_TRUE(absl::IsUnavailable(made.status()));
  EXPECT_THAT(made.status().message(),
              testing::AnyOf(testing::HasSubstr("no GPU"),
                             testing::HasSubstr("without CUDA")));
}

TEST(CudaMfTest, RefusesRowsThatAreTooWide) {
  EXPECT_FALSE(FitsCudaMf(1024));
  EXPECT_TRUE(absl::IsUnavailable(MakeCudaMf(1024, 0).status()));
}

}  // namespace
}  // namespace taud::trainer
