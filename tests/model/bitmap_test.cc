#include "model/bitmap.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::model {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Bitmap Of(size_t size, const std::vector<size_t>& bits) {
  Bitmap bitmap(size, false);
  for (const size_t bit : bits) bitmap.Set(bit);
  return bitmap;
}

std::vector<size_t> BitsOf(const Bitmap& bitmap) {
  std::vector<size_t> bits;
  bitmap.ForEach([&](size_t bit) { bits.push_back(bit); });
  return bits;
}

TEST(BitmapTest, BitsAtWordBoundaries) {
  Bitmap bitmap(130, false);
  for (const size_t bit : {0, 63, 64, 127, 128, 129}) {
    EXPECT_FALSE(bitmap.Test(bit));
    bitmap.Set(bit);
    EXPECT_TRUE(bitmap.Test(bit));
  }
  EXPECT_THAT(BitsOf(bitmap), ElementsAre(0, 63, 64, 127, 128, 129));
  EXPECT_EQ(bitmap.Count(), 6u);
  bitmap.Clear(64);
  EXPECT_FALSE(bitmap.Test(64));
  EXPECT_TRUE(bitmap.Test(63));
  EXPECT_EQ(bitmap.Count(), 5u);
}

TEST(BitmapTest, BeyondTheEndThereIsNothing) {
  Bitmap bitmap(10, true);
  EXPECT_FALSE(bitmap.Test(10));
  EXPECT_FALSE(bitmap.Test(63));
  EXPECT_FALSE(bitmap.Test(1000));
  bitmap.Clear(1000);
  EXPECT_EQ(bitmap.Count(), 10u);
  EXPECT_FALSE(Bitmap().Test(0));
}

// Whoever scans words() relies on it.
TEST(BitmapTest, BitsBeyondTheSizeAreZeroInTheWords) {
  for (const size_t size : {0, 1, 63, 64, 65, 128, 200}) {
    const Bitmap bitmap(size, true);
    size_t bits = 0;
    for (const uint64_t word : bitmap.words()) {
      bits += static_cast<size_t>(__builtin_popcountll(word));
    }
    EXPECT_EQ(bits, size);
    EXPECT_EQ(bitmap.Count(), size);
    EXPECT_EQ(bitmap.words().size(), (size + 63) / 64);
  }
}

TEST(BitmapTest, ResizeTable) {
  const struct {
    size_t from;
    size_t to;
    bool value;
    size_t set;  // all bits are set before
  } cases[] = {
      {0, 10, false, 0},   {0, 10, true, 10},   {10, 70, false, 10},
      {10, 70, true, 70},  {64, 65, true, 65},  {64, 128, false, 64},
      {70, 10, false, 10}, {70, 10, true, 10},  {70, 64, true, 64},
      {130, 0, true, 0},   {63, 64, false, 63}, {63, 64, true, 64},
  };
  for (const auto& c : cases) {
    Bitmap bitmap(c.from, true);
    bitmap.Resize(c.to, c.value);
    EXPECT_EQ(bitmap.size(), c.to);
    EXPECT_EQ(bitmap.Count(), c.set) << c.from << " to " << c.to;
  }
}

TEST(BitmapTest, WhatShrinkingCutOffDoesNotComeBack) {
  Bitmap bitmap(100, true);
  bitmap.Resize(10);
  bitmap.Resize(100);
  EXPECT_EQ(bitmap.Count(), 10u);
}

TEST(BitmapTest, AlgebraOfSetsOfOneSize) {
  Bitmap a = Of(130, {1, 64, 100, 129});
  const Bitmap b = Of(130, {1, 100, 128});
  Bitmap c = a;
  c.And(b);
  EXPECT_THAT(BitsOf(c), ElementsAre(1, 100));
  c = a;
  c.AndNot(b);
  EXPECT_THAT(BitsOf(c), ElementsAre(64, 129));
  c = a;
  c.Or(b);
  EXPECT_THAT(BitsOf(c), ElementsAre(1, 64, 100, 128, 129));
}

TEST(BitmapTest, AlgebraWithAShorterSet) {
  const Bitmap shorter = Of(65, {1, 64});
  Bitmap a = Of(200, {1, 2, 150});
  a.And(shorter);
  EXPECT_THAT(BitsOf(a), ElementsAre(1));
  a = Of(200, {1, 2, 150});
  a.AndNot(shorter);
  EXPECT_THAT(BitsOf(a), ElementsAre(2, 150));
  a = Of(200, {2, 150});
  a.Or(shorter);
  EXPECT_THAT(BitsOf(a), ElementsAre(1, 2, 64, 150));
}

TEST(BitmapTest, AlgebraWithALongerSetKeepsTheSize) {
  const Bitmap longer = Of(200, {1, 69, 70, 150});
  Bitmap a(70, false);
  a.Or(longer);
  EXPECT_EQ(a.size(), 70u);
  EXPECT_THAT(BitsOf(a), ElementsAre(1, 69));
  EXPECT_EQ(a.Count(), 2u);
  a = Bitmap(70, true);
  a.And(longer);
  EXPECT_THAT(BitsOf(a), ElementsAre(1, 69));
  a.AndNot(longer);
  EXPECT_THAT(BitsOf(a), IsEmpty());
}

}  // namespace
}  // namespace taud::model
