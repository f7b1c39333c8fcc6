// The daemon and verify on damaged files.

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/files/data_directory.h"
#include "store/verify.h"
#include "tests/e2e/api_client.h"
#include "tests/fault/ack_record.h"
#include "tests/fault/fault_testing.h"

namespace taud::fault {
namespace {

namespace fs = std::filesystem;
using e2e::TemporaryDirectory;
using testing::HasSubstr;

TEST(DamageTest, EveryKindOfFileIsNamedByVerify) {
  TemporaryDirectory good;
  AckRecord record(1);
  Prepare(good.path(), &record);
  Prepare(good.path(), &record);  // a start writes the log into tables
  ExpectWhole(good.path());
  const std::vector<std::string> kinds = {"items.npy",
                                          "users.npy",
                                          "temperatures.npy",
                                          "user_degree.npy",
                                          "item_popularity.npy",
                                          "user_ids.txt",
                                          "item_ids.txt",
                                          "manifest.json",
                                          ".checkpoint",
                                          ".sst",
                                          ".log",
                                          "FORMAT",
                                          "reserved_versions"};
  for (const std::string& kind : kinds) {
    for (const char* damage : {"flip", "cut", "remove"}) {
      SCOPED_TRACE(absl::StrCat(damage, " ", kind));
      TemporaryDirectory copy;
      fs::copy(good.path(), copy.path() + "/data", fs::copy_options::recursive);
      const std::string path = FirstFile(copy.path() + "/data", kind);
      ASSERT_NE(path, "");
      if (damage == std::string("flip")) FlipByte(path, 0.4);
      if (damage == std::string("cut")) {
        fs::resize_file(path, fs::file_size(path) / 2);
      }
      if (damage == std::string("remove")) {
        // Gone as a whole, it is as if it had never been.
        if (kind == ".checkpoint") continue;
        fs::remove(path);
      }
      const auto report =
          store::VerifyDataDirectory(copy.path() + "/data", nullptr);
      ASSERT_TRUE(report.ok()) << report.status();
      ASSERT_FALSE(report->problems.empty());
      const std::string name = fs::path(path).filename().string();
      bool named = false;
      for (const store::Problem& problem : report->problems) {
        named = named || problem.what.find(name) != std::string::npos;
        EXPECT_NE(problem.remedy, "");
      }
      EXPECT_TRUE(named) << report->problems[0].what;
    }
  }
}

TEST(DamageTest, SwappedFilesAreFound) {
  TemporaryDirectory directory;
  AckRecord record(1);
  Prepare(directory.path(), &record);
  const std::string items = FirstFile(directory.path(), "items.npy");
  const std::string users = FirstFile(directory.path(), "users.npy");
  fs::rename(items, items + ".aside");
  fs::rename(users, items);
  fs::rename(items + ".aside", users);
  const auto report = store::VerifyDataDirectory(directory.path(), nullptr);
  ASSERT_TRUE(report.ok());
  EXPECT_FALSE(report->problems.empty());
}

TEST(DamageTest, ALogThatLostItsWriteAheadLogIsRefused) {
  TemporaryDirectory directory;
  AckRecord record(1);
  Prepare(directory.path(), &record);
  while (true) {
    const std::string path = [&]() -> std::string {
      for (const auto& entry :
           fs::directory_iterator(store::LogIn(directory.path()))) {
        if (entry.path().extension() == ".log") return entry.path().string();
      }
      return "";
    }();
    if (path.empty()) break;
    fs::remove(path);
  }
  DaemonProcess daemon(directory.path(), FaultOptions());
  EXPECT_EQ(daemon.Wait(), 1);
  EXPECT_THAT(daemon.log(), HasSubstr("no write-ahead log"));
  EXPECT_THAT(daemon.log(), HasSubstr("backup"));
}

TEST(DamageTest, ANewerDirectoryIsRefused) {
  TemporaryDirectory directory;
  std::ofstream(store::FormatFileIn(directory.path())) << "9\n";
  DaemonProcess daemon(directory.path(), FaultOptions());
  EXPECT_EQ(daemon.Wait(), 1);
  EXPECT_THAT(daemon.log(), HasSubstr("use the newer taud"));
}

}  // namespace
}  // namespace taud::fault
