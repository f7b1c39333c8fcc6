#include "cli/commands/ingest_outcome.h"

#include "absl/strings/str_cat.h"
#include "cli/terminal/output.h"

namespace taud::cli {

absl::Status RowsOutcome(const std::string& path, const RowCounts& rows,
                         uint64_t max_bad) {
  const std::string bad =
      absl::StrCat(Count(rows.bad), " bad lines, ", Count(rows.refused),
                   " rejected by the server");
  if (rows.taken == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": nothing was taken; ", bad));
  }
  if (rows.bad + rows.refused > max_bad) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", bad, "; the rest was taken. --max-bad says ",
                     "how many are no error (", max_bad, " now)"));
  }
  return absl::OkStatus();
}

}  // namespace taud::cli
