#include "cli/output.h"

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

TEST(TableTest, CutsLongCellsAndControlCharacters) {
  Table table({"title"});
  table.AddRow({std::string(100, 'x')});
  table.AddRow({"a\x1b[2Jb\n"});
  EXPECT_EQ(table.ToString(),
            "title"
            "\n" +
                std::string(59, 'x') + "…\na [2Jb \n");
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
