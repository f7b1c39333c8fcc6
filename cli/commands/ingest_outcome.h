#ifndef TAUD_CLI_COMMANDS_INGEST_OUTCOME_H_
#define TAUD_CLI_COMMANDS_INGEST_OUTCOME_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace taud::cli {

// What became of the rows of a file that was read to its end.
struct RowCounts {
  uint64_t taken = 0;    // by the server, now or before
  uint64_t bad = 0;      // that could not be read
  uint64_t refused = 0;  // by the server
};

// OK only if something was taken, and no more was bad or refused than
// `max_bad`. The message names `path` and the counts. Pure.
absl::Status RowsOutcome(const std::string& path, const RowCounts& rows,
                         uint64_t max_bad);

}  // namespace taud::cli

#endif  // TAUD_CLI_COMMANDS_INGEST_OUTCOME_H_
