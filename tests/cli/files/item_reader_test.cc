#include "cli/files/item_reader.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ItemReaderTest : public testing::Test {
 protected:
  ItemReaderTest() {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    path_ = testing::TempDir() +
            absl::StrCat("items-", info->name(), "-", getpid());
  }
  ~ItemReaderTest() override { std::remove(path_.c_str()); }

  // "id|title|tags|hidden|from|until" each.
  std::vector<std::string> ReadAll(const std::string& contents) {
    std::ofstream(path_, std::ios::binary) << contents;
    auto reader = ItemReader::Open(path_, unknown_);
    EXPECT_TRUE(reader.ok()) << reader.status();
    std::vector<std::string> all;
    if (!reader.ok()) return all;
    while (true) {
      FileItem item;
      BadLine bad;
      const auto outcome = (*reader)->Next(&item, &bad);
      if (outcome == ItemReader::Outcome::kEnd) return all;
      if (outcome == ItemReader::Outcome::kBadLine) {
        bad_.push_back(absl::StrCat(bad.line, ": ", bad.reason));
        continue;
      }
      all.push_back(absl::StrCat(
          item.id, "|", item.title, "|", absl::StrJoin(item.tags, ","), "|",
          item.hidden ? "hidden" : "", "|", item.available_from_ms.value_or(-1),
          "|", item.available_until_ms.value_or(-1)));
    }
  }

  std::string Refusal(const std::string& contents) {
    std::ofstream(path_, std::ios::binary) << contents;
    const auto reader = ItemReader::Open(path_, unknown_);
    return reader.ok() ? "it is not refused"
                       : std::string(reader.status().message());
  }

  std::string path_;
  UnknownItemColumns unknown_ = UnknownItemColumns::kRefuse;
  std::vector<std::string> bad_;
};

TEST_F(ItemReaderTest, MovieLensMoviesCsv) {
  EXPECT_THAT(
      ReadAll("movieId,title,genres\n"
              "11,\"American President, The (1995)\",Comedy|Drama|Romance\n"
              "12,Ünïcode (1996),(no genres listed)\n"),
      ElementsAre(
          "11|American President, The (1995)|Comedy,Drama,Romance||-1|-1",
          "12|Ünïcode (1996)|||-1|-1"));
}

TEST_F(ItemReaderTest, EveryColumn) {
  EXPECT_THAT(
      ReadAll("id,title,tags,hidden,available_from,available_until\n"
              "a,A,x|y|x,true,1000,2020-01-01T00:00:00Z\n"
              "b,,,,,\n"),
      ElementsAre("a|A|x,y|hidden|1000000|1577836800000", "b||||-1|-1"));
}

TEST_F(ItemReaderTest, JsonLines) {
  EXPECT_THAT(ReadAll("{\"id\":\"a\",\"title\":\"A\",\"tags\":[\"x\",\"y\"],"
                      "\"hidden\":true,\"available_until\":1000}\n\n"
                      "{\"item\":5,\"title\":null}\n"),
              ElementsAre("a|A|x,y|hidden|-1|1000000", "5||||-1|-1"));
  EXPECT_THAT(bad_, IsEmpty());
}

TEST_F(ItemReaderTest, BadLinesArePassedOver) {
  EXPECT_THAT(ReadAll("id,hidden,available_from\n,1,\nx,perhaps,\ny,1,soon\n"
                      "z,1\ngood,0,\n"),
              ElementsAre("good||||-1|-1"));
  EXPECT_THAT(
      bad_, ElementsAre("2: there is no id", HasSubstr("3: value \"perhaps\""),
                        HasSubstr("4: time \"soon\""),
                        "5: has 2 fields, the header 3"));
  bad_.clear();
  EXPECT_THAT(ReadAll("{\"id\":\"a\",\"tags\":\"x\"}\n{\"id\":\"b\",\"tags\":"
                      "[1]}\n{\"title\":\"t\"}\nnonsense\n"),
              IsEmpty());
  EXPECT_EQ(bad_.size(), 4u);
}

