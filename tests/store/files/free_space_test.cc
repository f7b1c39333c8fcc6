#include "store/files/free_space.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/store/temp_dir.h"

namespace taud::store {
namespace {

using ::testing::HasSubstr;

TEST(FreeSpaceTest, RefusedBelowTheLimitOnly) {
  struct {
    uint64_t free, least;
    bool enough;
  } const cases[] = {{0, 0, true},
                     {100, 100, true},
                     {99, 100, false},
                     {uint64_t{8} << 20, uint64_t{7} << 20, true},
                     {uint64_t{3} << 20, uint64_t{7} << 20, false}};
  for (const auto& c : cases) {
    EXPECT_EQ(DecideFreeSpace("/data", c.free, c.least).ok(), c.enough)
        << c.free << " of " << c.least;
  }
}

TEST(FreeSpaceTest, SaysWhatThereIsInTheUnitOfTheOption) {
  const absl::Status status =
      DecideFreeSpace("/data", uint64_t{3} << 20, uint64_t{7} << 20);
  EXPECT_TRUE(absl::IsResourceExhausted(status));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("/data has 3 MiB left, store.min_free_mib asks for 7"));
}

TEST(FreeSpaceTest, AsksTheFileSystem) {
  const TempDir dir;
  EXPECT_TRUE(CheckFreeSpace(dir.path(), 0).ok());
  EXPECT_TRUE(CheckFreeSpace(dir.path(), 1).ok());
  EXPECT_FALSE(CheckFreeSpace(dir.path(), ~uint64_t{0}).ok());
  // One that cannot be asked: the write will tell.
  EXPECT_TRUE(CheckFreeSpace(dir / "missing", 1).ok());
}

}  // namespace
}  // namespace taud::store
