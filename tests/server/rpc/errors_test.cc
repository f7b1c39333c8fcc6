#include "server/rpc/errors.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace taud::server {
namespace {

// What an operator reads in the log is nothing for a client.
TEST(WithoutPathsTest, LeavesTheLastName) {
  const std::vector<std::string> roots = {"/var/lib/taud", "data"};
  const struct {
    const char* message;
    const char* expected;
  } cases[] = {
      {"/var/lib/taud/log: write: No space left on device",
       "log of the data directory: write: No space left on device"},
      {"cannot open \"/var/lib/taud/snapshots/3/items.npy\", retry",
       "cannot open \"items.npy of the data directory\", retry"},
      {"in /var/lib/taud", "in the data directory"},
      {"in /var/lib/taud/: x", "in the data directory: x"},
      {"/var/lib/taud-old/x and /srv/var/lib/taud/x",
       "/var/lib/taud-old/x and /srv/var/lib/taud/x"},
      {"data/log has a fault of data",
       "log of the data directory has a fault "
       "of data"},
      {"data of metadata/x", "data of metadata/x"},
      {"user \"data\" is unknown", "user \"data\" is unknown"},
  };
  for (const auto& c : cases) {
    const absl::Status status =
        WithoutPaths(absl::InternalError(c.message), roots);
    EXPECT_EQ(status.message(), c.expected);
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  }
}

TEST(WithoutPathsTest, KeepsTheDetails) {
  const absl::Status status = WithoutPaths(
      FieldError("directory", "/var/lib/taud/x is there"), {"/var/lib/taud"});
  EXPECT_EQ(status.message(), "directory: x of the data directory is there");
  EXPECT_TRUE(status.GetPayload("type.googleapis.com/google.rpc.BadRequest")
                  .has_value());
}

TEST(FieldOfTest, TheFieldOfAnError) {
  EXPECT_EQ(FieldOf(FieldError("k", "is too large")), "k");
  EXPECT_EQ(FieldOf(PrefixField("users[3]", FieldError("k", "is wrong"))),
            "users[3].k");
  EXPECT_EQ(FieldOf(absl::NotFoundError("k: no")), "");
  EXPECT_EQ(FieldOf(absl::OkStatus()), "");
}

}  // namespace
}  // namespace taud::server
