// The event store on a directory that is in use, not one, not writable, or of
// another version.

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocksdb/db.h"
#include "store/log/event_store.h"
#include "tests/store/log/event_store_fault_testing.h"
#include "tests/store/log/event_store_testing.h"

namespace taud::store {
namespace {

using ::testing::HasSubstr;

class EventStoreDirectoryTest : public EventStoreFaultTest {};

// --- Directories ------------------------------------------------------------

TEST_F(EventStoreDirectoryTest, ASecondStoreOnTheDirectoryIsRefused) {
  Open();
  const absl::Status status = OpenStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr(options_.directory));
  EXPECT_THAT(std::string(status.message()), HasSubstr("another taud"));
  EXPECT_TRUE(Append({Event("u", "a")}).ok());
  Close();
  EXPECT_TRUE(OpenStatus().ok());
}

TEST_F(EventStoreDirectoryTest, RocksDbsOwnLockIsRespectedToo) {
  Open();
  Close();
  WithDatabase([&](rocksdb::DB*, const auto&) {
    EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kFailedPrecondition);
  });
}

TEST_F(EventStoreDirectoryTest, AFileInPlaceOfTheDirectory) {
  std::ofstream(options_.directory) << "x";
  EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kFailedPrecondition);
}

// Permissions do not stop root, so the child gives its rights up first.
TEST_F(EventStoreDirectoryTest, ADirectoryThatIsNotWritableIsPermissionDenied) {
  options_.env = nullptr;
  ASSERT_EQ(chmod(dir_.path().c_str(), 0555), 0);
  const pid_t child = fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65534;
    if (geteuid() == 0 && seteuid(kNobody) != 0) _exit(99);
    const absl::Status status = OpenStatus();
    const bool names_it = absl::StrContains(status.message(), dir_.path());
    _exit(names_it ? static_cast<int>(status.code()) : 98);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(chmod(dir_.path().c_str(), 0755), 0);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 99) GTEST_SKIP() << "cannot become nobody";
  EXPECT_EQ(WEXITSTATUS(status),
            static_cast<int>(absl::StatusCode::kPermissionDenied));
}

// --- Other versions ---------------------------------------------------------

TEST_F(EventStoreDirectoryTest, OtherFormatVersionsAreRefusedWithAdvice) {
  Open();
  ASSERT_TRUE(Append({Event("u", "a")}).ok());
  Close();
  for (const char* version : {"3", "999", "0", "-1", "banana", ""}) {
    Put(Family::kMeta, "format_version", version);
    const absl::Status status = OpenStatus();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << version;
    EXPECT_THAT(std::string(status.message()), HasSubstr(options_.directory));
    EXPECT_THAT(std::string(status.message()), HasSubstr("data directory"));
  }
  Put(Family::kMeta, "format_version", "2");
  EXPECT_TRUE(OpenStatus().ok());
}

TEST_F(EventStoreDirectoryTest, AMissingFormatVersionBesideDataIsDataLoss) {
  Open();
  ASSERT_TRUE(Append({Event("u", "a")}).ok());
  Close();
  Delete(Family::kMeta, "format_version");
  EXPECT_EQ(OpenStatus().code(), absl::StatusCode::kDataLoss);
}

TEST_F(EventStoreDirectoryTest, ACreationCutShortIsFinished) {
  Open();
  Close();
  Delete(Family::kMeta, "format_version");
  EXPECT_TRUE(OpenStatus().ok());
}

TEST_F(EventStoreDirectoryTest, AnUnknownColumnFamilyIsAnotherVersions) {
  Open();
  Close();
  WithDatabase([](rocksdb::DB* db, const auto&) {
    rocksdb::ColumnFamilyHandle* added = nullptr;
    ASSERT_TRUE(db->CreateColumnFamily({}, "from_the_future", &added).ok());
    db->DestroyColumnFamilyHandle(added);
  });
  const absl::Status status = OpenStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("another version"));
}

}  // namespace
}  // namespace taud::store
