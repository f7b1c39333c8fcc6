#include "store/files/small_file.h"

#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/store/temp_dir.h"

namespace taud::store {
namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void WriteAll(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

TEST(SmallFileTest, GivesBackWhatWasWritten) {
  const TempDir directory;
  const std::string path = directory.path() + "/small";
  for (const std::string& text :
       {std::string(), std::string("one"), std::string("two\nlines\n"),
        std::string(100000, 'x')}) {
    ASSERT_TRUE(ReplaceSmallFile(path, text).ok());
    const auto loaded = LoadSmallFile(path, 1 << 20);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ(*loaded, text);
  }
}

TEST(SmallFileTest, NoFileIsNothing) {
  const TempDir directory;
  const auto loaded = LoadSmallFile(directory.path() + "/none", 100);
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(*loaded, "");
}

TEST(SmallFileTest, EveryCutAndEveryChangedByteIsDataLoss) {
  const TempDir directory;
  const std::string path = directory.path() + "/small";
  ASSERT_TRUE(ReplaceSmallFile(path, "{\"a\": 1}").ok());
  const std::string whole = ReadAll(path);
  for (size_t at = 0; at < whole.size(); ++at) {
    WriteAll(path, whole.substr(0, at));
    EXPECT_EQ(LoadSmallFile(path, 100).status().code(),
              absl::StatusCode::kDataLoss)
        << at;
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    WriteAll(path, changed);
    EXPECT_EQ(LoadSmallFile(path, 100).status().code(),
              absl::StatusCode::kDataLoss)
        << at;
  }
  WriteAll(path, whole);
  EXPECT_TRUE(LoadSmallFile(path, 100).ok());
  EXPECT_EQ(LoadSmallFile(path, 10).status().code(),
            absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace taud::store
