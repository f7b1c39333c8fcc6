#include "model/catalogue.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::model {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ItemRecord Tagged(std::vector<std::string> tags) {
  ItemRecord record;
  record.tags = std::move(tags);
  return record;
}

std::vector<size_t> Eligible(const Catalogue& catalogue,
                             const TagFilter& filter, int64_t now_ms = 0,
                             size_t num_items = 5) {
  Bitmap bitmap;
  catalogue.FillEligible(filter, now_ms, num_items, &bitmap);
  EXPECT_EQ(bitmap.size(), num_items);
  std::vector<size_t> items;
  bitmap.ForEach([&](size_t item) { items.push_back(item); });
  return items;
}

TEST(CatalogueTest, UnknownItemsHaveDefaults) {
  const Catalogue catalogue;
  EXPECT_FALSE(catalogue.Has(3));
  EXPECT_EQ(catalogue.Title(3), "");
  EXPECT_FALSE(catalogue.Get(3).hidden);
  EXPECT_EQ(catalogue.num_records(), 0u);
  EXPECT_TRUE(catalogue.Unrestricted());
  EXPECT_THAT(Eligible(catalogue, {}), ElementsAre(0, 1, 2, 3, 4));
}

TEST(CatalogueTest, TagFilterTable) {
  Catalogue catalogue;
  catalogue.Upsert(0, Tagged({"red", "big"}));
  catalogue.Upsert(1, Tagged({"red"}));
  catalogue.Upsert(2, Tagged({"blue", "big"}));
  catalogue.Upsert(3, Tagged({}));
  const struct {
    TagFilter filter;
    std::vector<size_t> expected;
  } cases[] = {
      {{{}, {}, {}, nullptr}, {0, 1, 2, 3, 4}},
      {{{"red"}, {}, {}, nullptr}, {0, 1}},
      {{{"red", "blue"}, {}, {}, nullptr}, {0, 1, 2}},
      {{{"unknown"}, {}, {}, nullptr}, {}},
      {{{"unknown", "red"}, {}, {}, nullptr}, {0, 1}},
      {{{}, {"red", "big"}, {}, nullptr}, {0}},
      {{{}, {"big", "unknown"}, {}, nullptr}, {}},
      {{{}, {}, {"red"}, nullptr}, {2, 3, 4}},
      {{{}, {}, {"unknown"}, nullptr}, {0, 1, 2, 3, 4}},
      {{{"red", "blue"}, {"big"}, {"blue"}, nullptr}, {0}},
      {{{"red"}, {}, {"red"}, nullptr}, {}},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Eligible(catalogue, c.filter), c.expected)
        << ::testing::PrintToString(c.filter.any)
        << ::testing::PrintToString(c.filter.all)
        << ::testing::PrintToString(c.filter.none);
  }
}

TEST(CatalogueTest, HiddenItemsAreOut) {
  Catalogue catalogue;
  ItemRecord hidden = Tagged({"t"});
  hidden.hidden = true;
  catalogue.Upsert(1, hidden);
  catalogue.Upsert(2, Tagged({"t"}));
  EXPECT_FALSE(catalogue.Unrestricted());
  EXPECT_THAT(Eligible(catalogue, {}), ElementsAre(0, 2, 3, 4));
  EXPECT_THAT(Eligible(catalogue, {{"t"}, {}, {}, nullptr}), ElementsAre(2));
  hidden.hidden = false;
  catalogue.Upsert(1, hidden);
  EXPECT_TRUE(catalogue.Unrestricted());
  EXPECT_THAT(Eligible(catalogue, {{"t"}, {}, {}, nullptr}), ElementsAre(1, 2));
}

TEST(CatalogueTest, AvailabilityIsFromInclusiveUntilExclusive) {
  Catalogue catalogue;
  ItemRecord record;
  record.available_from_ms = 100;
  record.available_until_ms = 200;
  catalogue.Upsert(0, record);
  EXPECT_FALSE(catalogue.Unrestricted());
  for (const int64_t now : {99, 200, 1000}) {
    EXPECT_THAT(Eligible(catalogue, {}, now, 2), ElementsAre(1)) << now;
  }
  for (const int64_t now : {100, 199}) {
    EXPECT_THAT(Eligible(catalogue, {}, now, 2), ElementsAre(0, 1)) << now;
  }
  record.available_from_ms = std::numeric_limits<int64_t>::min();
  catalogue.Upsert(0, record);
  EXPECT_THAT(Eligible(catalogue, {}, -1000, 1), ElementsAre(0));
  EXPECT_THAT(Eligible(catalogue, {}, 200, 1), IsEmpty());
}

