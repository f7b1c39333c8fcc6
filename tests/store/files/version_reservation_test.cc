#include "store/files/version_reservation.h"

#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/store/temp_dir.h"

namespace taud::store {
namespace {

TEST(VersionReservationTest, NothingIsReservedAtFirst) {
  const TempDir dir;
  EXPECT_EQ(LastReservedVersion(dir.path() + "/snapshots").value(), 0u);
}

TEST(VersionReservationTest, BlocksFollowEachOther) {
  const TempDir dir;
  const std::string root = dir.path() + "/not/yet/there";
  const auto first = ReserveVersions(root, 0);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_GT(*first, 0u);
  EXPECT_EQ(LastReservedVersion(root).value(), *first);
  const auto second = ReserveVersions(root, *first);
  ASSERT_TRUE(second.ok());
  EXPECT_GT(*second, *first);
  // Snapshots from elsewhere may be ahead of the file.
  const auto third = ReserveVersions(root, 1000000);
  ASSERT_TRUE(third.ok());
  EXPECT_GT(*third, 1000000u);
  EXPECT_EQ(LastReservedVersion(root).value(), *third);
}

TEST(VersionReservationTest, ADamagedFileIsNotTakenForZero) {
  const TempDir dir;
  for (const char* text : {"", "x", "-1", "12 34"}) {
    std::ofstream(dir.path() + "/reserved_versions") << text;
    const auto last = LastReservedVersion(dir.path());
    EXPECT_TRUE(absl::IsDataLoss(last.status())) << text;
    EXPECT_TRUE(absl::IsDataLoss(ReserveVersions(dir.path(), 0).status()));
  }
}

TEST(VersionReservationTest, AFileThatWasCutOffIsNotTakenForASmallerNumber) {
  const TempDir dir;
  const std::string path = dir.path() + "/reserved_versions";
  ASSERT_TRUE(ReserveVersions(dir.path(), 123456).ok());
  const auto size = std::filesystem::file_size(path);
  for (auto cut = size; cut-- > 0;) {
    std::filesystem::resize_file(path, cut);
    EXPECT_TRUE(absl::IsDataLoss(LastReservedVersion(dir.path()).status()))
        << cut;
  }
  // As the message says, and as older versions wrote it.
  std::ofstream(path) << "200000\n";
  EXPECT_EQ(LastReservedVersion(dir.path()).value(), 200000u);
}

TEST(VersionReservationTest, AMissingFileBesideSnapshotsIsNotTakenForZero) {
  const TempDir dir;
  std::filesystem::create_directories(dir.path() + "/00000000000000000042");
  const auto last = LastReservedVersion(dir.path());
  EXPECT_TRUE(absl::IsDataLoss(last.status()));
  EXPECT_THAT(std::string(last.status().message()), testing::HasSubstr("42"));
}

TEST(VersionReservationTest, ARootThatCannotBe) {
  const TempDir dir;
  const std::string file = dir.path() + "/file";
  std::ofstream(file) << "x";
  const auto reserved = ReserveVersions(file, 0);
  ASSERT_FALSE(reserved.ok());
  EXPECT_THAT(std::string(reserved.status().message()),
              testing::HasSubstr(file));
}

}  // namespace
}  // namespace taud::store
