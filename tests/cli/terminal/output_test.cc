#include "cli/terminal/output.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace taud::cli {
namespace {

TEST(TableTest, AlignsByCharactersNotBytes) {
  Table table({"name", ">score"});
  table.AddRow({"Ünïcode", "1.5"});
  table.AddRow({"x", "10.25"});
  EXPECT_EQ(table.ToString(),
            "name     score\n"
            "Ünïcode    1.5\n"
            "x        10.25\n");
}

TEST(TableTest, BreaksLongCellsBetweenWordsAndNowhereElse) {
  Table table({">n", "title"});
  const std::string word(100, 'x');
  table.AddRow({"1", word});
  std::string numbers;
  for (int i = 0; i < 12; ++i) absl::StrAppend(&numbers, " 1,234,567");
  table.AddRow({"2", numbers.substr(1)});
  EXPECT_EQ(
      table.ToString(),
      "n  title\n"
      "1  " +
          word +
          "\n"
          "2  1,234,567 1,234,567 1,234,567 1,234,567 1,234,567 1,234,567\n"
          "   1,234,567 1,234,567 1,234,567 1,234,567 1,234,567 1,234,567\n");
}

TEST(TableTest, CellsAndHeadingsAreInert) {
  Table table = Table::OfProperties("item", ">a\x1b[2J");
  table.AddRow({"title", "x\ny"});
  EXPECT_EQ(table.ToString(),
            "item   >a\\x1b[2J\n"
            "title  x\\ny\n");
}

TEST(OutputTest, NothingMovesTheTerminal) {
  const struct {
    std::string text;
    const char* inert;
  } cases[] = {
      {"Amélie 日本 👩‍🚀", "Amélie 日本 👩‍🚀"},
      {"\x1b]0;title\x07", "\\x1b]0;title\\x07"},
      {"a\r\n\tb\x7f", "a\\r\\n\\tb\\x7f"},
      {"\xC2\x9B"
       "2J",
       "\\u009b2J"},  // CSI in one character
      {"\x9B"
       "2J",
       "\\x9b2J"},  // and in one byte
      {"\xE2\x80\xAE"
       "cba",
       "\\u202ecba"},  // right to left
      {"caf\xE9", "caf\\xe9"},
      {"\xE2\x80", "\\xe2\\x80"},
      {std::string(1, '\0'), "\\x00"},
  };
  for (const auto& c : cases) EXPECT_EQ(Inert(c.text), c.inert);
  EXPECT_EQ(InertLines("one\ntwo\x1b\n"), "one\ntwo\\x1b\n");
}

TEST(OutputTest, Numbers) {
  EXPECT_EQ(Count(0), "0");
  EXPECT_EQ(Count(999), "999");
  EXPECT_EQ(Count(1000), "1,000");
  EXPECT_EQ(Count(1234567), "1,234,567");
  EXPECT_EQ(Bytes(1023), "1023 B");
  EXPECT_EQ(Bytes(1536), "1.5 KiB");
  EXPECT_EQ(AgeOf(0, 5000), "never");
  EXPECT_EQ(AgeOf(1000, 2500), "1.5 s ago");
  EXPECT_EQ(AgeOf(5000, 1000), "0.0 s ago");
}

}  // namespace
}  // namespace taud::cli
