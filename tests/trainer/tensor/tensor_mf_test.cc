// Matrix factorisation by LibTorch, on the CPU and on a GPU where LibTorch has
// one.

#include "gtest/gtest.h"
#include "tests/trainer/mf/mf_learner_cases.h"

namespace taud::trainer {
namespace {

INSTANTIATE_TEST_SUITE_P(Tensors, MfLearnerTest,
                         testing::Values(MfLearnerMaker{
                             "tensor_cpu",
                             [](int dim, WorkerPool*) {
                               return MakeTensorMf(dim, "cpu");
                             }}),
                         &MakerName);

std::vector<MfLearnerMaker> OnGpu() {
  if (!TorchHasCuda()) return {};
  return {{"tensor_cuda",
           [](int dim, WorkerPool*) { return MakeTensorMf(dim, "cuda:0"); }}};
}
INSTANTIATE_TEST_SUITE_P(TensorsOnGpu, MfLearnerTest,
                         testing::ValuesIn(OnGpu()), &MakerName);

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(RepeatableMfLearnerTest);

TEST(MakeTensorMfTest, ThrowsWhereTheDeviceDoesNotExist) {
  EXPECT_ANY_THROW(MakeTensorMf(12, "cuda:77"));
  EXPECT_ANY_THROW(MakeTensorMf(12, "abacus"));
}

}  // namespace
}  // namespace taud::trainer
