#include "cli/ingest_progress.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace taud::cli {
namespace {

class IngestProgressTest : public testing::Test {
 protected:
  IngestProgressTest()
      : path_(testing::TempDir() + absl::StrCat("progress-", getpid())) {
    std::ofstream(path_) << "some lines\n";
  }
  ~IngestProgressTest() override {
    RemoveIngestProgress(path_);
    std::remove(path_.c_str());
  }
  const std::string path_;
};

TEST_F(IngestProgressTest, RemembersUntilRemoved) {
  EXPECT_EQ(LoadIngestProgress(path_).value().interactions, 0u);
  ASSERT_TRUE(SaveIngestProgress(path_, {17, "s"}).ok());
  ASSERT_TRUE(SaveIngestProgress(path_, {1234567890123, "s"}).ok());
  EXPECT_EQ(LoadIngestProgress(path_).value().interactions, 1234567890123u);
  RemoveIngestProgress(path_);
  EXPECT_EQ(LoadIngestProgress(path_).value().interactions, 0u);
}

TEST_F(IngestProgressTest, AnotherFileIsNotResumed) {
  ASSERT_TRUE(SaveIngestProgress(path_, {17, "s"}).ok());
  std::ofstream(path_, std::ios::app) << "more\n";
  EXPECT_TRUE(absl::IsFailedPrecondition(LoadIngestProgress(path_).status()));
}

TEST_F(IngestProgressTest, ADamagedNoteIsNotBelieved) {
  for (const char* note :
       {"", "{", "[]", "{\"interactions\":-1}", "{\"interactions\":5}"}) {
    std::ofstream(path_ + ".ingest-progress") << note;
    EXPECT_TRUE(absl::IsDataLoss(LoadIngestProgress(path_).status())) << note;
  }
}

}  // namespace
}  // namespace taud::cli
