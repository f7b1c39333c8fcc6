#include "server/lifecycle/backup_place.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::server {
namespace {

struct Case {
  const char* what;
  std::string directory, root, peer;
  absl::StatusCode expected;
};

TEST(BackupPlaceTest, Table) {
  constexpr auto kOk = absl::StatusCode::kOk;
  constexpr auto kBad = absl::StatusCode::kInvalidArgument;
  constexpr auto kDenied = absl::StatusCode::kPermissionDenied;
  const std::string here = "ipv4:127.0.0.1:4242";
  const std::string there = "ipv4:10.0.0.7:4242";
  const Case cases[] = {
      {"anywhere, from here", "/backups/monday", "", here, kOk},
      {"from here by IPv6", "/b", "", "ipv6:[::1]:4242", kOk},
      {"the same, as newer gRPC writes it", "/b", "", "ipv6:%5B::1%5D:42", kOk},
      {"through a socket of this machine", "/b", "", "unix:/run/taud", kOk},
      {"from elsewhere", "/backups/monday", "", there, kDenied},
      {"from an address that only begins so", "/b", "", "ipv6:[::1:2]:4242",
       kDenied},
      {"from nowhere known", "/b", "", "", kDenied},
      {"below the root, from elsewhere", "/backups/a/b", "/backups", there,
       kOk},
      {"the root with a slash", "/backups/a", "/backups/", there, kOk},
      {"all of the disk", "/a", "/", there, kOk},
      {"the root itself", "/backups", "/backups", here, kDenied},
      {"the root itself, with a slash", "/backups/", "/backups", here, kDenied},
      {"beside the root, even from here", "/backups2/a", "/backups", here,
       kDenied},
      {"out of the root again", "/backups/../etc/x", "/backups", there,
       kDenied},
      {"out and in", "/backups/../backups/x", "/backups", there, kOk},
      {"relative", "backups/a", "/backups", here, kBad},
      {"relative, without a root", "a", "", here, kBad},
      {"empty", "", "", here, kBad},
      {"longer than a path may be", "/" + std::string(5000, 'x'), "", here,
       kBad},
      {"a zero in it", std::string("/a\0b", 4), "", here, kBad},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    EXPECT_EQ(CheckBackupPlace(c.directory, c.root, c.peer).code(), c.expected);
  }
}

TEST(BackupPlaceTest, ARootIsAbsoluteOrNothing) {
  EXPECT_TRUE(CheckBackupRoot("").ok());
  EXPECT_TRUE(CheckBackupRoot("/backups").ok());
  EXPECT_EQ(CheckBackupRoot("backups").code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(BackupPlaceTest, WhoIsRefusedIsToldWhatToSet) {
  EXPECT_THAT(
      std::string(CheckBackupPlace("/a", "", "ipv4:10.0.0.1:2").message()),
      testing::HasSubstr("store.backup_root"));
  EXPECT_THAT(
      std::string(CheckBackupPlace("/a", "/b", "unix:x").message()),
      testing::AllOf(testing::HasSubstr("/a"), testing::HasSubstr("/b")));
}

}  // namespace
}  // namespace taud::server