TEST(CatalogueTest, UpsertReplacesTagsAndTitle) {
  Catalogue catalogue;
  ItemRecord record = Tagged({"old", "kept"});
  record.title = "before";
  catalogue.Upsert(1, record);
  record = Tagged({"kept", "new"});
  record.title = "after";
  catalogue.Upsert(1, record);
  EXPECT_THAT(Eligible(catalogue, {{"old"}, {}, {}, nullptr}), IsEmpty());
  EXPECT_THAT(Eligible(catalogue, {{"kept"}, {}, {}, nullptr}), ElementsAre(1));
  EXPECT_THAT(Eligible(catalogue, {{"new"}, {}, {}, nullptr}), ElementsAre(1));
  EXPECT_EQ(catalogue.Title(1), "after");
  EXPECT_EQ(catalogue.num_records(), 1u);
}

Expression Parsed(const std::string& text) {
  const auto parsed = ParseExpression(text);
  EXPECT_TRUE(parsed.ok()) << text << ": " << parsed.status();
  return parsed.ok() ? *parsed : Expression();
}

TEST(CatalogueTest, TaggedItemsTheNewestOfMany) {
  Catalogue catalogue;
  const CatalogueStamp before = catalogue.stamp();
  for (const ItemIndex item : {3u, 70u, 200u, 5u}) {
    ItemRecord record;
    record.tags = {item == 70u ? "b" : "a"};
    catalogue.Upsert(item, record);
  }
  catalogue.Upsert(6, {});
  EXPECT_EQ(catalogue.stamp().changes, before.changes + 4);
  ItemRecord priced;  // the same tags
  priced.tags = {"b"};
  priced.title = "now with a title";
  catalogue.Upsert(70, priced);
  EXPECT_EQ(catalogue.stamp().changes, before.changes + 4);
  std::vector<ItemIndex> items;
  ItemTags tags;
  Bitmap without(10, false);
  without.Set(5);
  catalogue.CopyTagged(without, 100, &items, &tags);
  EXPECT_EQ(items, (std::vector<ItemIndex>{3, 70, 200}));
  ASSERT_EQ(tags.ends.size(), 3u);
  EXPECT_EQ(tags.Of(0)[0], tags.Of(2)[0]);
  EXPECT_NE(tags.Of(0)[0], tags.Of(1)[0]);
  catalogue.CopyTagged(without, 2, &items, &tags);
  EXPECT_EQ(items, (std::vector<ItemIndex>{70, 200}));
  const TagId a = tags.Of(1)[0];
  catalogue.CopyItemsOf(a, 100, &items);
  EXPECT_EQ(items, (std::vector<ItemIndex>{3, 5, 200}));
  catalogue.CopyItemsOf(a, 2, &items);
  EXPECT_EQ(items, (std::vector<ItemIndex>{3, 200}));
  catalogue.CopyItemsOf(a, 0, &items);
  EXPECT_TRUE(items.empty());
  // An id that is free is given to the next new tag, and the stamp tells.
  for (const ItemIndex item : {3u, 5u, 200u}) catalogue.Delete(item);
  EXPECT_EQ(catalogue.stamp().reassigned, 0u);
  ItemRecord record;
  record.tags = {"c"};
  catalogue.Upsert(7, record);
  EXPECT_EQ(catalogue.stamp().reassigned, 1u);
  catalogue.CopyTagged(Bitmap(), 100, &items, &tags);
  EXPECT_EQ(items, (std::vector<ItemIndex>{7, 70}));
}

