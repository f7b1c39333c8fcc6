#include "server/audit/audit_log.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/store/temp_dir.h"

namespace taud::server {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

std::string Read(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// Every line is an object, and none is empty.
std::vector<json> Lines(const std::string& path) {
  std::vector<json> lines;
  const std::string text = Read(path);
  for (absl::string_view line :
       absl::StrSplit(absl::StripSuffix(text, "\n"), '\n')) {
    lines.push_back(json::parse(line.begin(), line.end(), nullptr, false));
    EXPECT_TRUE(lines.back().is_object()) << line;
  }
  return lines;
}

AuditEntry Entry(const std::string& method, const std::string& user = "u1") {
  AuditEntry entry;
  entry.method = method;
  entry.about.AddUser(user);
  return entry;
}

class AuditLogTest : public testing::Test {
 protected:
  AuditLogTest() : path_(directory_ / "audit/log") {
    std::filesystem::create_directory(directory_ / "audit");
    options_.file = {path_, 1 << 20, 2};
    options_.retry = absl::Milliseconds(1);
  }

  void Open() {
    auto log = AuditLog::Open(options_, [this](size_t lines, bool written) {
      (written ? written_ : lost_) += lines;
    });
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
  }

  // What `act` is told.
  absl::Status Begin(const AuditEntry& entry) {
    auto place = log_->Enter();
    if (!place.ok()) return place.status();
    absl::Status told;
    absl::Notification done;
    log_->Begin(entry, *std::move(place), [&](absl::Status status) {
      told = std::move(status);
      done.Notify();
    });
    done.WaitForNotification();
    return told;
  }

  const store::TempDir directory_;
  const std::string path_;
  AuditLog::Options options_;
  std::atomic<size_t> written_{0};
  std::atomic<size_t> lost_{0};
  std::unique_ptr<AuditLog> log_;
};

TEST_F(AuditLogTest, WhatHasBegunIsInTheFile) {
  Open();
  ASSERT_TRUE(Begin(Entry("EraseUser")).ok());
  // Not closed yet.
  const auto lines = Lines(path_);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0]["event"], "started");
  EXPECT_EQ(lines[1]["method"], "EraseUser");
  struct stat info = {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(written_, 1u);
}

TEST_F(AuditLogTest, ManyThreadsLinesAreWholeAndAllThere) {
  Open();
  constexpr int kThreads = 4;
  constexpr int kLines = 500;
  absl::BlockingCounter done(kThreads * kLines);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kLines; ++i) {
        auto place = log_->Enter();
        ASSERT_TRUE(place.ok());
        log_->End(Entry("GetUser", absl::StrCat(t, "-", i)), *std::move(place),
                  [&](const absl::Status& status) {
                    EXPECT_TRUE(status.ok());
                    done.DecrementCount();
                  });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  done.Wait();
  std::set<std::string> users;
  for (const json& line : Lines(path_)) {
    if (line.contains("users")) users.insert(line["users"][0]);
  }
  EXPECT_EQ(users.size(), size_t{kThreads * kLines});
}

TEST_F(AuditLogTest, TheDestructorWritesWhatWaits) {
  Open();
  for (int i = 0; i < 100; ++i) {
    auto place = log_->Enter();
    ASSERT_TRUE(place.ok());
    log_->End(Entry("GetUser"), *std::move(place), nullptr);
  }
  log_.reset();
  EXPECT_EQ(Lines(path_).size(), 101u);
}

TEST_F(AuditLogTest, FilesArePutBesideAndTheOldestGo) {
  options_.file.max_bytes = 1000;
  Open();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(Begin(Entry("EraseUser", absl::StrCat("user", i))).ok());
  }
  EXPECT_TRUE(std::filesystem::exists(path_ + ".1"));
  EXPECT_TRUE(std::filesystem::exists(path_ + ".2"));
  EXPECT_FALSE(std::filesystem::exists(path_ + ".3"));
  std::vector<std::string> users;
  for (const std::string& file : {path_ + ".2", path_ + ".1", path_}) {
    // A batch more than the bound at most.
    EXPECT_LT(std::filesystem::file_size(file), 1200u);
    for (const json& line : Lines(file)) users.push_back(line["users"][0]);
  }
  // Without a gap up to the last.
  for (size_t i = 0; i < users.size(); ++i) {
    EXPECT_EQ(users[i], absl::StrCat("user", 100 - users.size() + i));
  }
  EXPECT_GT(users.size(), 10u);
}

TEST_F(AuditLogTest, GoesOnBehindHalfALine) {
  std::ofstream(path_) << "{\"event\":\"end\"}\n{\"eve";
  Open();
  const std::string text = Read(path_);
  EXPECT_THAT(text, HasSubstr("{\"eve\n{\"time\""));
}

