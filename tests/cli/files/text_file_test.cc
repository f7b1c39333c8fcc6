#include "cli/files/text_file.h"

#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/files/file_signatures.h"
#include "cli/files/line_reader.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::cli {
namespace {

using testing::HasSubstr;

std::string Gzip(const std::string& text) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 16 + MAX_WBITS, 8,
                         Z_DEFAULT_STRATEGY),
            Z_OK);
  std::string packed(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string Zstd(const std::string& text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(
      ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 1));
  return packed;
}

class TextFileTest : public testing::Test {
 protected:
  TextFileTest()
      : path_(testing::TempDir() + absl::StrCat("text-", getpid())) {}
  ~TextFileTest() override { std::remove(path_.c_str()); }

  // All lines, each with its end; "FAILED: …" last if it cannot be read.
  std::string Read(const std::string& contents) {
    std::ofstream(path_, std::ios::binary) << contents;
    auto file = TextFile::Open(path_);
    if (!file.ok()) return absl::StrCat("FAILED: ", file.status().message());
    std::string all;
    while (true) {
      std::string line;
      const auto outcome = (*file)->Next(&line);
      if (outcome == TextFile::Outcome::kFailed) {
        return absl::StrCat(all, "FAILED: ", (*file)->status().message());
      }
      if (outcome == TextFile::Outcome::kEnd) {
        EXPECT_EQ((*file)->bytes_read(), (*file)->total_bytes());
        return all;
      }
      absl::StrAppend(&all, line, (*file)->line_end());
    }
  }

  const std::string path_;
};

TEST_F(TextFileTest, LinesAndTheirEnds) {
  EXPECT_EQ(Read(""), "");
  EXPECT_EQ(Read("\xEF\xBB\xBF"
                 "a\r\n\nb\rc\nlast"),
            "a\r\n\nb\rc\nlast");
}

TEST_F(TextFileTest, UnpacksWhateverTheNameIs) {
  std::string text;
  for (int i = 0; i < 100000; ++i) absl::StrAppend(&text, i, ",", i * 7, "\n");
  EXPECT_EQ(Read(Gzip(text)), text);
  EXPECT_EQ(Read(Zstd(text)), text);
  // One part behind another, as `cat` joins them, and zeros at the end.
  EXPECT_EQ(Read(Gzip(text) + Gzip("more\n") + std::string(100, '\0')),
            text + "more\n");
  EXPECT_EQ(Read(Zstd(text) + Zstd("more\n")), text + "more\n");
  EXPECT_EQ(Read(Gzip("")), "");
  EXPECT_EQ(Read(Zstd("")), "");
}

TEST_F(TextFileTest, DamageIsNotTakenForTheEnd) {
  std::string text;
  for (int i = 0; i < 100000; ++i) absl::StrAppend(&text, i * 7919, "\n");
  for (const std::string& packed : {Gzip(text), Zstd(text)}) {
    EXPECT_THAT(Read(packed.substr(0, packed.size() / 2)),
                HasSubstr("FAILED: the packed file is cut short"));
    EXPECT_THAT(Read(packed.substr(0, packed.size() - 1)),
                HasSubstr("FAILED: the packed file is cut short"));
    EXPECT_THAT(Read(packed.substr(0, 6)), HasSubstr("cut short"));
  }
  std::string damaged = Gzip(text);
  for (size_t i = 0; i < 64; ++i) damaged[damaged.size() / 2 + i] ^= 0x5A;
  EXPECT_THAT(Read(damaged), HasSubstr("FAILED: the packed file is damaged"));
  EXPECT_THAT(Read(Gzip(text) + "rubbish"), HasSubstr("FAILED: "));
}

TEST_F(TextFileTest, PackedParquetIsParquetStill) {
  EXPECT_THAT(Read(Gzip("PAR1....")), HasSubstr("Debian 12 has no Apache"));
}

TEST(LineReaderTest, TheBeginningOfALineHasWholeCharacters) {
  EXPECT_EQ(Beginning("short"), "short");
  EXPECT_EQ(Beginning(std::string(80, 'x')), std::string(80, 'x'));
  EXPECT_EQ(Beginning(std::string(79, 'x') + "éé"), std::string(79, 'x') + "…");
}

TEST(FileSignaturesTest, WhatIsNoFileOfLines) {
  const struct {
    std::string begins;
    const char* what;  // null: it is one
  } cases[] = {
      {"user,item\n", nullptr},
      {"{\"user\":1}", nullptr},
      {"1 2 3\n", nullptr},
      {"", nullptr},
      {"\n  <HTML>", "web page"},
      {"\xEF\xBB\xBF<?xml", "web page"},
      {"PK\x03\x04", "zip"},
      {"BZh9", "bunzip2"},
      {std::string("\xFD"
                   "7zXZ\0",
                   6),
       "unxz"},
      {"\xFF\xFEu", "UTF-16"},
      {"SQLite format 3", "SQLite"},
      {std::string("ab\0c", 4), "binary"},
      {"[1,2]", "JSON array"},
  };
  for (const auto& c : cases) {
    const absl::Status status = CheckSignature(c.begins);
    EXPECT_EQ(status.ok(), c.what == nullptr) << c.begins;
    if (c.what != nullptr) {
      EXPECT_THAT(std::string(status.message()), HasSubstr(c.what));
    }
  }
}

}  // namespace
}  // namespace taud::cli
