#include "store/files/checked_json.h"

#include <string>

#include "gtest/gtest.h"

namespace taud::store {
namespace {

using Json = nlohmann::json;

TEST(CheckedJsonTest, WhatWasWrittenIsReadBack) {
  const FileDigests files = {{"a.npy", {12, 7}}, {"b/c.txt", {0, 0}}};
  const std::string text =
      FormatChecked({{"version", 3}, {"files", ToJson(files)}});
  Json json = Json::parse(text);
  ASSERT_TRUE(TakeChecksum(&json).ok());
  EXPECT_EQ(json.at("version"), 3);
  EXPECT_FALSE(json.contains("crc32c"));
  const FileDigests read = FileDigestsFrom(json.at("files"));
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read.at("a.npy").bytes, 12u);
  EXPECT_EQ(read.at("a.npy").crc32c, 7u);
}

TEST(CheckedJsonTest, AnotherValueIsDamage) {
  std::string text = FormatChecked({{"version", 3}});
  const std::string field = "\"version\": 3";
  ASSERT_NE(text.find(field), std::string::npos);
  text.replace(text.find(field) + field.size() - 1, 1, "4");
  Json json = Json::parse(text);
  EXPECT_EQ(TakeChecksum(&json).code(), absl::StatusCode::kDataLoss);
}

TEST(CheckedJsonTest, WithoutAChecksumItThrows) {
  Json json = {{"version", 3}};
  EXPECT_THROW(TakeChecksum(&json).IgnoreError(), Json::exception);
}

}  // namespace
}  // namespace taud::store
