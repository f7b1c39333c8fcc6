#include "store/files/data_directory.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/files/number_file.h"
#include "tests/store/temp_dir.h"

namespace taud::store {
namespace {

using ::testing::HasSubstr;

TEST(DataDirectoryTest, ANewOneAndOneOfThisFormatAreTaken) {
  const TempDir dir;
  EXPECT_TRUE(CheckDataDirectory(dir / "missing").ok());
  EXPECT_TRUE(CheckDataDirectory(dir.path()).ok());
  ASSERT_TRUE(MarkDataDirectory(dir.path()).ok());
  EXPECT_TRUE(CheckDataDirectory(dir.path()).ok());
  EXPECT_EQ(ReadNumberFile(FormatFileIn(dir.path())).value(), kDataFormat);
}

// It may be somebody's home.
TEST(DataDirectoryTest, OneWithForeignFilesIsRefused) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "lost+found");
  std::filesystem::create_directory(dir / "log");
  EXPECT_TRUE(CheckDataDirectory(dir.path()).ok())
      << "a new file system, a start that was cut short";
  std::ofstream(dir / "log/messages") << "x";
  absl::Status status = CheckDataDirectory(dir.path());
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("log/"));
  std::filesystem::remove(dir / "log/messages");
  std::ofstream(dir / "notes\n.txt") << "x";
  status = CheckDataDirectory(dir.path());
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("has 1 other entry: notes\\n.txt"));
  // Beside what is ours it is no harm.
  ASSERT_TRUE(MarkDataDirectory(dir.path()).ok());
  EXPECT_TRUE(CheckDataDirectory(dir.path()).ok());
}

TEST(DataDirectoryTest, OneOfANewerTaudIsRefusedWithAdvice) {
  const TempDir dir;
  ASSERT_TRUE(WriteNumberFile(FormatFileIn(dir.path()), kDataFormat + 1).ok());
  const absl::Status status = CheckDataDirectory(dir.path());
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("use the newer taud"));
}

TEST(DataDirectoryTest, ADamagedMarkIsNotGuessedAt) {
  const TempDir dir;
  std::ofstream(FormatFileIn(dir.path())) << "2 00000000\n";
  const absl::Status status = CheckDataDirectory(dir.path());
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(FormatFileIn(dir.path())));
}

TEST(DataDirectoryTest, AMissingMarkBesideALogThatHasOneIsDataLoss) {
  const struct {
    int log_format;
    bool has_data;
    bool taken;
  } cases[] = {
      {0, false, true},  // the first start
      {2, false, true},  // cut short
      {1, true, true},   // an older one, which is brought up to date
      {2, true, false},  // FORMAT was lost
      {3, true, false},
  };
  for (const auto& c : cases) {
    const TempDir dir;
    const absl::Status status =
        MarkOpenedDirectory(dir.path(), c.log_format, c.has_data);
    EXPECT_EQ(status.ok(), c.taken) << status;
    EXPECT_EQ(ReadNumberFile(FormatFileIn(dir.path())).value().has_value(),
              c.taken);
    if (c.taken) continue;
    EXPECT_TRUE(absl::IsDataLoss(status));
    EXPECT_THAT(std::string(status.message()), HasSubstr("echo 2 >"));
    std::ofstream(FormatFileIn(dir.path())) << "2\n";
    EXPECT_TRUE(MarkOpenedDirectory(dir.path(), c.log_format, true).ok());
  }
}

}  // namespace
}  // namespace taud::store
