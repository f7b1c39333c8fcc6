#include "store/log/event_directory.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/store/temp_dir.h"

namespace taud::store {
namespace {

using ::testing::HasSubstr;

TEST(ClassifyDirectoryTest, Table) {
  const struct {
    std::vector<std::string> names;
    DirectoryContent expected;
  } cases[] = {
      {{}, DirectoryContent::kFresh},
      {{"taud.lock", "LOG", "IDENTITY"}, DirectoryContent::kFresh},
      {{"MANIFEST-000001", "LOCK"}, DirectoryContent::kFresh},
      {{"CURRENT", "000012.sst"}, DirectoryContent::kDatabase},
      {{"000012.sst", "CURRENT"}, DirectoryContent::kDatabase},
      {{"000012.sst", "MANIFEST-000004"}, DirectoryContent::kDamaged},
      {{"000012.log"}, DirectoryContent::kDamaged},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(ClassifyDirectory(c.names), c.expected)
        << ::testing::PrintToString(c.names);
  }
}

TEST(DirectoryLockTest, IsExclusiveAndEndsWithTheObject) {
  TempDir dir;
  {
    const absl::StatusOr<DirectoryLock> first =
        DirectoryLock::Acquire(dir.path());
    ASSERT_TRUE(first.ok());
    const absl::Status second = DirectoryLock::Acquire(dir.path()).status();
    EXPECT_EQ(second.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(second.message()), HasSubstr(dir.path()));
    EXPECT_THAT(std::string(second.message()),
                HasSubstr(absl::StrCat("process ", getpid())));
  }
  EXPECT_TRUE(DirectoryLock::Acquire(dir.path()).ok());
}

TEST(PrepareDirectoryTest, CreatesParents) {
  TempDir dir;
  EXPECT_TRUE(PrepareDirectory(dir / "a/b/c").ok());
  EXPECT_TRUE(std::filesystem::is_directory(dir / "a/b/c"));
}

TEST(PrepareDirectoryTest, AFileInTheWay) {
  TempDir dir;
  std::ofstream(dir / "file") << "x";
  for (const std::string& path : {dir / "file", dir / "file/below"}) {
    const absl::Status status = PrepareDirectory(path).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(path));
  }
}

TEST(PrepareDirectoryTest, DataWithoutCurrentIsDataLoss) {
  TempDir dir;
  std::ofstream(dir / "000007.sst") << "x";
  EXPECT_EQ(PrepareDirectory(dir.path()).status().code(),
            absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace taud::store