TEST(CatalogueTest, Expressions) {
  Catalogue catalogue;
  const std::vector<Properties> items = {
      {{"price", 10.0}, {"brand", std::string("acme")}, {"sale", true}},
      {{"price", 20.0}, {"brand", std::string("Bolt")}, {"sale", false}},
      {{"price", std::string("cheap")},
       {"genre", std::vector<std::string>{"comedy", "war"}}},
      {{"genre", std::vector<std::string>{"drama"}},
       {"out", PropertyTime{1795219200000}}},  // 2026-11-21
      {},
  };
  for (ItemIndex i = 0; i < items.size(); ++i) {
    // Some on other pages of the columns.
    ItemRecord record = Tagged(i % 2 == 0 ? std::vector<std::string>{"even"}
                                          : std::vector<std::string>{});
    record.properties = items[i];
    catalogue.Upsert(i * 1500, record);
  }
  const struct {
    const char* text;
    std::vector<size_t> expected;
  } cases[] = {
      {"price < 20", {0}},
      {"price <= 20", {0, 1}},
      {"price > 10", {1}},
      {"price >= 10.0", {0, 1}},
      {"price == 20", {1}},
      {"price != 20", {0}},
      {"not price == 20", {0, 2, 3, 4}},
      {"price in 10..20", {0, 1}},
      {"price in 11..19", {}},
      {"price in [10, 30]", {0}},
      {"price not in [10, 30]", {1}},
      {"price in []", {}},
      {"price == \"cheap\"", {2}},
      {"price in [10, \"cheap\"]", {0, 2}},
      {"brand == 'acme'", {0}},
      {"brand != 'acme'", {1}},
      {"brand < 'a'", {1}},
      {"brand in 'a'..'b'", {0}},
      {"brand == 'unheard of'", {}},
      {"brand != 'unheard of'", {0, 1}},
      {"sale", {0}},
      {"not sale", {1, 2, 3, 4}},
      {"sale == false", {1}},
      {"sale in [true, false]", {0, 1}},
      {"exists(price)", {0, 1, 2}},
      {"genre in ['comedy', 'satire']", {2}},
      {"genre == 'war'", {2}},
      {"genre != 'war'", {3}},
      {"genre not in ['war', 'drama']", {}},
      {"genre < 'x'", {}},
      {"out >= '2026-11-21'", {3}},
      {"out > '2026-11-21'", {}},
      {"out < '2026-11-21T00:00:01Z'", {3}},
      {"out in '2026-11-01'..'2026-11-30'", {3}},
      {"out == 1795219200000", {3}},
      {"tags == 'even'", {0, 2, 4}},
      {"tags != 'even'", {1, 3}},
      {"tags in ['odd']", {}},
      {"price < 20 and brand == 'acme' or genre == 'drama'", {0, 3}},
      {"price < 100 and not (brand == 'acme')", {1}},
      {"missing == 3", {}},
      {"not missing == 3", {0, 1, 2, 3, 4}},
  };
  for (const auto& c : cases) {
    const Expression expression = Parsed(c.text);
    TagFilter filter;
    filter.expression = std::make_shared<const Expression>(expression);
    // The items between have no properties, and no tags.
    std::vector<size_t> found;
    for (const size_t item : Eligible(catalogue, filter, 0, 6001)) {
      if (item % 1500 == 0) found.push_back(item / 1500);
    }
    EXPECT_EQ(found, c.expected) << c.text;
    std::vector<char> matches;
    catalogue.MatchEach(expression, {0, 1500, 3000, 4500, 6000}, &matches);
    for (size_t i = 0; i < items.size(); ++i) {
      EXPECT_EQ(matches[i] != 0,
                std::count(c.expected.begin(), c.expected.end(), i) > 0)
          << c.text << " of " << i;
    }
  }
}

TEST(CatalogueTest, PropertiesAreReplacedAndForgotten) {
  Catalogue catalogue;
  const size_t empty = catalogue.bytes();
  ItemRecord record;
  record.properties = {{"a", std::string("x")},
                       {"b", std::vector<std::string>{"x", "y"}}};
  catalogue.Upsert(3, record);
  EXPECT_EQ(catalogue.PropertiesOf(3), record.properties);
  EXPECT_TRUE(catalogue.HasProperty("a"));
  record.properties = {{"b", 2.0}, {"c", std::string("x")}};
  catalogue.Upsert(3, record);
  EXPECT_EQ(catalogue.PropertiesOf(3), record.properties);
  EXPECT_FALSE(catalogue.HasProperty("a"));
  EXPECT_EQ(catalogue.num_properties(), 2u);
  EXPECT_GT(catalogue.bytes(), empty);
  catalogue.Delete(3);
  EXPECT_EQ(catalogue.bytes(), empty) << "nothing is left of it";
  EXPECT_EQ(catalogue.num_properties(), 0u);
}

// An index may have fewer items than the catalogue, and more.
TEST(CatalogueTest, ItemsBeyondTheRangeAreIgnored) {
  Catalogue catalogue;
  ItemRecord hidden = Tagged({"t"});
  hidden.hidden = true;
  hidden.available_until_ms = -1;
  catalogue.Upsert(70, hidden);
  catalogue.Upsert(69, Tagged({"t"}));
  EXPECT_THAT(Eligible(catalogue, {}, 0, 3), ElementsAre(0, 1, 2));
  EXPECT_THAT(Eligible(catalogue, {{"t"}, {}, {}, nullptr}, 0, 66), IsEmpty());
  EXPECT_THAT(Eligible(catalogue, {{"t"}, {}, {}, nullptr}, 0, 1000),
              ElementsAre(69));
  EXPECT_THAT(Eligible(catalogue, {}, 0, 0), IsEmpty());
}

// No reader sees half an item: one that is both or neither, never one.
TEST(CatalogueTest, ReadersSeeWholeItems) {
  Catalogue catalogue;
  constexpr int kChanges = 2000;
  catalogue.Upsert(0, Tagged({"a0", "b0"}));
  std::thread writer([&catalogue] {
    for (int i = 1; i <= kChanges; ++i) {
      const std::string number = std::to_string(i % 2);
      catalogue.Upsert(0, Tagged({"a" + number, "b" + number}));
    }
  });
  for (int i = 0; i < kChanges; ++i) {
    EXPECT_THAT(Eligible(catalogue, {{}, {"a0"}, {"b0"}, nullptr}, 0, 1),
                IsEmpty());
    EXPECT_THAT(Eligible(catalogue, {{"a0", "a1"}, {}, {}, nullptr}, 0, 1),
                ElementsAre(0));
  }
  writer.join();
}

}  // namespace
}  // namespace taud::model
