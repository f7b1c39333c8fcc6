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

TEST(LeaveCommonTasteTest, HalfOfWhatIsInCommonGoes) {
  std::vector<float> row = {0.6f, 0.8f};
  const std::vector<float> taste = {1.0f, 0.0f};
  LeaveCommonTaste(taste, &row);
  const double norm = std::sqrt(0.3 * 0.3 + 0.8 * 0.8);
  EXPECT_NEAR(row[0], 0.3 / norm, 1e-6);
  EXPECT_NEAR(row[1], 0.8 / norm, 1e-6);
  row = {0.6f, 0.8f};
  LeaveCommonTaste(std::vector<float>{0.0f, 0.0f}, &row);
  EXPECT_NEAR(row[0], 0.6, 1e-6);
  EXPECT_NEAR(row[1], 0.8, 1e-6);
  row = {1.0f, 0.0f};  // an item that is the common taste
  LeaveCommonTaste(taste, &row);
  EXPECT_NEAR(row[0], 1, 1e-6);
}

}  // namespace
}  // namespace taud::query
