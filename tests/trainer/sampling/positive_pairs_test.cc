#include "trainer/sampling/positive_pairs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace taud::trainer {
namespace {

using ::testing::ElementsAre;

TEST(PositivePairsTest, CountsEachPairOnce) {
  PositivePairs pairs;
  EXPECT_TRUE(pairs.Add(2, 5, 1.0f));
  EXPECT_TRUE(pairs.Add(2, 1, 1.0f));
  EXPECT_FALSE(pairs.Add(2, 5, 3.0f));
  EXPECT_TRUE(pairs.Add(0, 5, 1.0f));
  ASSERT_EQ(pairs.size(), 3u);
  EXPECT_EQ(pairs.user(0), 2u);
  EXPECT_EQ(pairs.item(0), 5u);
  EXPECT_EQ(pairs.weight(0), 3.0f);  // the newer one
  EXPECT_THAT(pairs.user_degree(), ElementsAre(1, 0, 2));
  EXPECT_THAT(pairs.item_popularity(), ElementsAre(0, 1, 0, 0, 0, 2));
  EXPECT_EQ(pairs.num_users(), 2u);
  EXPECT_THAT(pairs.items_present(), ElementsAre(5, 1));
}

}  // namespace
}  // namespace taud::trainer
