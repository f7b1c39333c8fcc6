#include "cli/interaction_reader.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::cli {
namespace {

using model::InteractionKind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class InteractionReaderTest : public testing::Test {
 protected:
  InteractionReaderTest() {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    path_ = testing::TempDir() +
            absl::StrCat("reader-", info->name(), "-", getpid());
  }
  ~InteractionReaderTest() override { std::remove(path_.c_str()); }

  void Write(const std::string& contents) {
    std::ofstream(path_, std::ios::binary) << contents;
  }

  // Reads all of it; "user item kind time weight event" each.
  std::vector<std::string> ReadAll(
      InteractionFormat format = InteractionFormat::kAuto,
      std::optional<InteractionKind> kind = {}) {
    bad_.clear();
    auto reader = InteractionReader::Open(path_, format, kind);
    EXPECT_TRUE(reader.ok()) << reader.status();
    std::vector<std::string> all;
    if (!reader.ok()) return all;
    while (true) {
      FileInteraction one;
      BadLine bad;
      const auto outcome = (*reader)->Next(&one, &bad);
      if (outcome == InteractionReader::Outcome::kEnd) break;
      if (outcome == InteractionReader::Outcome::kBadLine) {
        bad_.push_back(absl::StrCat(bad.line, ": ", bad.reason));
        continue;
      }
      all.push_back(absl::StrCat(one.user, " ", one.item, " ",
                                 static_cast<int>(one.kind), " ", one.time_ms,
                                 " ", one.weight, " ", one.event_id));
    }
    EXPECT_EQ((*reader)->bytes_read(), (*reader)->total_bytes());
    return all;
  }

  std::string path_;
  std::vector<std::string> bad_;
};

TEST_F(InteractionReaderTest, AdjacencyLists) {
  Write("0 10 11\n1\n\n2 12\r\n");
  EXPECT_THAT(ReadAll(),
              ElementsAre("0 10 1 0 0 ", "0 11 1 0 0 ", "2 12 1 0 0 "));
  EXPECT_THAT(bad_, IsEmpty());
}

TEST_F(InteractionReaderTest, MovieLensRatingsCsv) {
  Write(
      "userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n"
      "1,32,4.0,1260759145\n7,33,0.5,1260759146\n");
  EXPECT_THAT(ReadAll(),
              ElementsAre("1 31 1 1260759144000 0 ", "1 32 3 1260759145000 0 ",
                          "7 33 5 1260759146000 0 "));
}

TEST_F(InteractionReaderTest, MovieLensUData) {
  Write("196\t242\t3\t881250949\n186\t302\t5\t891717742\n");
  EXPECT_THAT(ReadAll(), ElementsAre("196 242 1 881250949000 0 ",
                                     "186 302 3 891717742000 0 "));
}

TEST_F(InteractionReaderTest, MovieLensRatingsDat) {
  Write("1::1193::5::978300760\n1::661::1::978302109\n");
  EXPECT_THAT(ReadAll(), ElementsAre("1 1193 3 978300760000 0 ",
                                     "1 661 5 978302109000 0 "));
}

TEST_F(InteractionReaderTest,
       CsvWithEveryColumnAnyOrderQuotesAndByteOrderMark) {
  Write(
      "\xEF\xBB\xBFWeight;Item_ID;kind;User;time;event_id\n"
      "2.5;\"a;b \"\"c\"\"\";PURCHASE;u 1;2020-01-02T03:04:05Z;e-1\n"
      ";x;;u2;;\n");
  EXPECT_THAT(ReadAll(), ElementsAre("u 1 a;b \"c\" 4 1577934245000 2.5 e-1",
                                     "u2 x 1 0 0 "));
  EXPECT_THAT(bad_, IsEmpty());
}

TEST_F(InteractionReaderTest, TabsAndMilliseconds) {
  Write("user\titem\ttimestamp\nu\ti\t1260759144123\n");
  EXPECT_THAT(ReadAll(), ElementsAre("u i 1 1260759144123 0 "));
}

TEST_F(InteractionReaderTest, JsonLines) {
  Write(
      "{\"user\":\"ü\",\"item\":7,\"kind\":\"like\",\"weight\":2,"
      "\"time\":1260759144,\"event_id\":\"e\",\"extra\":[1]}\n"
      "{\"user_id\":\"v\",\"item_id\":\"w\",\"rating\":1}\n");
  EXPECT_THAT(ReadAll(), ElementsAre("ü 7 3 1260759144000 2 e", "v w 5 0 0 "));
}

TEST_F(InteractionReaderTest, AKindForAll) {
  Write("userId,movieId,rating,timestamp\n1,31,0.5,1260759144\n");
  EXPECT_THAT(ReadAll(InteractionFormat::kAuto, InteractionKind::kClick),
              ElementsAre("1 31 2 1260759144000 0 "));
}

TEST_F(InteractionReaderTest, BadCsvLinesAreReportedAndPassedOver) {
  Write(
      "user,item,rating,time,weight,kind\n"
      "u,i,4,,,\n"
      "u,i\n"
      ",i,4,,,\n"
      "u,,4,,,\n"
      "u,i,eleven,,,\n"
      "u,i,11,,,\n"
      "u,i,,yesterday,,\n"
      "u,i,,-5,,\n"
      "u,i,,,0,\n"
      "u,i,,,nan,\n"
      "u,i,,,,adore\n"
      "\"u,i,4,,,\n"
      "\"u\"x,i,4,,,\n"
      "u,last,4,,,\n");
  EXPECT_THAT(ReadAll(), ElementsAre("u i 3 0 0 ", "u last 3 0 0 "));
  EXPECT_THAT(
      bad_,
      ElementsAre("3: has 2 fields, the header 6", "4: there is no user",
                  "5: there is no item", HasSubstr("6: rating \"eleven\""),
                  HasSubstr("7: rating \"11\""),
                  HasSubstr("8: time \"yesterday\" is not"),
                  HasSubstr("9: time \"-5\""), HasSubstr("10: weight \"0\""),
                  HasSubstr("11: weight \"nan\""),
                  HasSubstr("12: kind \"adore\" is not one of"),
                  "13: a quote is not closed",
                  "14: something follows a closing quote"));
}

TEST_F(InteractionReaderTest, BadJsonLines) {
  Write(
      "{\"user\":\"u\",\"item\":\"i\"}\n"
      "{\"user\":\"u\"\n[1]\n{\"user\":{},\"item\":\"i\"}\n{}\n");
  EXPECT_THAT(ReadAll(), ElementsAre("u i 1 0 0 "));
  EXPECT_THAT(bad_,
              ElementsAre("2: is not a JSON object", "3: is not a JSON object",
                          "4: user is neither a string nor a number",
                          "5: there is no user"));
}

TEST_F(InteractionReaderTest, BadRatings) {
  Write("1::2::3\n1::2::3::x\n1::2::5::10\n");
  EXPECT_THAT(ReadAll(), ElementsAre("1 2 3 10000 0 "));
  EXPECT_EQ(bad_.size(), 2u);
}

TEST_F(InteractionReaderTest, ALineWithoutEnd) {
  const std::string endless(TextFile::kMaxLineBytes + 10, '7');
  Write("1 2\n1 " + endless + "\n2 3\n");
  EXPECT_THAT(ReadAll(), ElementsAre("1 2 1 0 0 ", "2 3 1 0 0 "));
  EXPECT_THAT(bad_, ElementsAre(HasSubstr("2: longer than")));
  Write("1 " + endless);
  EXPECT_TRUE(absl::IsInvalidArgument(
      InteractionReader::Open(path_, InteractionFormat::kAuto, {}).status()));
}

TEST_F(InteractionReaderTest, FilesThatCannotBeRead) {
  struct Case {
    std::string contents;
    InteractionFormat format;
    const char* message;
  };
  for (const Case& c : std::vector<Case>{
           {"", InteractionFormat::kAuto, "the file is empty"},
           {"\n\n", InteractionFormat::kAuto, "the file is empty"},
           {"a,b,c\n", InteractionFormat::kAuto, "looks like no known format"},
           {"oneword\n", InteractionFormat::kAuto, "looks like no known"},
           {"user,thing\n", InteractionFormat::kCsv, "names no column user"}}) {
    Write(c.contents);
    const auto reader = InteractionReader::Open(path_, c.format, {});
    ASSERT_FALSE(reader.ok()) << c.contents;
    EXPECT_THAT(std::string(reader.status().message()), HasSubstr(c.message));
    EXPECT_THAT(std::string(reader.status().message()), HasSubstr(path_));
  }
  EXPECT_TRUE(absl::IsNotFound(
      InteractionReader::Open("/nonexistent", InteractionFormat::kAuto, {})
          .status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      InteractionReader::Open(testing::TempDir(), InteractionFormat::kAuto, {})
          .status()));
}

}  // namespace
}  // namespace taud::cli
