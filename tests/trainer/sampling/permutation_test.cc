#include "trainer/sampling/permutation.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace taud::trainer {
namespace {

TEST(PermutationTest, TakesEachNumberToAnotherOfTheSameRange) {
  for (uint32_t size = 1; size < 300; ++size) {
    std::vector<bool> seen(size, false);
    for (uint32_t index = 0; index < size; ++index) {
      const uint32_t number = Permuted(index, size, 7 * size);
      ASSERT_LT(number, size);
      EXPECT_FALSE(seen[number]) << size;
      seen[number] = true;
    }
  }
}

TEST(PermutationTest, TakesTheGreatestSizes) {
  constexpr uint32_t kSize = ~uint32_t{0};
  for (const uint32_t index : {0u, 1u, kSize / 2, kSize - 1}) {
    EXPECT_LT(Permuted(index, kSize, 3), kSize);
  }
  EXPECT_NE(Permuted(0, kSize, 3), Permuted(1, kSize, 3));
}

// Where an index goes says nothing about where the next one does, nor where it
// goes with the next key: cells of a table of both are equally full.
TEST(PermutationTest, LooksRandomFromOneIndexAndKeyToTheNext) {
  constexpr uint32_t kSize = 1000;
  constexpr uint32_t kCells = 10;
  std::vector<double> by_index(kCells * kCells, 0), by_key = by_index;
  const auto cell = [](uint32_t a, uint32_t b) {
    return a * kCells / kSize * kCells + b * kCells / kSize;
  };
  constexpr int kKeys = 100;
  for (uint64_t key = 0; key < kKeys; ++key) {
    for (uint32_t index = 0; index + 1 < kSize; ++index) {
      const uint32_t number = Permuted(index, kSize, key);
      ++by_index[cell(number, Permuted(index + 1, kSize, key))];
      ++by_key[cell(number, Permuted(index, kSize, key + 1))];
    }
  }
  const double expected = double{kKeys} * (kSize - 1) / by_index.size();
  for (const auto& table : {by_index, by_key}) {
    double chi_squared = 0;
    for (const double count : table) {
      chi_squared += (count - expected) * (count - expected) / expected;
    }
    // 99 degrees of freedom: 99 ± 14, and six deviations.
    EXPECT_LT(chi_squared, 183);
  }
}

}  // namespace
}  // namespace taud::trainer
