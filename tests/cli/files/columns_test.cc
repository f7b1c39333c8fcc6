#include "cli/files/columns.h"

#include "cli/files/json_fields.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(ColumnsTest, AreFoundByTheirNames) {
  const auto map =
      MapColumns({"Time_MS", "USER id", "sequence", "Book-Rating", "ISBN"}, {});
  ASSERT_TRUE(map.ok()) << map.status();
  EXPECT_EQ(map->Of(Role::kUser), 1);
  EXPECT_EQ(map->Of(Role::kItem), 4);
  EXPECT_EQ(map->Of(Role::kTime), 0);
  EXPECT_EQ(map->Of(Role::kRating), 3);
  EXPECT_EQ(map->Of(Role::kKind), -1);
  EXPECT_THAT(map->unknown, IsEmpty());
}

TEST(ColumnsTest, AChoiceComesFirst) {
  auto choice = ParseColumnChoice({"user=buyer,item=sku, size", "rating="});
  ASSERT_TRUE(choice.ok()) << choice.status();
  const auto map =
      MapColumns({"user", "Buyer", "sku, size", "rating", "weight"}, *choice);
  ASSERT_TRUE(map.ok()) << map.status();
  EXPECT_EQ(map->Of(Role::kUser), 1);
  EXPECT_EQ(map->Of(Role::kItem), 2);
  EXPECT_EQ(map->Of(Role::kRating), -1);
  EXPECT_EQ(map->Of(Role::kWeight), 4);
  EXPECT_THAT(map->unknown, ElementsAre("user", "rating"));
}

TEST(ColumnsTest, ChoicesThatSayNothing) {
  for (const char* list :
       {"buyer", "buyer=user", "user", "=x", "user=a,user=b", ""}) {
    EXPECT_FALSE(ParseColumnChoice({list}).ok()) << list;
  }
  EXPECT_FALSE(HasChoice(ParseColumnChoice({}).value()));
}

TEST(JsonFieldsTest, NumbersStayAsTheyAreWritten) {
  const auto fields = ParseJsonFields(
      " {\"a\":123456789012345678901,\"b\":1.50,\"c\":-7,\"d\":\"\\u00fc\","
      "\"e\":[\"x\",\"y\"],\"f\":[1],\"g\":{\"a\":[{}]},\"h\":null,\"i\":true,"
      "\"j\":[],\"k\":[[\"x\"]]} ");
  ASSERT_TRUE(fields.ok()) << fields.status();
  using Type = JsonField::Type;
  const struct {
    const char* name;
    Type type;
    const char* text;
  } expected[] = {{"a", Type::kNumber, "123456789012345678901"},
                  {"b", Type::kNumber, "1.50"},
                  {"c", Type::kNumber, "-7"},
                  {"d", Type::kString, "ü"},
                  {"e", Type::kStrings, ""},
                  {"f", Type::kOther, ""},
                  {"g", Type::kOther, ""},
                  {"h", Type::kNull, ""},
                  {"i", Type::kBool, "true"},
                  {"j", Type::kStrings, ""},
                  {"k", Type::kOther, ""}};
  ASSERT_EQ(fields->size(), std::size(expected));
  for (size_t i = 0; i < fields->size(); ++i) {
    EXPECT_EQ((*fields)[i].first, expected[i].name);
    EXPECT_EQ((*fields)[i].second.type, expected[i].type) << expected[i].name;
    EXPECT_EQ((*fields)[i].second.text, expected[i].text) << expected[i].name;
  }
  EXPECT_THAT((*fields)[4].second.strings, ElementsAre("x", "y"));
}

TEST(JsonFieldsTest, WhatIsNoObject) {
  for (const char* line : {"", "1", "[]", "\"x\"", "{", "{} {}", "{\"a\":}",
                           "{\"a\":1,}", "nonsense", "null"}) {
    EXPECT_FALSE(ParseJsonFields(line).ok()) << line;
  }
  EXPECT_THAT(
      std::string(ParseJsonFields("{\"a\":1,\"a\":2}").status().message()),
      HasSubstr("has the field \"a\" twice"));
  EXPECT_EQ(ParseJsonFields("{\"a\":\"\xE9\"}").status().message(),
            "is not UTF-8");
  EXPECT_TRUE(ParseJsonFields("{}").value().empty());
  // No stack grows with the depth.
  const std::string deep(100000, '[');
  EXPECT_FALSE(ParseJsonFields("{\"a\":" + deep).ok());
}

}  // namespace
}  // namespace taud::cli
