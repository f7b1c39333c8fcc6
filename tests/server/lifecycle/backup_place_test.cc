#include "server/lifecycle/backup_place.h"

#include <filesystem>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/store/temp_dir.h"

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
      {"the data directory", "/data", "", here, kBad},
      {"in the data directory", "/data/snapshots/x", "", here, kBad},
      {"in the data directory by a way round", "/x/../data/b", "/", here, kBad},
      {"beside the data directory", "/data2", "", here, kOk},
      {"a zero in it", std::string("/a\0b", 4), "", here, kBad},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    EXPECT_EQ(CheckBackupPlace(c.directory, c.root, "/data", c.peer).code(),
              c.expected);
  }
}

TEST(BackupPlaceTest, LinksAreFollowed) {
  namespace fs = std::filesystem;
  const store::TempDir dir;
  const std::string root = dir / "backups";
  const std::string data = dir / "data";
  fs::create_directories(root + "/inside");
  fs::create_directories(data);
  fs::create_directories(dir / "elsewhere");
  fs::create_directory_symlink(dir / "elsewhere", root + "/out");
  fs::create_directory_symlink(data, dir / "link-to-data");
  fs::create_directory_symlink(root + "/inside", root + "/in");
  const auto resolve = [&](const std::string& directory,
                           const std::string& below) {
    return ResolveBackupPlace(directory, below, data, "unix:x");
  };
  EXPECT_EQ(resolve(root + "/out/monday", root).status().code(),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(resolve(root + "/out/not/yet/there", root).status().code(),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(resolve(dir / "link-to-data/monday", "").status().code(),
            absl::StatusCode::kInvalidArgument);
  const auto inside = resolve(root + "/in/monday", root);
  ASSERT_TRUE(inside.ok()) << inside.status();
  EXPECT_EQ(*inside, fs::canonical(root).string() + "/inside/monday");
  EXPECT_TRUE(resolve(root + "/monday", root).ok());
}

TEST(BackupPlaceTest, ARootIsAbsoluteOrNothing) {
  EXPECT_TRUE(CheckBackupRoot("").ok());
  EXPECT_TRUE(CheckBackupRoot("/backups").ok());
  EXPECT_EQ(CheckBackupRoot("backups").code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(BackupPlaceTest, WhoIsRefusedIsToldWhatToSet) {
  EXPECT_THAT(
      std::string(CheckBackupPlace("/a", "", "", "ipv4:10.0.0.1:2").message()),
      testing::HasSubstr("store.backup_root"));
  EXPECT_THAT(std::string(CheckBackupPlace("/a", "/b", "", "unix:x").message()),
              testing::AllOf(testing::HasSubstr("/a"),
                             testing::HasSubstr("store.backup_root")));
}

}  // namespace
}  // namespace taud::server
