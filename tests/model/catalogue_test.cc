#include "model/catalogue.h"

#include <limits>
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
      {{{}, {}, {}}, {0, 1, 2, 3, 4}},
      {{{"red"}, {}, {}}, {0, 1}},
      {{{"red", "blue"}, {}, {}}, {0, 1, 2}},
      {{{"unknown"}, {}, {}}, {}},
      {{{"unknown", "red"}, {}, {}}, {0, 1}},
      {{{}, {"red", "big"}, {}}, {0}},
      {{{}, {"big", "unknown"}, {}}, {}},
      {{{}, {}, {"red"}}, {2, 3, 4}},
      {{{}, {}, {"unknown"}}, {0, 1, 2, 3, 4}},
      {{{"red", "blue"}, {"big"}, {"blue"}}, {0}},
      {{{"red"}, {}, {"red"}}, {}},
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
  EXPECT_THAT(Eligible(catalogue, {{"t"}, {}, {}}), ElementsAre(2));
  hidden.hidden = false;
  catalogue.Upsert(1, hidden);
  EXPECT_TRUE(catalogue.Unrestricted());
  EXPECT_THAT(Eligible(catalogue, {{"t"}, {}, {}}), ElementsAre(1, 2));
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
  EXPECT_THAT(Eligible(catalogue, {{"old"}, {}, {}}), IsEmpty());
  EXPECT_THAT(Eligible(catalogue, {{"kept"}, {}, {}}), ElementsAre(1));
  EXPECT_THAT(Eligible(catalogue, {{"new"}, {}, {}}), ElementsAre(1));
  EXPECT_EQ(catalogue.Title(1), "after");
  EXPECT_EQ(catalogue.num_records(), 1u);
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
  EXPECT_THAT(Eligible(catalogue, {{"t"}, {}, {}}, 0, 66), IsEmpty());
  EXPECT_THAT(Eligible(catalogue, {{"t"}, {}, {}}, 0, 1000), ElementsAre(69));
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
    EXPECT_THAT(Eligible(catalogue, {{}, {"a0"}, {"b0"}}, 0, 1), IsEmpty());
    EXPECT_THAT(Eligible(catalogue, {{"a0", "a1"}, {}, {}}, 0, 1),
                ElementsAre(0));
  }
  writer.join();
}

}  // namespace
}  // namespace taud::model
