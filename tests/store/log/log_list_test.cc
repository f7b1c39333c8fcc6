#include "store/log/log_list.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/store/temp_dir.h"

namespace taud::store {
namespace {

using ::testing::HasSubstr;

FoundLog Found(uint64_t number, uint64_t whole) {
  return {number, "log/" + std::to_string(number), whole};
}

TEST(CompareLogsTest, Table) {
  const struct {
    const char* what;
    LogList list;
    std::vector<FoundLog> found;
    const char* problem;  // null: none
  } cases[] = {
      {"no list yet", {}, {Found(4, 10)}, nullptr},
      {"all there", {{4, 10}, {7, 5}}, {Found(4, 10), Found(7, 5)}, nullptr},
      {"more was written than noted", {{7, 5}}, {Found(7, 50)}, nullptr},
      {"an older one is shorter",
       {{4, 10}, {7, 5}},
       {Found(4, 9), Found(7, 5)},
       "log/4 is whole through byte 9, but 10 bytes"},
      {"the newest is shorter", {{7, 5}}, {Found(7, 4)}, "log/7"},
      {"the newest is empty", {{7, 5}}, {Found(7, 0)}, "truncate -s 0"},
      {"an older one is missing",
       {{4, 10}, {7, 5}},
       {Found(7, 5)},
       "log/000004.log is missing"},
      {"the newest is missing",
       {{4, 10}, {7, 5}},
       {Found(4, 10)},
       "log/000007.log is missing"},
      {"all are missing", {{7, 5}}, {}, "log/000007.log is missing"},
      {"a creation was cut short", {{4, 10}, {7, 0}}, {Found(4, 10)}, nullptr},
      {"a removal was cut short",
       {{7, 5}},
       {Found(4, 1), Found(7, 5)},
       nullptr},
      {"somebody without a list went on", {{4, 10}}, {Found(9, 0)}, nullptr},
  };
  for (const auto& c : cases) {
    const absl::Status status = CompareLogs(c.list, c.found, "log/log_list");
    if (c.problem == nullptr) {
      EXPECT_TRUE(status.ok()) << c.what << ": " << status;
      continue;
    }
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << c.what;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.problem)) << c.what;
    EXPECT_THAT(std::string(status.message()), HasSubstr("log/log_list"));
  }
}

class LogListFileTest : public ::testing::Test {
 protected:
  std::optional<LogList> Read() {
    const auto list = LogListFile::Read(dir_.path());
    EXPECT_TRUE(list.ok()) << list.status();
    return list.ok() ? *list : std::nullopt;
  }
  void Flip(size_t at) {
    std::fstream file(LogListFile::PathIn(dir_.path()),
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const char byte = static_cast<char>(file.get() ^ 1);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(byte);
  }

  TempDir dir_;
};

TEST_F(LogListFileTest, RemembersWhatItWasTold) {
  EXPECT_FALSE(Read().has_value());
  auto file = LogListFile::Open(dir_.path(), {{3, 100}});
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(Read(), (LogList{{3, 100}}));
  ASSERT_TRUE((*file)->Add(8).ok());
  EXPECT_EQ(Read(), (LogList{{3, 100}, {8, 0}}));
  for (uint64_t bytes = 10; bytes <= 50; bytes += 10) {
    (*file)->NoteSynced(8, bytes);
    EXPECT_EQ(Read(), (LogList{{3, 100}, {8, bytes}}));
  }
  // Of a log that is not on the list, and of less than there was.
  (*file)->NoteSynced(9, 7);
  (*file)->NoteSynced(8, 7);
  EXPECT_EQ(Read(), (LogList{{3, 100}, {8, 50}}));
  ASSERT_TRUE((*file)->Remove(3).ok());
  ASSERT_TRUE((*file)->Remove(3).ok());
  EXPECT_EQ(Read(), (LogList{{8, 50}}));
  file->reset();
  ASSERT_TRUE(LogListFile::Open(dir_.path(), {{8, 50}}).ok());
  EXPECT_EQ(Read(), (LogList{{8, 50}}));
}

TEST_F(LogListFileTest, ACrashLeavesOneCopyOrTheOther) {
  auto file = LogListFile::Open(dir_.path(), {{3, 100}});
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Add(8).ok());
  (*file)->NoteSynced(8, 20);
  file->reset();
  const auto before = Read();
  // Each block torn by itself: the list is the last one or the one before.
  for (size_t block = 0; block < 4; ++block) {
    Flip(block * kLogListBlock + 6);
    const auto torn = Read();
    ASSERT_TRUE(torn.has_value()) << block;
    EXPECT_TRUE(torn == before || *torn == (LogList{{3, 100}}) ||
                *torn == (LogList{{3, 100}, {8, 0}}))
        << block;
    Flip(block * kLogListBlock + 6);
  }
}

TEST_F(LogListFileTest, DamageIsNotTakenForAnEmptyList) {
  ASSERT_TRUE(LogListFile::Open(dir_.path(), {{3, 100}}).ok());
  Flip(6);
  Flip(kLogListBlock + 6);
  const auto list = LogListFile::Read(dir_.path());
  EXPECT_EQ(list.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(list.status().message()),
              HasSubstr(LogListFile::PathIn(dir_.path())));
  std::filesystem::resize_file(LogListFile::PathIn(dir_.path()), 100);
  EXPECT_EQ(LogListFile::Read(dir_.path()).status().code(),
            absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace taud::store
