#include "cli/files/interaction_reader.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "cli/files/export_lines.h"
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
  std::vector<std::string> ReadAll(const ReadOptions& options = {}) {
    bad_.clear();
    understood_.clear();
    auto reader = InteractionReader::Open(path_, options);
    EXPECT_TRUE(reader.ok()) << reader.status();
    std::vector<std::string> all;
    if (!reader.ok()) return all;
    for (const auto& [what, text] : (*reader)->Understood()) {
      absl::StrAppend(&understood_, what, ": ", text, "\n");
    }
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

  // Why the file is refused.
  std::string Refusal(const std::string& contents,
                      const ReadOptions& options = {}) {
    Write(contents);
    const auto reader = InteractionReader::Open(path_, options);
    if (reader.ok()) return "it is not refused";
    EXPECT_TRUE(absl::IsInvalidArgument(reader.status())) << reader.status();
    EXPECT_THAT(std::string(reader.status().message()), HasSubstr(path_));
    return std::string(reader.status().message());
  }

  std::string path_;
  std::vector<std::string> bad_;
  std::string understood_;
};

ColumnChoice Columns(const std::string& list) {
  auto choice = ParseColumnChoice({list});
  EXPECT_TRUE(choice.ok()) << choice.status();
  return choice.ok() ? *choice : ColumnChoice();
}

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
      "\"time\":1260759144,\"event_id\":\"e\"}\n"
      "{\"user_id\":\"v\",\"item_id\":\"w\",\"rating\":1}\n");
  EXPECT_THAT(ReadAll(), ElementsAre("ü 7 3 1260759144000 2 e", "v w 5 0 0 "));
}

TEST_F(InteractionReaderTest, AKindForAll) {
  Write("userId,movieId,rating,timestamp\n1,31,0.5,1260759144\n");
  ReadOptions options;
  options.kind = InteractionKind::kClick;
  EXPECT_THAT(ReadAll(options), ElementsAre("1 31 2 1260759144000 0 "));
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
                          HasSubstr("5: names no column user")));
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
  EXPECT_THAT(Refusal("1 " + endless), HasSubstr("is this a text file?"));
}

