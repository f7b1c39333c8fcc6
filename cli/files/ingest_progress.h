#ifndef TAUD_CLI_FILES_INGEST_PROGRESS_H_
#define TAUD_CLI_FILES_INGEST_PROGRESS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace taud::cli {

// How far the ingestion of a file got, kept beside it in
// `<file>.ingest-progress` so that an interrupted one can be resumed, and a
// finished one sends nothing again. What is noted was acknowledged; what was
// acknowledged just before an interruption may not be noted, and the server is
// asked for it by the stream's id. One process at a time per file.
struct IngestNote {
  uint64_t interactions = 0;  // the first ones of the file were acknowledged
  // Of them, those through this one the server keeps with the stream: what it
  // has refused it does not remember.
  uint64_t stored = 0;
  bool finished = false;    // the file was sent to its end
  std::string stream_id;    // the server knows it by; empty: no note
  std::string server;       // where it went
  std::string fingerprint;  // of the file
  std::string reading;      // the options it was read with
};

// Of what is in the file, whenever it was written. UNAVAILABLE if it cannot be
// read.
absl::StatusOr<std::string> FileFingerprint(const std::string& path);

absl::Status SaveIngestProgress(const std::string& path,
                                const IngestNote& note);

// What was noted; an empty stream_id without a note. DATA_LOSS if the note
// cannot be read.
absl::StatusOr<IngestNote> LoadIngestProgress(const std::string& path);

// FAILED_PRECONDITION if the noted ingestion was one of another file, or read
// it differently: then its interactions cannot be counted off. Pure.
absl::Status CheckNote(const std::string& path, const IngestNote& noted,
                       const std::string& fingerprint,
                       const std::string& reading);

// How many interactions of the file are not to be sent again, when the server
// says that it keeps `held` of them with the stream. FAILED_PRECONDITION if it
// has fewer than it acknowledged: then it is another server, or has other data,
// and the rest alone would leave a hole. Pure.
absl::StatusOr<uint64_t> ResumeBehind(const std::string& path,
                                      const IngestNote& noted, uint64_t held,
                                      const std::string& server);

}  // namespace taud::cli

#endif  // TAUD_CLI_FILES_INGEST_PROGRESS_H_
