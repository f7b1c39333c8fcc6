#include "cli/files/ingest_progress.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
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
    std::remove((path_ + ".ingest-progress").c_str());
    std::remove(path_.c_str());
  }
  const std::string path_;
};

IngestNote ANote() {
  IngestNote note;
  note.interactions = 1234567890123;
  note.stored = 1234567890120;
  note.finished = true;
  note.stream_id = "s";
  note.server = "here:1";
  note.fingerprint = "f";
  note.reading = "--format auto";
  return note;
}

TEST_F(IngestProgressTest, Remembers) {
  EXPECT_EQ(LoadIngestProgress(path_).value().stream_id, "");
  const IngestNote note = ANote();
  ASSERT_TRUE(SaveIngestProgress(path_, note).ok());
  const IngestNote loaded = LoadIngestProgress(path_).value();
  EXPECT_EQ(loaded.interactions, note.interactions);
  EXPECT_EQ(loaded.stored, note.stored);
  EXPECT_TRUE(loaded.finished);
  EXPECT_EQ(loaded.stream_id, note.stream_id);
  EXPECT_EQ(loaded.server, note.server);
  EXPECT_EQ(loaded.fingerprint, note.fingerprint);
  EXPECT_EQ(loaded.reading, note.reading);
}

TEST_F(IngestProgressTest, AFingerprintIsOfWhatIsInTheFile) {
  const auto first = FileFingerprint(path_);
  ASSERT_TRUE(first.ok());
  // Written again, the same: the time of it does not matter.
  std::ofstream(path_) << "some lines\n";
  EXPECT_EQ(FileFingerprint(path_).value(), *first);
  // An edit that leaves the size.
  std::ofstream(path_) << "same lines\n";
  EXPECT_NE(FileFingerprint(path_).value(), *first);
  EXPECT_FALSE(FileFingerprint("/nonexistent").ok());
}

TEST_F(IngestProgressTest, AnEditedFileOrOtherOptionsAreNoticed) {
  const IngestNote note = ANote();
  EXPECT_TRUE(CheckNote("file", note, "f", "--format auto").ok());
  EXPECT_TRUE(CheckNote("file", {}, "g", "--format csv").ok());
  const absl::Status edited = CheckNote("file", note, "g", "--format auto");
  EXPECT_TRUE(absl::IsFailedPrecondition(edited));
  EXPECT_THAT(std::string(edited.message()),
              testing::HasSubstr("file is not what it was"));
  EXPECT_TRUE(
      absl::IsFailedPrecondition(CheckNote("file", note, "f", "--format csv")));
}

TEST_F(IngestProgressTest, ANoteIsGoodAtTheServerThatHasTheData) {
  IngestNote note = ANote();
  note.interactions = 100;
  note.stored = 90;
  const struct {
    uint64_t held;
    uint64_t behind;  // 0: refused
  } cases[] = {{90, 100}, {95, 100}, {100, 100}, {120, 120}, {0, 0}, {89, 0}};
  for (const auto& c : cases) {
    const auto behind = ResumeBehind("file", note, c.held, "there:2");
    EXPECT_EQ(behind.ok(), c.behind > 0) << c.held;
    EXPECT_EQ(behind.value_or(0), c.behind) << c.held;
  }
  const auto other = ResumeBehind("file", note, 0, "there:2");
  EXPECT_THAT(std::string(other.status().message()),
              testing::HasSubstr("90 interactions of file were acknowledged by "
                                 "here:1, and there:2 has 0"));
  EXPECT_EQ(ResumeBehind("file", {}, 0, "there:2").value(), 0u);
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
