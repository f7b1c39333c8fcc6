#include "cli/commands/ingest_outcome.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::cli {
namespace {

using testing::HasSubstr;

TEST(IngestOutcomeTest, OnlyWhatWentWellIsWell) {
  const struct {
    RowCounts rows;
    uint64_t max_bad;
    const char* error;  // null: none
  } cases[] = {
      {{5, 0, 0}, 0, nullptr},
      {{5, 2, 1}, 3, nullptr},
      {{5, 2, 1}, 2, "f: 2 bad lines, 1 rejected by the server; the rest"},
      {{0, 30, 0}, 100, "f: nothing was taken; 30 bad lines"},
      {{0, 0, 0}, 0, "f: nothing was taken"},
      {{5, 0, 1}, 0, "0 bad lines, 1 rejected"},
  };
  for (const auto& c : cases) {
    const absl::Status status = RowsOutcome("f", c.rows, c.max_bad);
    EXPECT_EQ(status.ok(), c.error == nullptr);
    if (c.error != nullptr) {
      EXPECT_THAT(std::string(status.message()), HasSubstr(c.error));
    }
  }
}

}  // namespace
}  // namespace taud::cli
