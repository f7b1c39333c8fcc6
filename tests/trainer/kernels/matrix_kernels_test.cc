#include "trainer/kernels/matrix_kernels.h"

#include <gtest/gtest.h>

#include <random>
#include <tuple>
#include <vector>

#include "trainer/kernels/blas.h"

namespace taud::trainer {
namespace {

std::vector<float> Random(int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<size_t>(count));
  for (float& x : values) x = normal(random);
  return values;
}

class MultiplyIntoTest
    : public testing::TestWithParam<std::tuple<int, int, int>> {};

TEST_P(MultiplyIntoTest, AgreesWithTheDefinition) {
  const auto [m, n, k] = GetParam();
  const int64_t b_step = n + 3;
  const int64_t c_step = n + 5;
  const std::vector<float> a = Random(m * k, 1);
  const std::vector<float> b = Random(k * b_step, 2);
  const std::vector<float> c = Random(m * c_step, 3);
  for (const bool transposed : {false, true}) {
    const StridedMatrix left = transposed ? StridedMatrix{a.data(), 1, m}
                                          : StridedMatrix{a.data(), k, 1};
    std::vector<float> result = c;
    MultiplyInto(m, n, k, left, b.data(), b_step, result.data(), c_step);
    for (int i = 0; i < m; ++i) {
      for (int j = 0; j < c_step; ++j) {
        double expected = c[i * c_step + j];
        for (int p = 0; j < n && p < k; ++p) {
          expected +=
              double{a[transposed ? p * m + i : i * k + p]} * b[p * b_step + j];
        }
        ASSERT_NEAR(result[i * c_step + j], expected, 1e-3)
            << i << ", " << j << (transposed ? " transposed" : "");
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, MultiplyIntoTest,
    testing::Values(std::make_tuple(1, 16, 1), std::make_tuple(6, 64, 7),
                    std::make_tuple(126, 64, 64), std::make_tuple(7, 80, 33),
                    std::make_tuple(13, 48, 129), std::make_tuple(5, 112, 0),
                    std::make_tuple(0, 16, 3)));

TEST(PackTransposedTest, PanelsMultiplyAsColumns) {
  constexpr int64_t kRows = 3, kCount = 128, kWidth = 10;
  const std::vector<float> a = Random(kRows * kWidth, 1);
  const std::vector<float> b = Random(kCount * kWidth, 2);
  std::vector<float> panels(b.size());
  PackTransposed(b.data(), kCount, kWidth, panels.data());
  std::vector<float> scores(kRows * kCount, 0.0f);
  for (int64_t j = 0; j < kCount; j += kPackedRows) {
    MultiplyInto(kRows, kPackedRows, kWidth, {a.data(), kWidth, 1},
                 &panels[j * kWidth], kPackedRows, &scores[j], kCount);
  }
  for (int64_t i = 0; i < kRows; ++i) {
    for (int64_t j = 0; j < kCount; ++j) {
      double expected = 0;
      for (int64_t c = 0; c < kWidth; ++c) {
        expected += double{a[i * kWidth + c]} * b[j * kWidth + c];
      }
      ASSERT_NEAR(scores[i * kCount + j], expected, 1e-4);
    }
  }
}

TEST(MatrixProductTest, AllFourTransposes) {
  constexpr int kM = 3, kN = 4, kK = 5;
  const std::vector<float> a = Random(kM * kK, 1);
  const std::vector<float> b = Random(kK * kN, 2);
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      std::vector<float> c(kM * kN, 1.0f);
      MatrixProduct(ta, tb, kM, kN, kK, a.data(), b.data(), 2.0f, c.data());
      for (int i = 0; i < kM; ++i) {
        for (int j = 0; j < kN; ++j) {
          double expected = 2.0;
          for (int p = 0; p < kK; ++p) {
            expected += double{a[ta ? p * kM + i : i * kK + p]} *
                        b[tb ? j * kK + p : p * kN + j];
          }
          EXPECT_NEAR(c[i * kN + j], expected, 1e-4);
        }
      }
    }
  }
}

}  // namespace
}  // namespace taud::trainer
