#include "store/log/record_update.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ItemMask Nothing() { return {false, false, false, false, false, {false, {}}}; }

NewItem Item(const std::string& id) {
  NewItem item;
  item.id = id;
  return item;
}

// `hidden` alone used to wipe title and tags.
TEST(MergeTest, WhatTheMaskDoesNotNameStays) {
  model::ItemRecord old;
  old.title = "The Third Man";
  old.tags = {"film"};
  old.available_from_ms = 5;
  old.properties = {{"price", 3.5}, {"year", 1949.0}};
  NewItem update = Item("i");
  update.record.hidden = true;
  update.mask = Nothing();
  update.mask.hidden = true;
  auto merged = Merge(old, update);
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_TRUE(merged->hidden);
  EXPECT_EQ(merged->title, "The Third Man");
  EXPECT_THAT(merged->tags, ElementsAre("film"));
  EXPECT_EQ(merged->available_from_ms, 5);
  EXPECT_EQ(merged->properties, old.properties);

  // Named and not given: removed.
  update.mask = Nothing();
  update.mask.title = true;
  update.record.properties = {{"price", 4.0}, {"not_named", true}};
  update.mask.properties.names = {"price", "year"};
  merged = Merge(old, update);
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_EQ(merged->title, "");
  EXPECT_FALSE(merged->hidden);
  EXPECT_EQ(merged->properties, (model::Properties{{"price", 4.0}}));

  merged = Merge(old, Item("i"));
  ASSERT_TRUE(merged.ok());
  EXPECT_TRUE(merged->tags.empty()) << "a whole record";
}

TEST(MergeTest, WhatNoRecordMayBeIsRefused) {
  model::ItemRecord old;
  old.available_until_ms = 100;
  NewItem update = Item("i");
  update.mask = Nothing();
  update.mask.available_from = true;
  update.record.available_from_ms = 100;
  EXPECT_THAT(std::string(Merge(old, update).status().message()),
              HasSubstr("available_until_ms: would be 100, not after"));
  for (size_t p = 0; p < model::kMaxProperties; ++p) {
    old.properties[absl::StrCat("p", p)] = true;
  }
  update.mask = Nothing();
  update.record.properties = {{"more", true}};
  update.mask.properties.names = {"more"};
  EXPECT_THAT(std::string(Merge(old, update).status().message()),
              HasSubstr("would be 65"));
}

TEST(RecordPlannerTest, LaterUpdatesBuildUponEarlierOnes) {
  model::State state;
  state.items.Insert("i");
  model::ItemRecord record;
  record.title = "before";
  state.catalogue.Upsert(0, record);
  NewItem tags = Item("i");
  tags.mask = Nothing();
  tags.mask.tags = true;
  tags.record.tags = {"t"};
  NewItem price = Item("i");
  price.mask = Nothing();
  price.mask.properties.names = {"price"};
  price.record.properties = {{"price", 1.0}};
  RecordPlanner planner(&state);
  std::vector<model::ItemRecord> merged;
  const std::vector<NewItem> first = {tags, price};
  ASSERT_TRUE(planner.Plan(first, &merged).ok());
  ASSERT_EQ(merged.size(), 2u);
  EXPECT_EQ(merged[1].title, "before");
  EXPECT_THAT(merged[1].tags, ElementsAre("t"));
  price.record.properties = {{"price", 2.0}};
  const std::vector<NewItem> second = {price};
  ASSERT_TRUE(planner.Plan(second, &merged).ok());
  EXPECT_THAT(merged[0].tags, ElementsAre("t"));
  EXPECT_EQ(merged[0].properties, (model::Properties{{"price", 2.0}}));
}

TEST(RecordPlannerTest, AllItemsTogetherHaveSoManyNames) {
  model::State state;
  RecordPlanner planner(&state);
  std::vector<NewItem> items;
  for (size_t n = 0; n <= model::kMaxPropertyNames; ++n) {
    items.push_back(Item(absl::StrCat("i", n)));
    items.back().record.properties = {{absl::StrCat("name", n), true}};
  }
  std::vector<model::ItemRecord> merged;
  const absl::Status status = planner.Plan(items, &merged);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("items[1024].properties: \"name1024\" would be the "
                        "name number 1025"));
  items.pop_back();
  EXPECT_TRUE(planner.Plan(items, &merged).ok())
      << "nothing of what was refused counts";
}

TEST(RecordPlannerTest, Users) {
  model::State state;
  state.users.Insert("u");
  state.user_properties.Put(0, {{"country", std::string("AT")}, {"age", 30.0}});
  NewUser update;
  update.id = "u";
  update.properties = {{"age", 31.0}};
  update.mask.all = false;
  update.mask.names = {"age"};
  RecordPlanner planner(&state);
  std::vector<model::Properties> merged;
  const std::vector<NewUser> users = {update};
  ASSERT_TRUE(planner.Plan(users, &merged).ok());
  EXPECT_EQ(merged[0],
            (model::Properties{{"country", std::string("AT")}, {"age", 31.0}}));
}

}  // namespace
}  // namespace taud::store