TEST_F(AuditLogTest, WhileItCannotBeWrittenNothingIsDone) {
  Open();
  std::filesystem::remove_all(directory_ / "audit");
  EXPECT_EQ(log_->trouble().since_ms, 0);
  const absl::Status first = Begin(Entry("EraseUser"));
  EXPECT_EQ(first.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(first.message()), HasSubstr("nothing was done"));
  // A client is not told of paths; who may see the status is.
  EXPECT_THAT(std::string(first.message()), Not(HasSubstr("/audit/log")));
  EXPECT_THAT(log_->trouble().why, HasSubstr("/audit/log"));
  EXPECT_GT(log_->trouble().since_ms, 0);
  EXPECT_EQ(log_->Enter().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(log_->Sample(), nullptr);
  EXPECT_EQ(lost_, 1u);

  std::filesystem::create_directory(directory_ / "audit");
  while (log_->trouble().since_ms != 0) std::this_thread::yield();
  EXPECT_TRUE(Begin(Entry("EraseUser")).ok());
  const auto lines = Lines(path_);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0]["event"], "lost");
  EXPECT_EQ(lines[0]["left_out"], 1);
}

TEST_F(AuditLogTest, AFullDiskLeavesNoHalfLine) {
  Open();
  ASSERT_TRUE(Begin(Entry("EraseUser", "before")).ok());
  // As a disk with so much left: a write beyond is cut short, then fails.
  const auto old_action = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old_limit = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old_limit), 0);
  rlimit limit = old_limit;
  limit.rlim_cur = std::filesystem::file_size(path_) + 10;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  const absl::Status status = Begin(Entry("EraseUser", "full"));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old_limit), 0);
  std::signal(SIGXFSZ, old_action);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  while (log_->trouble().since_ms != 0) std::this_thread::yield();
  ASSERT_TRUE(Begin(Entry("EraseUser", "after")).ok());
  const auto lines = Lines(path_);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[1]["users"][0], "before");
  EXPECT_EQ(lines[2]["event"], "lost");
  EXPECT_EQ(lines[3]["users"][0], "after");
}

TEST_F(AuditLogTest, StartsOnlyIfItCanBeWritten) {
  for (const std::string& path :
       {directory_ / "missing/log", directory_.path(), std::string("/dev/full"),
        std::string("/dev/null")}) {
    options_.file.path = path;
    const auto log = AuditLog::Open(options_, [](size_t, bool) {});
    ASSERT_FALSE(log.ok()) << path;
    EXPECT_THAT(std::string(log.status().message()), HasSubstr(path));
  }
  // Who may write to the directory would choose where a link leads.
  std::ofstream(directory_ / "target") << "";
  std::filesystem::create_symlink(directory_ / "target", path_);
  options_.file.path = path_;
  EXPECT_FALSE(AuditLog::Open(options_, [](size_t, bool) {}).ok());
}

TEST_F(AuditLogTest, CallsThatWaitHaveABound) {
  options_.max_waiting = 3;
  Open();
  std::vector<AuditPlace> places;
  for (int i = 0; i < 3; ++i) {
    auto place = log_->Enter();
    ASSERT_TRUE(place.ok());
    places.push_back(*std::move(place));
  }
  EXPECT_EQ(log_->Enter().status().code(), absl::StatusCode::kUnavailable);
  places.pop_back();
  EXPECT_TRUE(log_->Enter().ok());
}

TEST_F(AuditLogTest, OthersAreSampled) {
  Open();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(log_->Sample(), nullptr);
  options_.sample_share = 0.5;
  Open();
  int taken = 0;
  for (int i = 0; i < 1000; ++i) taken += log_->Sample() != nullptr;
  EXPECT_GT(taken, 350);
  EXPECT_LT(taken, 650);
}

TEST_F(AuditLogTest, AFloodOfRefusalsIsToldOfInPart) {
  Open();
  for (int i = 0; i < 1000; ++i) log_->Refused(Entry("Recommend"));
  log_.reset();
  const size_t lines = Lines(path_).size();
  EXPECT_GE(lines, 100u);
  EXPECT_LT(lines, 900u);
}

TEST_F(AuditLogTest, IdsAreKeyedHashesOnceThereIsAKey) {
  Open();
  log_->SetIdKey("0123456789abcdef0123456789abcdef");
  ASSERT_TRUE(Begin(Entry("EraseUser", "alice")).ok());
  EXPECT_THAT(Read(path_), Not(HasSubstr("alice")));
  // printf %s alice | openssl dgst -sha256 -hmac 0123456789abcdef…
  EXPECT_EQ(Lines(path_)[1]["users"][0],
            "433deb45467e4e53dbaba594c88bc3a200f705a2150788c3d11e6040e63e8510");
}

}  // namespace
}  // namespace taud::server