TEST_F(InteractionReaderTest, FilesThatCannotBeRead) {
  ReadOptions csv;
  csv.format = InteractionFormat::kCsv;
  EXPECT_THAT(Refusal(""), HasSubstr("the file is empty"));
  EXPECT_THAT(Refusal("\n\n"), HasSubstr("the file is empty"));
  EXPECT_THAT(Refusal("a,b,c\n"), HasSubstr("looks like no known format"));
  EXPECT_THAT(Refusal("oneword\n"), HasSubstr("looks like no known format"));
  EXPECT_THAT(Refusal("user,thing\n", csv), HasSubstr("names no column item"));
  EXPECT_THAT(Refusal("user item\n", csv), HasSubstr("is no header"));
  EXPECT_TRUE(
      absl::IsNotFound(InteractionReader::Open("/nonexistent", {}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      InteractionReader::Open(testing::TempDir(), {}).status()));
}

TEST_F(InteractionReaderTest, WhatIsNoFileOfInteractionsIsRefused) {
  EXPECT_THAT(Refusal("<!DOCTYPE html>\n<p>404 not found</p>\n"),
              HasSubstr("a web page"));
  EXPECT_THAT(Refusal("version https://git-lfs.github.com/spec/v1\n"
                      "oid sha256:4d7a\nsize 12345\n"),
              HasSubstr("Git LFS pointer"));
  EXPECT_THAT(Refusal("%%MatrixMarket matrix coordinate real general\n"
                      "3 3 4\n1 1 1.0\n"),
              HasSubstr("MatrixMarket"));
  EXPECT_THAT(Refusal("The data set\n\nEach line is a user.\n"),
              HasSubstr("looks like no known format"));
  EXPECT_THAT(Refusal("user item rating time\n1 2 3 881250949\n"),
              HasSubstr("a header with blanks"));
  EXPECT_THAT(Refusal("# from to\n1 2\n"), HasSubstr("no known format"));
  EXPECT_THAT(Refusal("1 2 3\n4 5 six\n"), HasSubstr("\"4 5 six\""));
  EXPECT_THAT(Refusal("196 242 3 881250949\n186 302 3 891717742\n"),
              HasSubstr("a table with ratings or times"));
  EXPECT_THAT(Refusal("1 2 5\n1 3 4\n"), HasSubstr("a table"));
  EXPECT_THAT(Refusal("{\"error\": \"not found\"}\n"),
              HasSubstr("the first object names no column user"));
  EXPECT_THAT(Refusal("{\n  \"user\": 1\n}\n"), HasSubstr("jq"));
  EXPECT_THAT(Refusal("[{\"user\":1,\"item\":2}]"), HasSubstr("JSON array"));
  EXPECT_THAT(Refusal("PAR1\x15\x04"), HasSubstr("Parquet"));
}

TEST_F(InteractionReaderTest, AFormatThatIsNamedMayHaveAnyIds) {
  Write("anna tea milk\n");
  ReadOptions options;
  options.format = InteractionFormat::kAdjacency;
  EXPECT_THAT(ReadAll(options),
              ElementsAre("anna tea 1 0 0 ", "anna milk 1 0 0 "));
  Write("196 242 3 881250949\n");
  options.format = InteractionFormat::kUData;
  EXPECT_THAT(ReadAll(options), ElementsAre("196 242 1 881250949000 0 "));
}

TEST_F(InteractionReaderTest, UnknownColumnsAreRefusedUnlessTheyAreNamed) {
  const std::string shop =
      "buyer,sku,action,created\nb,s,purchase,2022-06-22 07:21:39\n";
  EXPECT_THAT(Refusal("user,item,action,ts\nu,i,purchase,1\n"),
              HasSubstr("columns nothing is known of: action, ts"));
  EXPECT_THAT(Refusal("{\"user\":1,\"item\":2,\"action\":\"buy\"}\n"),
              HasSubstr("a column nothing is known of: action"));
  ReadOptions options;
  options.columns = Columns("user=buyer,item=sku,kind=Action,time=created");
  Write(shop);
  EXPECT_THAT(ReadAll(options), ElementsAre("b s 4 1655882499000 0 "));
  EXPECT_THAT(understood_,
              HasSubstr("user = buyer, item = sku, time = created, kind = "
                        "action"));
  options.columns = Columns("user=buyer,item=sku");
  EXPECT_THAT(ReadAll(options), ElementsAre("b s 1 0 0 "));
  EXPECT_THAT(understood_, HasSubstr("LEFT OUT: action, created"));
  options.columns = Columns("user=buyer,item=SKU-number");
  EXPECT_THAT(Refusal(shop, options),
              HasSubstr("there is no column \"SKU-number\" to be the item"));
  EXPECT_THAT(Refusal("user,item,movie_id\n1,2,3\n"),
              HasSubstr("both \"item\" and \"movie_id\" could be the item"));
}

TEST_F(InteractionReaderTest, ALaterObjectWithAnUnknownFieldIsABadLine) {
  Write(
      "{\"user\":1,\"item\":2}\n{\"user\":1,\"item\":2,\"action\":\"buy\"}\n");
  EXPECT_THAT(ReadAll(), ElementsAre("1 2 1 0 0 "));
  EXPECT_THAT(bad_, ElementsAre(HasSubstr("2: has a column nothing is known")));
}

TEST_F(InteractionReaderTest, QuotedLineBreaks) {
  Write(
      "\n\nuser,item,event_id\r\n\"a\nb\",i,\"x\r\n\r\ny\"\r\n"
      "u,\"not closed\r\nv,i,\r\n");
  EXPECT_THAT(ReadAll(), ElementsAre("a\nb i 1 0 0 x\r\n\r\ny", "v i 1 0 0 "));
  EXPECT_THAT(bad_, ElementsAre("8: a quote is not closed"));
}

TEST_F(InteractionReaderTest, OneByteThatIsNotUtf8) {
  Write("user,item,rating\nu,i,4\ncaf\xE9,i,4\nv,i,4\n");
  EXPECT_THAT(ReadAll(), ElementsAre("u i 3 0 0 ", "v i 3 0 0 "));
  EXPECT_THAT(bad_, ElementsAre("3: the user is not UTF-8"));
  Write(
      "{\"user\":\"u\",\"item\":\"i\"}\n{\"user\":\"\xE9\",\"item\":\"i\"}\n");
  EXPECT_THAT(ReadAll(), ElementsAre("u i 1 0 0 "));
  EXPECT_THAT(bad_, ElementsAre("2: is not UTF-8"));
}

TEST_F(InteractionReaderTest, AnIdThatIsTooLong) {
  const std::string longest(256, 'x');
  Write("user,item\n" + longest + ",i\n" + longest + "x,i\n");
  EXPECT_THAT(ReadAll(), ElementsAre(longest + " i 1 0 0 "));
  EXPECT_THAT(bad_,
              ElementsAre("3: the user has 257 bytes; allowed: up to 256"));
}

TEST_F(InteractionReaderTest, BlanksAfterCommas) {
  Write("user, item, kind, time\n1, \"a, b\" , like, 2022-06-22\n");
  EXPECT_THAT(ReadAll(), ElementsAre("1 a, b 3 1655856000000 0 "));
}

TEST_F(InteractionReaderTest, JsonNumbersAreIdsAsTheyAreWritten) {
  Write(
      "{\"user\":123456789012345678901,\"item\":123456789012345678902}\n"
      "{\"user\":1.50,\"item\":18446744073709551615}\n");
  EXPECT_THAT(ReadAll(),
              ElementsAre("123456789012345678901 123456789012345678902 1 0 0 ",
                          "1.50 18446744073709551615 1 0 0 "));
}

TEST_F(InteractionReaderTest, OneUnitOfTimeForAFile) {
  Write("user,item,time\nu,a,1260759144123\nu,b,5\nu,c,1260759144456\n");
  EXPECT_THAT(ReadAll(),
              ElementsAre("u a 1 1260759144123 0 ", "u c 1 1260759144456 0 "));
  EXPECT_THAT(bad_, ElementsAre(HasSubstr("3: time \"5\" looks like seconds")));
  EXPECT_THAT(understood_, HasSubstr("times: milliseconds (guessed); the first "
                                     "is 2009-12-14 02:52:24 UTC"));
  ReadOptions options;
  options.time_unit = TimeUnit::kMilliseconds;
  EXPECT_THAT(ReadAll(options), testing::SizeIs(3));
  Write("user_id,item_id,time_ms\nu,a,5\n");
  EXPECT_THAT(ReadAll(), ElementsAre("u a 1 5 0 "));
  EXPECT_THAT(understood_, HasSubstr("the first time is in 1970"));
}

TEST_F(InteractionReaderTest, ScalesOfRatings) {
  Write("User-ID;ISBN;Book-Rating\n1;a;0\n1;b;10\n1;c;5\n1;d;3\n");
  EXPECT_THAT(ReadAll(), ElementsAre("1 a 1 0 0 ", "1 b 3 0 0 ", "1 c 1 0 0 ",
                                     "1 d 5 0 0 "));
  EXPECT_THAT(understood_,
              HasSubstr("kinds: by ratings of 10: a like from 8, a dislike up "
                        "to 4, a view in between; 0 is no rating"));
  ReadOptions options;
  options.positive_from = 5;
  EXPECT_THAT(ReadAll(options), ElementsAre("1 a 1 0 0 ", "1 b 3 0 0 ",
                                            "1 c 3 0 0 ", "1 d 1 0 0 "));
  Write("user,item,rating\nu,a,1\nu,b,2\n");
  ReadAll();
  EXPECT_THAT(understood_, HasSubstr("nothing but dislikes"));
  EXPECT_THAT(Refusal("user,item,rating\nu,a,-9.5\nu,b,30\n"),
              HasSubstr("--positive-from"));
}

TEST_F(InteractionReaderTest, WhatWasUnderstood) {
  Write("1 2 3\n4 5\n");
  ReadAll();
  EXPECT_EQ(understood_,
            "layout: adjacency lists: a user, then its items\n"
            "kinds: all are views\ntimes: none: the time of arrival\n");
  Write("userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n");
  ReadAll();
  EXPECT_EQ(understood_,
            "layout: CSV, commas between\n"
            "columns: user = userId, item = movieId, time = timestamp, rating "
            "= rating\n"
            "kinds: by ratings of 5: a like from 4, a dislike up to 2, a view "
            "in between; 0 is no rating but a view\n"
            "times: seconds (guessed); the first is 2009-12-14 02:52:24 UTC\n");
}

// What `tauctl export` writes comes back as it was, whatever the ids are.
TEST_F(InteractionReaderTest, AnExportComesBackExactly) {
  const std::vector<std::string> ids = {
      "plain", "a,b",     "a;b",   "a\tb",     "a\nb",
      "a\rb",  "a\r\nb",  "\n",    "\"",       "\"\"",
      "a\"b",  " a",      "a ",    "\ta",      "a\t",
      " ",     "'",       "[a,b]", "{}",       "#",
      "üñ",    "\x1b[2J", "\r",    "a\"\nb\"", std::string("nul\0l", 5)};
  for (const bool csv : {true, false}) {
    std::string text = csv ? kExportHeader : "";
    std::vector<std::string> expected;
    store::ExportedEvent event;
    event.interaction.kind = InteractionKind::kPurchase;
    event.interaction.weight = 0.1f;
    for (const std::string& id : ids) {
      for (const std::string& other : ids) {
        event.user_id = id;
        event.item_id = other;
        const std::string both = id + other;
        event.event_id = both;
        event.interaction.time_ms =
            static_cast<int64_t>(++event.interaction.sequence);
        text += csv ? ExportCsvLine(event) : ExportJsonLine(event);
        expected.push_back(absl::StrCat(id, " ", other, " 4 ",
                                        event.interaction.time_ms, " ", 0.1f,
                                        " ", both));
      }
    }
    Write(text);
    EXPECT_EQ(ReadAll(), expected) << text;
    EXPECT_THAT(bad_, IsEmpty());
  }
}

}  // namespace
}  // namespace taud::cli
