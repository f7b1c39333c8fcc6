#include "cli/ingest_progress.h"

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace taud::cli {
namespace {

namespace fs = std::filesystem;

std::string NoteOf(const std::string& path) {
  return absl::StrCat(path, ".ingest-progress");
}

// Tells whether the file is the same as it was.
std::string Fingerprint(const std::string& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  const auto written = fs::last_write_time(path, error);
  return absl::StrCat(size, "-", written.time_since_epoch().count());
}

}  // namespace

absl::Status SaveIngestProgress(const std::string& path,
                                const IngestNote& progress) {
  const nlohmann::json note = {{"interactions", progress.interactions},
                               {"stream_id", progress.stream_id},
                               {"file", Fingerprint(path)}};
  const std::string temporary = absl::StrCat(NoteOf(path), ".tmp");
  {
    std::ofstream file(temporary);
    file << note.dump() << "\n";
    if (!file.flush()) {
      return absl::UnavailableError(
          absl::StrCat("cannot write ", temporary, ": --resume will not work"));
    }
  }
  std::error_code error;
  fs::rename(temporary, NoteOf(path), error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("cannot write ", NoteOf(path), ": ", error.message()));
  }
  return absl::OkStatus();
}

absl::StatusOr<IngestNote> LoadIngestProgress(const std::string& path) {
  std::ifstream file(NoteOf(path));
  if (!file) return IngestNote{};
  const auto note = nlohmann::json::parse(file, nullptr, false);
  if (!note.is_object() || !note.contains("interactions") ||
      !note["interactions"].is_number_unsigned() || !note.contains("file") ||
      !note["file"].is_string()) {
    return absl::DataLossError(
        absl::StrCat(NoteOf(path), " cannot be read; remove it to start anew"));
  }
  if (note["file"] != Fingerprint(path)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " has changed since it was interrupted; remove ",
                     NoteOf(path), " to start anew"));
  }
  IngestNote progress;
  progress.interactions = note["interactions"].get<uint64_t>();
  if (note.contains("stream_id") && note["stream_id"].is_string()) {
    progress.stream_id = note["stream_id"].get<std::string>();
  }
  return progress;
}

void RemoveIngestProgress(const std::string& path) {
  std::error_code ignored;
  fs::remove(NoteOf(path), ignored);
}

}  // namespace taud::cli