TEST_F(ItemReaderTest, NoColumnForTheId) {
  EXPECT_THAT(Refusal("name,tags\n"), HasSubstr("names no column id"));
  EXPECT_THAT(Refusal("name\n"), HasSubstr("names no column id"));
}

TEST_F(ItemReaderTest, InteractionsAreRefused) {
  EXPECT_THAT(Refusal("userId,movieId,rating,timestamp\n1,2,3,4\n"),
              HasSubstr("looks like interactions, not items"));
  EXPECT_THAT(Refusal("userId,movieId,tag,timestamp\n1,2,funny,4\n"),
              HasSubstr("looks like interactions, not items"));
  EXPECT_THAT(Refusal("{\"user\":1,\"item\":2}\n"),
              HasSubstr("looks like interactions, not items"));
  unknown_ = UnknownItemColumns::kLeaveOut;
  EXPECT_THAT(Refusal("userId,movieId,title\n1,2,t\n"),
              HasSubstr("looks like interactions, not items"));
}

TEST_F(ItemReaderTest, WhatWouldWipeTitlesIsRefused) {
  EXPECT_THAT(Refusal("movieId,imdbId,tmdbId\n1,2,3\n"),
              HasSubstr("nothing is known of: imdbId, tmdbId"));
  EXPECT_THAT(Refusal("id,titel\n1,A\n"), HasSubstr("known of: titel"));
  unknown_ = UnknownItemColumns::kLeaveOut;
  EXPECT_THAT(Refusal("movieId,imdbId,tmdbId\n1,2,3\n"),
              HasSubstr("says nothing of the items"));
  EXPECT_THAT(ReadAll("id,title,year\na,A,1999\n"), ElementsAre("a|A|||-1|-1"));
}

TEST_F(ItemReaderTest, LineBreaksBlanksAndLongNumbers) {
  EXPECT_THAT(ReadAll("\nid, title\na, \"one\ntwo\"\nb, caf\xE9\n"),
              ElementsAre("a|one\ntwo|||-1|-1"));
  EXPECT_THAT(bad_, ElementsAre("5: the title is not UTF-8"));
  EXPECT_THAT(ReadAll("{\"id\":123456789012345678901,\"title\":\"t\"}\n"),
              ElementsAre("123456789012345678901|t|||-1|-1"));
}

// What a file says nothing of stays as it is: its mask names the rest.
TEST_F(ItemReaderTest, NamesTheFieldsItHas) {
  unknown_ = UnknownItemColumns::kAreProperties;
  const auto first_of = [&](const std::string& contents) {
    std::ofstream(path_, std::ios::binary) << contents;
    auto reader = ItemReader::Open(path_, unknown_);
    EXPECT_TRUE(reader.ok()) << reader.status();
    FileItem item;
    BadLine bad;
    EXPECT_EQ((*reader)->Next(&item, &bad), ItemReader::Outcome::kItem);
    return item;
  };
  FileItem item = first_of("id,title,price,brand\na,One,3,\n");
  EXPECT_EQ(absl::StrJoin(item.mask, " "),
            "title properties.price properties.brand");
  ASSERT_EQ(item.properties.size(), 2u);
  EXPECT_EQ(item.properties[0].first, "price");
  EXPECT_EQ(item.properties[0].second.text, "3");
  EXPECT_EQ(item.properties[1].second.type, JsonField::Type::kNull);
  item = first_of("{\"id\":\"a\",\"hidden\":true,\"genre\":[\"x\",\"y\"]}\n");
  EXPECT_EQ(absl::StrJoin(item.mask, " "), "hidden properties.genre");
  EXPECT_EQ(item.properties[0].second.strings.size(), 2u);
}

}  // namespace
}  // namespace taud::cli
