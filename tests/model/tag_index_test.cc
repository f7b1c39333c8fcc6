#include "model/tag_index.h"

#include <random>
#include <set>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace taud::model {
namespace {

// What each form of a set answers, against a plain one, while it grows, thins
// out and changes its form.
TEST(ItemSetTest, IsTheSetThatItWasTold) {
  for (const uint32_t range : {20u, 5000u, 1000000u}) {
    std::mt19937 random(range);
    ItemSet set;
    std::set<ItemIndex> expected;
    for (int round = 0; round < 30000; ++round) {
      const ItemIndex item = random() % range;
      // Grows first, then shrinks.
      if (random() % 10 < (round < 20000 ? 8u : 2u)) {
        EXPECT_EQ(set.Add(item), expected.insert(item).second);
      } else {
        EXPECT_EQ(set.Remove(item), expected.erase(item) > 0);
      }
      if (round % 3000 != 0) continue;
      ASSERT_EQ(set.count(), expected.size());
      Bitmap bits(range / 2, false);
      set.OrInto(&bits);
      Bitmap left(range / 2, true);
      set.TakeFrom(&left);
      for (ItemIndex i = 0; i < range / 2; i += 1 + range / 5000) {
        EXPECT_EQ(bits.Test(i), expected.count(i) > 0);
        EXPECT_EQ(left.Test(i), expected.count(i) == 0);
        EXPECT_EQ(set.Has(i), expected.count(i) > 0);
      }
    }
  }
}

TEST(ItemSetTest, TakesFewBytesAnItem) {
  ItemSet all;
  ItemSet some;
  for (ItemIndex i = 0; i < 200000; ++i) {
    all.Add(i);
    if (i % 100 == 0) some.Add(i);
  }
  EXPECT_LE(all.bytes(), all.count());
  EXPECT_LE(some.bytes(), 8 * some.count());
  // One item far behind does not make the rest large.
  all.Add(4000000000u);
  EXPECT_LE(all.bytes(), 8 * all.count());
}

// The bound that a million items with a tag each had broken: one bitmap a tag.
TEST(TagIndexTest, ATagOfItsOwnForEachItem) {
  constexpr ItemIndex kItems = 100000;
  TagIndex tags;
  for (ItemIndex i = 0; i < kItems; ++i) tags.Add(absl::StrCat("tag", i), i);
  EXPECT_EQ(tags.size(), kItems);
  EXPECT_LE(tags.bytes(), kItems * 210u);
  const auto tag = tags.Find("tag99999");
  ASSERT_TRUE(tag.has_value());
  EXPECT_TRUE(tags.Items(*tag).Has(99999));
}

TEST(TagIndexTest, ForgetsATagWithoutItems) {
  TagIndex tags;
  const TagId red = tags.Add("red", 1);
  EXPECT_EQ(tags.Add("red", 2), red);
  const size_t bytes = tags.bytes();
  const TagId blue = tags.Add("blue", 1);
  tags.Remove(blue, 1);
  EXPECT_EQ(tags.bytes(), bytes);
  EXPECT_FALSE(tags.Find("blue").has_value());
  EXPECT_FALSE(tags.Known(blue));
  EXPECT_EQ(tags.Name(red), "red");
  EXPECT_EQ(tags.size(), 1u);
}

}  // namespace
}  // namespace taud::model
