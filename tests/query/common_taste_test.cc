#include "query/common_taste.h"

#include <cmath>
#include <vector>

#include "gtest/gtest.h"
#include "model/item_lists.h"
#include "tests/model/matrix_rows.h"

namespace taud::query {
namespace {

TEST(AddCommonTasteTest, CountsLessTheLongerTheHistory) {
  // The common taste of two unit rows at right angles lies between them.
  const model::ItemLists train = {{1}, {1, 2, 3, 4}, {}};
  model::Matrix users = model::Rows({{2, 0}, {0, 3}, {5, 5}});
  AddCommonTaste(2, train, &users);
  const float half = std::sqrt(0.5f);
  EXPECT_FLOAT_EQ(users.Row(0)[0], 1 + 2 * half);
  EXPECT_FLOAT_EQ(users.Row(0)[1], 2 * half);
  EXPECT_FLOAT_EQ(users.Row(1)[0], 0.5f * half);
  EXPECT_FLOAT_EQ(users.Row(1)[1], 1 + 0.5f * half);
  // Nothing was learnt of the third: it does not count, and stays.
  EXPECT_EQ(users.Row(2)[0], 5);
  EXPECT_EQ(users.Row(2)[1], 5);
}

TEST(AddCommonTasteTest, NothingWithoutWeightOrTaste) {
  const model::ItemLists train = {{1}, {1}};
  model::Matrix users = model::Rows({{2, 0}, {0, 3}});
  const std::vector<float> before = users.values;
  AddCommonTaste(0, train, &users);
  EXPECT_EQ(users.values, before);
  model::Matrix opposite = model::Rows({{2, 0}, {-3, 0}});
  const std::vector<float> as_it_was = opposite.values;
  AddCommonTaste(3, train, &opposite);
  EXPECT_EQ(opposite.values, as_it_was);
}

}  // namespace
}  // namespace taud::query
