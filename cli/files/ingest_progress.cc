#include "cli/files/ingest_progress.h"

#include <algorithm>
#include <fstream>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/files/replace_file.h"
#include "nlohmann/json.hpp"

#define XXH_INLINE_ALL
#include "xxhash.h"

namespace taud::cli {
namespace {

constexpr size_t kBlock = 1 << 20;

std::string NoteOf(const std::string& path) {
  return absl::StrCat(path, ".ingest-progress");
}

}  // namespace

absl::StatusOr<std::string> FileFingerprint(const std::string& path) {
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(
      XXH3_createState(), XXH3_freeState);
  XXH3_128bits_reset(state.get());
  std::ifstream file(path, std::ios::binary);
  std::vector<char> block(kBlock);
  uint64_t size = 0;
  while (file) {
    file.read(block.data(), static_cast<std::streamsize>(block.size()));
    const auto got = static_cast<size_t>(file.gcount());
    XXH3_128bits_update(state.get(), block.data(), got);
    size += got;
  }
  if (!file.eof()) {
    return absl::UnavailableError(absl::StrCat("cannot read ", path));
  }
  const XXH128_hash_t hash = XXH3_128bits_digest(state.get());
  return absl::StrCat(size, "-", absl::Hex(hash.high64, absl::kZeroPad16),
                      absl::Hex(hash.low64, absl::kZeroPad16));
}

absl::Status SaveIngestProgress(const std::string& path,
                                const IngestNote& note) {
  const nlohmann::ordered_json json = {{"interactions", note.interactions},
                                       {"stored", note.stored},
                                       {"finished", note.finished},
                                       {"stream_id", note.stream_id},
                                       {"server", note.server},
                                       {"file", note.fingerprint},
                                       {"reading", note.reading}};
  const absl::Status status =
      ReplaceFile(NoteOf(path), absl::StrCat(json.dump(), "\n"));
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(status.message(),
                                                  ": --resume will not work"));
}

absl::StatusOr<IngestNote> LoadIngestProgress(const std::string& path) {
  std::ifstream file(NoteOf(path));
  if (!file) return IngestNote{};
  const auto json = nlohmann::json::parse(file, nullptr, false);
  const auto number = [&json](const char* name) {
    return json.contains(name) && json[name].is_number_unsigned();
  };
  const auto text = [&json](const char* name) {
    return json.contains(name) && json[name].is_string();
  };
  if (!json.is_object() || !number("interactions") || !number("stored") ||
      !json.contains("finished") || !json["finished"].is_boolean() ||
      !text("stream_id") || !text("server") || !text("file") ||
      !text("reading") || json["stream_id"].get<std::string>().empty()) {
    return absl::DataLossError(
        absl::StrCat(NoteOf(path),
                     " cannot be read; without --resume all of the file is "
                     "sent, and the note written anew"));
  }
  IngestNote note;
  note.interactions = json["interactions"].get<uint64_t>();
  note.stored = json["stored"].get<uint64_t>();
  note.finished = json["finished"].get<bool>();
  note.stream_id = json["stream_id"].get<std::string>();
  note.server = json["server"].get<std::string>();
  note.fingerprint = json["file"].get<std::string>();
  note.reading = json["reading"].get<std::string>();
  return note;
}

absl::Status CheckNote(const std::string& path, const IngestNote& noted,
                       const std::string& fingerprint,
                       const std::string& reading) {
  if (noted.stream_id.empty()) return absl::OkStatus();
  if (noted.fingerprint != fingerprint) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " is not what it was when ", noted.interactions,
                     " of its interactions were sent to ", noted.server,
                     "; without --resume all of it is sent"));
  }
  if (noted.reading != reading) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, " was being sent with other options (", noted.reading, ", not ",
        reading, "); --resume with those, or without --resume send all of it"));
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> ResumeBehind(const std::string& path,
                                      const IngestNote& noted, uint64_t held,
                                      const std::string& server) {
  if (held >= noted.stored) return std::max(held, noted.interactions);
  return absl::FailedPreconditionError(absl::StrCat(
      noted.stored, " interactions of ", path, " were acknowledged by ",
      noted.server, ", and ", server, " has ", held,
      " of them: it is another server, has other data, or has forgotten "
      "(ingestion.dedup_hours). --resume at the first one, or without --resume "
      "send all of it"));
}

}  // namespace taud::cli
