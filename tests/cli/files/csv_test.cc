#include "cli/files/csv.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::cli {
namespace {

using testing::ElementsAre;

TEST(CsvTest, FieldsOfALine) {
  const struct {
    const char* line;
    std::vector<std::string> fields;
  } cases[] = {
      {"", {""}},
      {",", {"", ""}},
      {"a,b", {"a", "b"}},
      {"a, b ,\tc", {"a", "b", "c"}},
      {"\" a\",  \"b,c\"  ,d", {" a", "b,c", "d"}},
      {"\"a\"\"b\",\"\"", {"a\"b", ""}},
      {"5\" pipe,x", {"5\" pipe", "x"}},
  };
  for (const auto& c : cases) {
    std::vector<std::string> fields;
    ASSERT_TRUE(SplitCsv(c.line, ',', &fields).ok()) << c.line;
    EXPECT_EQ(fields, c.fields) << c.line;
  }
  std::vector<std::string> fields;
  EXPECT_FALSE(SplitCsv("\"a", ',', &fields).ok());
  EXPECT_FALSE(SplitCsv("\"a\"b", ',', &fields).ok());
  ASSERT_TRUE(SplitCsv("a\t b\t", '\t', &fields).ok());
  EXPECT_THAT(fields, ElementsAre("a", "b", ""));
}

TEST(CsvTest, ARecordOfSeveralLines) {
  CsvRecord record(',');
  EXPECT_FALSE(record.Add("a,\"b").value());
  EXPECT_FALSE(record.Add("\r\n").value());
  EXPECT_TRUE(record.Add("\nc\",d").value());
  EXPECT_THAT(record.fields(), ElementsAre("a", "b\r\n\nc", "d"));
  EXPECT_TRUE(record.Add("next").value());
  EXPECT_THAT(record.fields(), ElementsAre("next"));
}

TEST(CsvTest, QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(CsvField("plain text"), "plain text");
  EXPECT_EQ(CsvField(""), "");
  EXPECT_EQ(CsvField(" x"), "\" x\"");
  EXPECT_EQ(CsvField("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(CsvField("a\rb"), "\"a\rb\"");
}

}  // namespace
}  // namespace taud::cli
