#include "lab/noise.h"

#include <algorithm>
#include <set>

#include "gtest/gtest.h"

namespace taud::lab {
namespace {

Dataset Clean() {
  Dataset dataset;
  dataset.items = 300;
  for (uint32_t u = 0; u < 400; ++u) {
    dataset.train.push_back({});
    for (uint32_t i = 0; i < 15; ++i) {
      dataset.train[u].push_back((u + 7 * i) % 300);
    }
    std::sort(dataset.train[u].begin(), dataset.train[u].end());
    dataset.test.push_back({(u + 200) % 300});
  }
  return dataset;
}

TEST(NoiseTest, AddsAShareOfEachUsersItems) {
  Dataset dataset = Clean();
  const Dataset clean = dataset;
  AddNoise(0.3, 1, &dataset);
  EXPECT_NEAR(static_cast<double>(dataset.train_pairs()) /
                  static_cast<double>(clean.train_pairs()),
              1.3, 0.01);
  for (size_t u = 0; u < 400; ++u) {
    const std::set<uint32_t> now(dataset.train[u].begin(),
                                 dataset.train[u].end());
    EXPECT_EQ(now.size(), dataset.train[u].size());
    EXPECT_TRUE(
        std::is_sorted(dataset.train[u].begin(), dataset.train[u].end()));
    for (const uint32_t item : clean.train[u]) EXPECT_TRUE(now.count(item));
    EXPECT_FALSE(now.count(clean.test[u][0]));
  }
}

TEST(NoiseTest, EachGroupHasItsShare) {
  Dataset dataset = Clean();
  const auto groups = AddNoiseByGroup({0.0, 1.0}, 1, &dataset);
  ASSERT_EQ(groups.size(), 400u);
  for (size_t u = 0; u < 400; ++u) {
    EXPECT_EQ(dataset.train[u].size(), groups[u] == 0 ? 15u : 30u);
  }
  EXPECT_NE(std::count(groups.begin(), groups.end(), 0), 0);
  EXPECT_NE(std::count(groups.begin(), groups.end(), 1), 0);
}

TEST(NoiseTest, StopsWhereNothingIsLeft) {
  Dataset dataset;
  dataset.items = 3;
  dataset.train = {{0, 1}};
  dataset.test = {{}};
  AddNoise(10, 1, &dataset);
  EXPECT_EQ(dataset.train[0], (std::vector<uint32_t>{0, 1, 2}));
}

}  // namespace
}  // namespace taud::lab
