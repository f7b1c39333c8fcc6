#include "cli/commands/property_flags.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::cli {
namespace {

using testing::HasSubstr;

TEST(PropertyFlagsTest, TypesAreGuessedOrSaid) {
  PropertyMap properties;
  for (const char* flag :
       {"price=3.5", "sale=true", "brand=acme", "zip:text=01234", "n:number=-1",
        "on:flag=yes", "genre:list=war", "genre:list=a=b", "empty=", "x=nan",
        "day:time=1949-09-01"}) {
    const absl::Status status = AddProperty(flag, &properties);
    EXPECT_TRUE(status.ok()) << flag << ": " << status;
  }
  EXPECT_EQ(properties.at("price").number(), 3.5);
  EXPECT_TRUE(properties.at("sale").flag());
  EXPECT_EQ(properties.at("brand").text(), "acme");
  EXPECT_EQ(properties.at("zip").text(), "01234");
  EXPECT_EQ(properties.at("n").number(), -1);
  EXPECT_TRUE(properties.at("on").flag());
  EXPECT_EQ(properties.at("genre").texts().values_size(), 2);
  EXPECT_EQ(properties.at("empty").text(), "");
  EXPECT_EQ(properties.at("x").text(), "nan");
  EXPECT_EQ(properties.at("day").time_ms(), -641692800000);
}

TEST(PropertyFlagsTest, WhatIsWrongIsSaid) {
  PropertyMap properties;
  for (const char* flag : {"price", "=3", "a:number=x", "a:kind=x",
                           "a:flag=perhaps", "a:time=then"}) {
    const absl::Status status = AddProperty(flag, &properties);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << flag;
    EXPECT_THAT(std::string(status.message()), HasSubstr(flag));
  }
}

TEST(PropertyFlagsTest, UnknownNamesAreShownInert) {
  v1::UnknownNames unknown;
  EXPECT_EQ(ShowUnknown(unknown), "");
  unknown.add_tags("flim\x1b[2J");
  unknown.add_properties("prize");
  unknown.set_count(5);
  EXPECT_EQ(ShowUnknown(unknown),
            "unknown: tags flim\\x1b[2J; properties prize and 3 more");
}

}  // namespace
}  // namespace taud::cli
