#include "store/files/snapshot_files.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/store/temp_dir.h"

namespace taud::store {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

model::Matrix UnitRows(size_t rows, size_t cols, size_t zero_row) {
  model::Matrix matrix(rows, cols);
  for (size_t r = 0; r < rows; ++r) {
    if (r == zero_row) continue;
    const double angle = 0.1 * static_cast<double>(r + 1);
    matrix.Row(r)[0] = static_cast<float>(std::cos(angle));
    matrix.Row(r)[cols - 1] = static_cast<float>(std::sin(angle));
  }
  return matrix;
}

// The last user and the last item are untrained. Users and items have the
// same size, so that only checksums tell their files apart.
model::Snapshot SomeSnapshot(model::SnapshotVersion version, size_t rows = 4) {
  model::Snapshot s;
  s.version = version;
  s.trained_through = 1000 + version;
  s.created_ms = 1700000000000;
  s.users = UnitRows(rows, 3, rows - 1);
  s.items = UnitRows(rows, 3, rows - 1);
  s.items.Row(0)[0] *= -1;
  s.user_degree.assign(rows, 5);
  s.user_degree.back() = 0;
  s.item_popularity.assign(rows, 4000000000u);
  s.item_popularity.back() = 0;
  s.temperatures.assign(rows, 0.125f);
  s.temperatures.back() = 0;
  s.tau0 = 0.1f;
  s.metrics = {{"loss", 0.5}, {"epochs", 3}};
  s.neighbours.Grow(rows);
  s.neighbours.Set(0, {{2, 0.5f}, {1, 0.25f}});
  s.neighbours.Set(1, {{0, 0.25f}});
  return s;
}

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void WriteAll(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

SnapshotRetention KeepNewest(size_t keep) {
  SnapshotRetention retention;
  retention.keep = keep;
  return retention;
}

class SnapshotFilesTest : public ::testing::Test {
 protected:
  SnapshotFilesTest() : root_(dir_ / "snapshots") {
    for (const char* id : {"plain", "ключ", "\"quoted\\\n\"", "last", "more"}) {
      users_.Insert(id);
      items_.Insert(absl::StrCat("item ", id));
    }
  }
  absl::Status Save(model::SnapshotVersion version) {
    return SaveSnapshot(root_, SomeSnapshot(version), users_, items_);
  }
  std::string PathOf(model::SnapshotVersion version) const {
    return absl::StrFormat("%s/%020d", root_, version);
  }
  std::vector<uint64_t> Listed() const {
    const auto infos = ListSnapshots(root_);
    EXPECT_TRUE(infos.ok()) << infos.status();
    std::vector<uint64_t> versions;
    for (const SnapshotInfo& info : *infos) versions.push_back(info.version);
    return versions;
  }

  TempDir dir_;
  const std::string root_;
  model::Dictionary users_;
  model::Dictionary items_;
};

TEST_F(SnapshotFilesTest, RoundTrip) {
  const model::Snapshot saved = SomeSnapshot(7);
  ASSERT_TRUE(SaveSnapshot(root_, saved, users_, items_).ok());
  const auto loaded = LoadSnapshot(root_, 7);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const model::Snapshot& s = **loaded;
  EXPECT_EQ(s.version, 7u);
  EXPECT_EQ(s.trained_through, 1007u);
  EXPECT_EQ(s.created_ms, 1700000000000);
  EXPECT_EQ(s.users.rows, 4u);
  EXPECT_EQ(s.users.cols, 3u);
  EXPECT_EQ(s.users.values, saved.users.values);
  EXPECT_EQ(s.items.values, saved.items.values);
  EXPECT_EQ(s.user_degree, saved.user_degree);
  EXPECT_EQ(s.item_popularity, saved.item_popularity);
  EXPECT_EQ(s.temperatures, saved.temperatures);
  EXPECT_EQ(s.tau0, saved.tau0);
  EXPECT_EQ(s.metrics, saved.metrics);
  for (model::ItemIndex item = 0; item < 4; ++item) {
    const auto list = s.neighbours.Of(item);
    const auto expected = saved.neighbours.Of(item);
    ASSERT_EQ(list.size(), expected.size());
    for (size_t k = 0; k < list.size(); ++k) {
      EXPECT_EQ(list[k].item, expected[k].item);
      EXPECT_EQ(list[k].weight, expected[k].weight);
    }
  }
}

TEST_F(SnapshotFilesTest, IdFilesHoldTheRowsOnly) {
  ASSERT_TRUE(Save(1).ok());
  EXPECT_EQ(ReadAll(PathOf(1) + "/user_ids.txt"),
            "\"plain\"\n\"ключ\"\n\"\\\"quoted\\\\\\n\\\"\"\n\"last\"\n");
  EXPECT_THAT(ReadAll(PathOf(1) + "/item_ids.txt"), HasSubstr("item ключ"));
}

TEST_F(SnapshotFilesTest, AnEmptySideIsAllowed) {
  model::Snapshot s = SomeSnapshot(1);
  s.users = model::Matrix(0, 3);
  s.user_degree.clear();
  s.temperatures.clear();
  ASSERT_TRUE(SaveSnapshot(root_, s, users_, items_).ok());
  const auto loaded = LoadSnapshot(root_, 1);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ((*loaded)->users.rows, 0u);
  EXPECT_EQ((*loaded)->users.cols, 3u);
}

TEST_F(SnapshotFilesTest, ListIsOldestFirstWithSizes) {
  EXPECT_THAT(Listed(), IsEmpty());
  for (const model::SnapshotVersion v : {10, 2, 33}) {
    ASSERT_TRUE(Save(v).ok());
  }
  fs::create_directory(root_ + "/tmp-00000000000000000099");
  fs::create_directory(root_ + "/not a snapshot");
  WriteAll(root_ + "/file", "x");
  EXPECT_THAT(Listed(), ElementsAre(2, 10, 33));
  const SnapshotInfo info = (*ListSnapshots(root_))[0];
  EXPECT_EQ(info.trained_through, 1002u);
  EXPECT_EQ(info.users, 4u);
  EXPECT_EQ(info.items, 4u);
  EXPECT_EQ(info.dim, 3u);
  EXPECT_EQ(info.metrics.at("epochs"), 3);
  uint64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(PathOf(2))) {
    bytes += entry.file_size();
  }
  EXPECT_EQ(info.bytes, bytes);
}

TEST_F(SnapshotFilesTest, AnExistingVersionIsNotReplaced) {
  ASSERT_TRUE(Save(3).ok());
  EXPECT_EQ(Save(3).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(LoadSnapshot(root_, 3).ok());
}

TEST_F(SnapshotFilesTest, MissingOnesAreNotFound) {
  EXPECT_EQ(LoadSnapshot(root_, 3).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(DeleteSnapshot(root_, 3).code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(PruneSnapshots(root_, KeepNewest(3)).ok());
}

TEST_F(SnapshotFilesTest, WhatWouldNotLoadIsNotSaved) {
  const struct {
    const char* what;
    std::function<void(model::Snapshot*)> change;
    const char* message;
  } cases[] = {
      {"version", [](auto* s) { s->version = 0; }, "version is 0"},
      {"more rows than ids", [](auto* s) { *s = SomeSnapshot(1, 6); },
       "6 users"},
      {"NaN", [](auto* s) { s->users.Row(1)[0] = std::nanf(""); },
       "users row 1"},
      {"short", [](auto* s) { s->temperatures.pop_back(); }, "temperatures"},
  };
  for (const auto& c : cases) {
    model::Snapshot s = SomeSnapshot(1);
    c.change(&s);
    const absl::Status status = SaveSnapshot(root_, s, users_, items_);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.what;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.message));
    EXPECT_THAT(Listed(), IsEmpty());
  }
}

TEST_F(SnapshotFilesTest, RemainsOfAnEarlierAttemptDoNotMatter) {
  fs::create_directories(root_ + "/tmp-00000000000000000005");
  WriteAll(root_ + "/tmp-00000000000000000005/leftover", "x");
  ASSERT_TRUE(Save(5).ok());
  EXPECT_FALSE(fs::exists(PathOf(5) + "/leftover"));
  EXPECT_FALSE(fs::exists(root_ + "/tmp-00000000000000000005"));
}

TEST_F(SnapshotFilesTest, AFileForARootIsAnErrorOfTheOperator) {
  WriteAll(root_, "x");
  EXPECT_EQ(Save(1).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(ListSnapshots(root_).ok());
}

// The kernel refuses to let the child's files grow past a limit, as it would
// on a full disk.
TEST_F(SnapshotFilesTest, AFailedSaveLeavesNothing) {
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {100, 100};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(99);
    const absl::Status status = Save(1);
    _exit(status.ok() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_TRUE(fs::is_empty(root_));
  EXPECT_TRUE(Save(1).ok());
}

TEST_F(SnapshotFilesTest, DeleteAndPrune) {
  for (model::SnapshotVersion v = 1; v <= 5; ++v) ASSERT_TRUE(Save(v).ok());
  fs::create_directory(root_ + "/tmp-00000000000000000099");
  ASSERT_TRUE(DeleteSnapshot(root_, 3).ok());
  EXPECT_THAT(Listed(), ElementsAre(1, 2, 4, 5));
  ASSERT_TRUE(PruneSnapshots(root_, KeepNewest(2)).ok());
  EXPECT_THAT(Listed(), ElementsAre(4, 5));
  EXPECT_FALSE(fs::exists(root_ + "/tmp-00000000000000000099"));
  ASSERT_TRUE(PruneSnapshots(root_, KeepNewest(2)).ok());
  EXPECT_THAT(Listed(), ElementsAre(4, 5));
  ASSERT_TRUE(PruneSnapshots(root_, KeepNewest(0)).ok());
  EXPECT_TRUE(fs::is_empty(root_));
}

// Every file, damaged in every way, is noticed, named, and only that.
TEST_F(SnapshotFilesTest, DamageIsDataLossNamingTheFile) {
  ASSERT_TRUE(Save(1).ok());
  const std::function<std::string(std::string)> damages[] = {
      [](std::string) { return std::string(); },
      [](std::string t) { return t.substr(0, t.size() - 1); },
      [](std::string t) { return t.substr(0, t.size() / 2); },
      [](std::string t) { return t + '\n'; },
      [](std::string t) {
        t.front() = static_cast<char>(t.front() ^ 0x40);
        return t;
      },
      [](std::string t) {
        t[t.size() / 2] = static_cast<char>(t[t.size() / 2] ^ 1);
        return t;
      },
      [](std::string t) {
        t.back() = static_cast<char>(t.back() ^ 0x80);
        return t;
      },
      [](std::string t) { return std::string(t.size(), '\0'); },
  };
  size_t files = 0;
  for (const auto& entry : fs::directory_iterator(PathOf(1))) {
    ++files;
    const std::string path = entry.path().string();
    const std::string good = ReadAll(path);
    size_t number = 0;
    const auto expect_damage = [&] {
      const absl::Status status = LoadSnapshot(root_, 1).status();
      EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss)
          << path << " damage " << number << ": " << status;
      EXPECT_THAT(std::string(status.message()), HasSubstr(path));
      ++number;
    };
    for (const auto& damage : damages) {
      WriteAll(path, damage(good));
      expect_damage();
    }
    fs::remove(path);
    expect_damage();
    fs::create_directory(path);
    expect_damage();
    fs::remove(path);
    // Whoever opened it to read would wait for a writer.
    ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
    expect_damage();
    fs::remove(path);
    WriteAll(path, good);
    ASSERT_TRUE(LoadSnapshot(root_, 1).ok()) << path;
  }
  EXPECT_EQ(files, 11u);
}

TEST_F(SnapshotFilesTest, SwappedFilesAreDataLoss) {
  ASSERT_TRUE(Save(1).ok());
  const std::string users = PathOf(1) + "/users.npy";
  const std::string items = PathOf(1) + "/items.npy";
  ASSERT_EQ(fs::file_size(users), fs::file_size(items));
  const std::string kept = ReadAll(users);
  WriteAll(users, ReadAll(items));
  WriteAll(items, kept);
  EXPECT_EQ(LoadSnapshot(root_, 1).status().code(),
            absl::StatusCode::kDataLoss);
}

TEST_F(SnapshotFilesTest, ASnapshotUnderAnotherNumberIsDataLoss) {
  ASSERT_TRUE(Save(1).ok());
  fs::rename(PathOf(1), PathOf(2));
  EXPECT_EQ(LoadSnapshot(root_, 2).status().code(),
            absl::StatusCode::kDataLoss);
  EXPECT_THAT(Listed(), IsEmpty());
}

TEST_F(SnapshotFilesTest, DamagedManifestsAreLeftOutOfTheList) {
  for (model::SnapshotVersion v = 1; v <= 3; ++v) ASSERT_TRUE(Save(v).ok());
  WriteAll(PathOf(2) + "/manifest.json", "{");
  fs::remove(PathOf(3) + "/manifest.json");
  EXPECT_THAT(Listed(), ElementsAre(1));
}

// An erasure overwrites and frees a name, whatever is being saved.
TEST_F(SnapshotFilesTest, SavesWholeNamesWhileSomeAreErased) {
  constexpr size_t kRows = 3000;
  const model::Snapshot snapshot = SomeSnapshot(1, kRows);
  for (int round = 0; round < 3; ++round) {
    model::Dictionary users;
    const std::string filler(500, 'x');
    for (size_t row = 0; row < kRows; ++row) {
      users.Insert(absl::StrCat(row, filler));
    }
    const std::string root = absl::StrCat(root_, round);
    std::thread eraser([&users] {
      for (uint32_t row = 0; row < kRows; ++row) users.Erase(row);
    });
    const absl::Status saved = SaveSnapshot(root, snapshot, users, users);
    eraser.join();
    ASSERT_TRUE(saved.ok()) << saved;
    std::istringstream lines(
        ReadAll(absl::StrFormat("%s/%020d/user_ids.txt", root, 1)));
    std::string line;
    for (size_t row = 0; std::getline(lines, line); ++row) {
      if (line == "\"\"") continue;
      ASSERT_EQ(line, absl::StrCat("\"", row, filler, "\""));
    }
  }
}

}  // namespace
}  // namespace taud::store
