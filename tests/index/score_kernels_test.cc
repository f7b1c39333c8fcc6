#include "index/score_kernels.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"
#include "index/quantised_rows.h"

namespace taud::index {
namespace {

class ScoreKernelsTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    kernels_ = FindScoreKernels(GetParam());
    if (kernels_ == nullptr) GTEST_SKIP() << "not on this processor";
  }
  const ScoreKernels* kernels_ = nullptr;
};

INSTANTIATE_TEST_SUITE_P(All, ScoreKernelsTest,
                         testing::Values("portable", "avx2", "avx512-vnni"),
                         [](const auto& kernel) {
                           std::string name = kernel.param;
                           name.erase(
                               std::remove(name.begin(), name.end(), '-'),
                               name.end());
                           return name;
                         });

// Bytes at the ends of their range, where sums could overflow, among others.
TEST_P(ScoreKernelsTest, ScansWhatPlainArithmeticFinds) {
  std::mt19937 random(1);
  for (int round = 0; round < 60; ++round) {
    const size_t groups = 1 + random() % 40;
    const size_t count = random() % 20;
    const int limit = kernels_->query_limit;
    std::vector<uint8_t> block(BlockBytes(groups));
    for (uint8_t& byte : block) {
      byte = static_cast<uint8_t>(round % 3 == 0 ? 255 : 1 + random() % 255);
    }
    std::vector<int8_t> queries(count * groups * 4);
    for (int8_t& byte : queries) {
      byte = static_cast<int8_t>(
          round % 5 == 0
              ? limit
              : static_cast<int>(random() % (2 * limit + 1)) - limit);
    }
    std::vector<int32_t> thresholds(count);
    for (int32_t& threshold : thresholds) {
      threshold = static_cast<int32_t>(random() % 400000) - 200000;
    }
    std::vector<std::tuple<uint32_t, uint32_t, int32_t>> expected;
    for (uint32_t q = 0; q < count; ++q) {
      for (uint32_t r = 0; r < kBlockRows; ++r) {
        int64_t dot = 0;
        for (size_t c = 0; c < groups * 4; ++c) {
          dot += int64_t{block[c / 4 * 256 + r * 4 + c % 4]} *
                 queries[q * groups * 4 + c];
        }
        if (dot >= thresholds[q]) {
          expected.emplace_back(q, r, static_cast<int32_t>(dot));
        }
      }
    }
    std::vector<BlockHit> hits(count * kBlockRows + 1);
    const size_t found = kernels_->scan(block.data(), groups, queries.data(),
                                        count, thresholds.data(), hits.data());
    std::vector<std::tuple<uint32_t, uint32_t, int32_t>> actual;
    for (size_t h = 0; h < found; ++h) {
      actual.emplace_back(hits[h].query, hits[h].row, hits[h].dot);
    }
    std::sort(actual.begin(), actual.end());
    EXPECT_EQ(actual, expected) << "round " << round;
  }
}

TEST_P(ScoreKernelsTest, TheLeastDotIsNeverTooLarge) {
  std::mt19937 random(2);
  std::uniform_real_distribution<float> uniform(-1, 1);
  constexpr size_t kCount = 37;
  std::vector<float> reach(kCount), norm(kCount), inverse(kCount),
      offset(kCount);
  for (size_t q = 0; q < kCount; ++q) {
    reach[q] = uniform(random);
    norm[q] = 1 + 0.1f * uniform(random);
    inverse[q] = 127 / (0.1f + std::abs(uniform(random)));
    offset[q] = std::floor(500000 * uniform(random));
  }
  reach[3] = -std::numeric_limits<float>::infinity();
  const QueryColumns columns = {reach.data(), norm.data(), inverse.data(),
                                offset.data()};
  std::vector<int32_t> least(kCount);
  const float error = 0.01f;
  const float inverse_block = 300;
  kernels_->least(columns, kCount, error, inverse_block, least.data());
  for (size_t q = 0; q < kCount; ++q) {
    const double exact = (double{reach[q]} - double{norm[q]} * error) *
                             inverse[q] * inverse_block +
                         offset[q];
    EXPECT_LE(least[q], std::max(exact, -2e9));
    if (std::isfinite(exact)) {
      EXPECT_GE(least[q], exact - 10);
    }
  }
}

TEST_P(ScoreKernelsTest, DotsOfAnyLength) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  for (size_t dim = 1; dim <= 130; ++dim) {
    std::vector<float> a(dim), b(dim);
    double expected = 0;
    for (size_t c = 0; c < dim; ++c) {
      a[c] = normal(random);
      b[c] = normal(random);
      expected += double{a[c]} * b[c];
    }
    EXPECT_NEAR(kernels_->dot(a.data(), b.data(), dim), expected, 1e-4);
  }
}

// The bound that makes the results of the byte scan exact.
TEST(QuantisedRowsTest, TheErrorStaysWithinTheBound) {
  std::mt19937 random(4);
  std::normal_distribution<float> normal;
  for (const size_t dim : {1, 3, 8, 64, 200}) {
    constexpr size_t kRows = 150;
    model::Matrix matrix(kRows, dim);
    std::vector<uint32_t> items;
    for (uint32_t i = 0; i < kRows; ++i) {
      for (size_t c = 0; c < dim; ++c) {
        matrix.Row(i)[c] =
            normal(random) * (i % 7 == 0 && c == 0 ? 30.0f : 0.2f);
      }
      items.push_back(i);
    }
    const QuantisedRows rows(matrix, items);
    std::vector<int8_t> code(rows.groups() * 4);
    for (int round = 0; round < 20; ++round) {
      std::vector<float> query(dim);
      for (float& x : query) x = normal(random);
      const QueryCode encoded = rows.Encode(query.data(), code.data());
      const std::vector<int32_t> all(1, std::numeric_limits<int32_t>::min());
      std::vector<BlockHit> hits(kBlockRows);
      for (size_t b = 0; b < rows.num_blocks(); ++b) {
        const size_t found = ScanBlock(rows.Block(b), rows.groups(),
                                       code.data(), 1, all.data(), hits.data());
        ASSERT_EQ(found, kBlockRows);
        for (const BlockHit& hit : hits) {
          const uint32_t item = rows.item(b * kBlockRows + hit.row);
          if (item == QuantisedRows::kNoItem) continue;
          double exact = 0;
          for (size_t c = 0; c < dim; ++c) {
            exact += double{query[c]} * matrix.Row(item)[c];
          }
          const double estimate = double{encoded.scale} * rows.scale(b) *
                                  (hit.dot - encoded.offset);
          EXPECT_LE(std::abs(exact - estimate), rows.Bound(encoded, b));
        }
      }
    }
  }
}

}  // namespace
}  // namespace taud::index
