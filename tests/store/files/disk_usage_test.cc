#include "store/files/disk_usage.h"

#include <filesystem>
#include <fstream>

#include "gtest/gtest.h"
#include "tests/store/temp_dir.h"

namespace taud::store {
namespace {

TEST(DiskUsageTest, AllFilesBelow) {
  const TempDir dir;
  EXPECT_EQ(BytesBelow(dir.path()), 0u);
  EXPECT_EQ(BytesBelow(dir / "missing"), 0u);
  std::filesystem::create_directories(dir / "a/b");
  std::ofstream(dir / "one") << "1234567";
  std::ofstream(dir / "a/b/two") << "123";
  std::filesystem::create_symlink(dir / "one", dir / "a/link");
  EXPECT_EQ(BytesBelow(dir.path()), 10u);
}

TEST(DiskUsageTest, SpaceOfADirectory) {
  const TempDir dir;
  const DiskSpace space = SpaceOf(dir.path());
  EXPECT_GT(space.capacity_bytes, 0u);
  EXPECT_LE(space.free_bytes, space.capacity_bytes);
  EXPECT_EQ(SpaceOf(dir / "missing").capacity_bytes, 0u);
}

}  // namespace
}  // namespace taud::store
