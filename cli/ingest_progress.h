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
// may not be noted, and is then sent twice. One process at a time per file.

// Notes that the first `interactions` of the file were acknowledged.
absl::Status SaveIngestProgress(const std::string& path, uint64_t interactions);

// The number noted; 0 without a note. FAILED_PRECONDITION if the file has
// changed since, DATA_LOSS if the note cannot be read.
absl::StatusOr<uint64_t> LoadIngestProgress(const std::string& path);

// Forgets it: everything was acknowledged.
void RemoveIngestProgress(const std::string& path);

}  // namespace taud::cli

#endif  // TAUD_CLI_INGEST_PROGRESS_H_
