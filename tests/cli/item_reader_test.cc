#include "cli/item_reader.h"

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
    auto reader = ItemReader::Open(path_);
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

  std::string path_;
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
  EXPECT_THAT(
      ReadAll("{\"id\":\"a\",\"title\":\"A\",\"tags\":[\"x\",\"y\"],"
              "\"hidden\":true,\"available_until\":1000}\n\n{\"item\":5}\n"),
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
  std::ofstream(path_) << "name,tags\n";
  const auto reader = ItemReader::Open(path_);
  ASSERT_FALSE(reader.ok());
  EXPECT_THAT(std::string(reader.status().message()),
              HasSubstr("names no column id"));
}

}  // namespace
}  // namespace taud::cli
