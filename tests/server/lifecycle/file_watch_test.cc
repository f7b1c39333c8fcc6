#include "server/lifecycle/file_watch.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <new>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::server {
namespace {

class FileWatchTest : public testing::Test {
 protected:
  FileWatchTest() : path_(directory_ + "/file") {
    Write("one");
    watch_ = std::make_unique<FileWatch>(
        std::vector<FileWatch::Watched>{{"auth.tokens_file",
                                         {path_},
                                         [this] {
                                           ++reloads_;
                                           if (throws_) throw std::bad_alloc();
                                           return answer_;
                                         }}},
        absl::InfiniteDuration(), [this](const std::string& what, bool ok) {
          heard_ += absl::StrCat(what, ok ? " ok;" : " error;");
        });
  }
  ~FileWatchTest() override { std::filesystem::remove_all(directory_); }

  // Replaced as a whole, so that it is another file whatever the clock says.
  void Write(const std::string& text) {
    std::ofstream(path_ + ".new") << text;
    std::filesystem::rename(path_ + ".new", path_);
  }
  void LookTwice() {
    watch_->Look();
    watch_->Look();
  }

  static std::string NewDirectory() {
    char pattern[] = "/tmp/taud-watch-XXXXXX";
    return mkdtemp(pattern);
  }

  const std::string directory_ = NewDirectory();
  const std::string path_;
  int reloads_ = 0;
  bool throws_ = false;
  absl::Status answer_;
  std::string heard_;
  std::unique_ptr<FileWatch> watch_;
};

TEST_F(FileWatchTest, AnExceptionIsAnErrorOfTheFile) {
  throws_ = true;
  Write("two");
  LookTwice();
  EXPECT_EQ(heard_, "auth.tokens_file error;");
  EXPECT_THAT(watch_->trouble().why, testing::HasSubstr("auth.tokens_file: "));
  throws_ = false;
  Write("three");
  LookTwice();
  EXPECT_EQ(heard_, "auth.tokens_file error;auth.tokens_file ok;");
  EXPECT_EQ(watch_->trouble().since_ms, 0);
}

TEST_F(FileWatchTest, ReadsOnlyWhatHasChanged) {
  LookTwice();
  EXPECT_EQ(reloads_, 0);
  Write("two");
  LookTwice();
  EXPECT_EQ(reloads_, 1);
  EXPECT_EQ(heard_, "auth.tokens_file ok;");
  LookTwice();
  EXPECT_EQ(reloads_, 1);
}

TEST_F(FileWatchTest, WaitsUntilWhoWritesIsDone) {
  Write("half of it");
  watch_->Look();
  Write("the whole of it");
  watch_->Look();
  EXPECT_EQ(reloads_, 0);
  watch_->Look();
  EXPECT_EQ(reloads_, 1);
}

TEST_F(FileWatchTest, ABadFileIsATroubleUntilItIsGood) {
  answer_ = absl::InvalidArgumentError("file:1: not JSON");
  Write("bad");
  LookTwice();
  EXPECT_NE(watch_->trouble().since_ms, 0);
  EXPECT_EQ(watch_->trouble().why, "auth.tokens_file: file:1: not JSON");
  const int64_t since = watch_->trouble().since_ms;
  Write("bad again");
  LookTwice();
  EXPECT_EQ(watch_->trouble().since_ms, since);
  answer_ = absl::OkStatus();
  Write("good");
  LookTwice();
  EXPECT_EQ(watch_->trouble().since_ms, 0);
  EXPECT_EQ(heard_,
            "auth.tokens_file error;auth.tokens_file error;"
            "auth.tokens_file ok;");
}

TEST_F(FileWatchTest, AFileThatGoesAndComesBackIsReadAgain) {
  std::filesystem::remove(path_);
  LookTwice();
  EXPECT_EQ(reloads_, 1);
  Write("back");
  LookTwice();
  EXPECT_EQ(reloads_, 2);
}

TEST_F(FileWatchTest, FollowsALinkThatIsExchanged) {
  std::filesystem::remove(path_);
  std::ofstream(directory_ + "/a") << "a";
  std::ofstream(directory_ + "/b") << "b";
  std::filesystem::create_symlink(directory_ + "/a", path_);
  LookTwice();
  reloads_ = 0;
  std::filesystem::create_symlink(directory_ + "/b", path_ + ".new");
  std::filesystem::rename(path_ + ".new", path_);
  LookTwice();
  EXPECT_EQ(reloads_, 1);
}

}  // namespace
}  // namespace taud::server
