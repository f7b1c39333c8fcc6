#include "query/recent_items.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::query {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<uint32_t> Items(const RecentItems& recent, uint32_t user) {
  std::vector<RecentItems::Entry> entries;
  recent.Copy(user, &entries);
  std::vector<uint32_t> items;
  for (const RecentItems::Entry& entry : entries) items.push_back(entry.item);
  return items;
}

TEST(RecentItemsTest, KeepsTheLatestNewestFirst) {
  RecentItems recent;
  EXPECT_THAT(Items(recent, 7), IsEmpty());
  for (const uint32_t item : {5u, 6u, 7u}) recent.Add(2, item, 10);
  recent.Add(0, 9, 10);
  EXPECT_THAT(Items(recent, 2), ElementsAre(7, 6, 5));
  EXPECT_THAT(Items(recent, 1), IsEmpty());
  for (uint32_t item = 100; item < 120; ++item) recent.Add(2, item, item);
  const std::vector<uint32_t> items = Items(recent, 2);
  ASSERT_EQ(items.size(), kRecentItems);
  EXPECT_EQ(items.front(), 119u);
  EXPECT_EQ(items.back(), 104u);
}

TEST(RecentItemsTest, GoesByWhenItHappenedNotByWhenItCame) {
  RecentItems recent;
  recent.Add(0, 1, 300);
  recent.Add(0, 2, 100);  // filled in later
  recent.Add(0, 3, 200);
  EXPECT_THAT(Items(recent, 0), ElementsAre(1, 3, 2));
  for (uint32_t item = 10; item < 26; ++item) recent.Add(0, item, 400 + item);
  recent.Add(0, 50, 5);  // older than all that are kept
  EXPECT_EQ(Items(recent, 0).back(), 10u);
  recent.Add(0, 51, 411);  // in between: the oldest makes room
  const std::vector<uint32_t> items = Items(recent, 0);
  ASSERT_EQ(items.size(), kRecentItems);
  EXPECT_EQ(items.back(), 11u);
  EXPECT_EQ(items[kRecentItems - 2], 51u);
}

TEST(RecentItemsTest, AnItemThatComesAgainOrIsTakenBackStandsNoLonger) {
  RecentItems recent;
  for (uint32_t item = 1; item <= 3; ++item) recent.Add(0, item, item);
  recent.Add(0, 1, 9);
  EXPECT_THAT(Items(recent, 0), ElementsAre(1, 3, 2));
  recent.Remove(0, 3);
  recent.Remove(0, 77);
  recent.Remove(5, 1);
  EXPECT_THAT(Items(recent, 0), ElementsAre(1, 2));
}

}  // namespace
}  // namespace taud::query
