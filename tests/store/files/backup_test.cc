#include "store/files/backup.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/files/data_directory.h"
#include "tests/store/temp_dir.h"

namespace taud::store {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

void WriteText(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// A backup of two files below `dir`, complete.
std::string MakeBackup(const TempDir& dir) {
  const std::string name = dir / "backup";
  const auto incomplete = BeginBackup(name);
  EXPECT_TRUE(incomplete.ok()) << incomplete.status();
  WriteText(absl::StrCat(LogIn(*incomplete), "/000001.sst"), "events");
  WriteText(absl::StrCat(SnapshotsIn(*incomplete), "/7/items.npy"), "vectors");
  const auto manifest = FinishBackup(name, 1234, 99);
  EXPECT_TRUE(manifest.ok()) << manifest.status();
  return name;
}

TEST(BackupTest, HasItsNameOnlyWhenItIsComplete) {
  const TempDir dir;
  const std::string name = dir / "backup";
  const auto incomplete = BeginBackup(name);
  ASSERT_TRUE(incomplete.ok()) << incomplete.status();
  EXPECT_FALSE(fs::exists(name));
  WriteText(absl::StrCat(LogIn(*incomplete), "/000001.sst"), "events");
  const auto manifest = FinishBackup(name, 1234, 99);
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_FALSE(fs::exists(*incomplete));
  EXPECT_EQ(manifest->bytes(), 6u);

  const auto read = ReadBackupManifest(name);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->created_ms, 1234);
  EXPECT_EQ(read->last_sequence, 99u);
  EXPECT_TRUE(CheckBackupFiles(name, *read, nullptr).ok());
}

TEST(BackupTest, ANameThatIsTakenOrRelativeIsRefused) {
  const TempDir dir;
  EXPECT_TRUE(absl::IsAlreadyExists(BeginBackup(dir.path()).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(BeginBackup("backup").status()));
}

TEST(BackupTest, OneThatWasCutShortIsBegunAgain) {
  const TempDir dir;
  const std::string name = dir / "backup";
  const auto first = BeginBackup(name);
  ASSERT_TRUE(first.ok());
  const std::string old = absl::StrCat(LogIn(*first), "/000001.sst");
  WriteText(old, "old");
  ASSERT_TRUE(BeginBackup(name).ok());
  EXPECT_FALSE(fs::exists(old));
}

TEST(BackupTest, WhatIsNotOursIsNeverRemoved) {
  const TempDir dir;
  const std::string theirs = dir / "backup.incomplete/thesis.txt";
  WriteText(theirs, "years of work");
  const auto begun = BeginBackup(dir / "backup");
  EXPECT_TRUE(absl::IsFailedPrecondition(begun.status())) << begun.status();
  EXPECT_THAT(std::string(begun.status().message()), HasSubstr("thesis.txt"));
  EXPECT_FALSE(AbandonBackup(dir / "backup").ok());
  EXPECT_EQ(ReadText(theirs), "years of work");
}

TEST(BackupTest, RestoringDoesNotRemoveWhatIsNotOurs) {
  const TempDir dir;
  const std::string name = MakeBackup(dir);
  const std::string theirs = dir / "data.restoring/thesis.txt";
  WriteText(theirs, "years of work");
  const absl::Status status = RestoreBackup(name, dir / "data", nullptr);
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_EQ(ReadText(theirs), "years of work");
}

TEST(BackupTest, AbandoningLeavesNothing) {
  const TempDir dir;
  const auto incomplete = BeginBackup(dir / "backup");
  ASSERT_TRUE(incomplete.ok());
  WriteText(FormatFileIn(*incomplete), "2\n");
  ASSERT_TRUE(AbandonBackup(dir / "backup").ok());
  EXPECT_TRUE(fs::is_empty(dir.path()));
}

TEST(BackupTest, RestoresEveryFileAndAnEmptyDirectoryIsFree) {
  const TempDir dir;
  const std::string name = MakeBackup(dir);
  const std::string data = dir / "data";
  fs::create_directory(data);
  ASSERT_TRUE(RestoreBackup(name, data, nullptr).ok());
  EXPECT_EQ(ReadText(absl::StrCat(LogIn(data), "/000001.sst")), "events");
  EXPECT_EQ(ReadText(absl::StrCat(SnapshotsIn(data), "/7/items.npy")),
            "vectors");
  EXPECT_FALSE(fs::exists(BackupManifestIn(data)));
  // It is not empty any more.
  EXPECT_TRUE(absl::IsFailedPrecondition(RestoreBackup(name, data, nullptr)));
}

struct Damage {
  const char* what;
  std::function<void(const std::string& backup)> act;
};

TEST(BackupTest, DamageIsFoundBeforeItIsRestored) {
  const Damage damages[] = {
      {"a bit",
       [](const std::string& backup) {
         WriteText(absl::StrCat(LogIn(backup), "/000001.sst"), "evebts");
       }},
      {"the end",
       [](const std::string& backup) {
         WriteText(absl::StrCat(LogIn(backup), "/000001.sst"), "event");
       }},
      {"a file",
       [](const std::string& backup) {
         fs::remove(absl::StrCat(LogIn(backup), "/000001.sst"));
       }},
      {"two files, swapped",
       [](const std::string& backup) {
         const std::string a = absl::StrCat(LogIn(backup), "/000001.sst");
         const std::string b =
             absl::StrCat(SnapshotsIn(backup), "/7/items.npy");
         fs::rename(a, a + "x");
         fs::rename(b, a);
         fs::rename(a + "x", b);
       }},
      {"the manifest",
       [](const std::string& backup) {
         std::string text = ReadText(BackupManifestIn(backup));
         text[text.find("99")] = '8';
         WriteText(BackupManifestIn(backup), text);
       }},
  };
  for (const Damage& damage : damages) {
    SCOPED_TRACE(damage.what);
    const TempDir dir;
    const std::string name = MakeBackup(dir);
    damage.act(name);
    EXPECT_FALSE(RestoreBackup(name, dir / "data", nullptr).ok());
    EXPECT_FALSE(fs::exists(dir / "data"));
  }
}

TEST(BackupTest, LinksWhatIsCompleteAndNothingElse) {
  const TempDir dir;
  WriteText(dir / "from/7/items.npy", "vectors");
  WriteText(dir / "from/tmp-8/items.npy", "half");
  WriteText(dir / "from/number.tmp", "half");
  ASSERT_TRUE(LinkTree(dir / "from", dir / "to").ok());
  EXPECT_EQ(ReadText(dir / "to/7/items.npy"), "vectors");
  EXPECT_FALSE(fs::exists(dir / "to/tmp-8"));
  EXPECT_FALSE(fs::exists(dir / "to/number.tmp"));
  EXPECT_TRUE(LinkTree(dir / "missing", dir / "nowhere").ok());
}

TEST(BackupTest, OneThatIsCalledOffEndsAtOnceAndLeavesNothing) {
  const TempDir dir;
  std::filesystem::create_directories(dir / "from");
  std::ofstream(dir / "from/file") << std::string(5 << 20, 'x');
  const std::string name = dir / "backup";
  const auto incomplete = BeginBackup(name);
  ASSERT_TRUE(incomplete.ok()) << incomplete.status();
  bool off = true;
  const CalledOff called_off = [&off] { return off; };
  const std::string to = SnapshotsIn(*incomplete);
  EXPECT_TRUE(absl::IsCancelled(LinkTree(dir / "from", to, called_off)));
  off = false;
  EXPECT_TRUE(LinkTree(dir / "from", to, called_off).ok());
  off = true;
  EXPECT_TRUE(absl::IsCancelled(FinishBackup(name, 1, 1, called_off).status()));
  ASSERT_TRUE(AbandonBackup(name).ok());
  EXPECT_FALSE(std::filesystem::exists(name));
  EXPECT_FALSE(std::filesystem::exists(*incomplete));
}

}  // namespace
}  // namespace taud::store
