#ifndef TAUD_CLI_INGEST_PROGRESS_H_
#define TAUD_CLI_INGEST_PROGRESS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace taud::cli {

// How far the ingestion of a file got, kept beside it in
// `<file>.ingest-progress` so that an interrupted one can be resumed. What is
// noted was acknowledged; what was acknowledged just before an interruption
// may not be noted, and the server is asked for it by the stream's id. One
// process at a time per file.
struct IngestNote {
  uint64_t interactions = 0;  // the first ones of the file
  std::string stream_id;      // the server knows it by; empty: none
};

absl::Status SaveIngestProgress(const std::string& path,
                                const IngestNote& note);

// What was noted; zero without a note. FAILED_PRECONDITION if the file has
// changed since, DATA_LOSS if the note cannot be read.
absl::StatusOr<IngestNote> LoadIngestProgress(const std::string& path);

// Forgets it: everything was acknowledged.
void RemoveIngestProgress(const std::string& path);

}  // namespace taud::cli

#endif  // TAUD_CLI_INGEST_PROGRESS_H_
