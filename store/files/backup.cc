#include "store/files/backup.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "model/sync_point.h"
#include "nlohmann/json.hpp"
#include "store/files/checked_json.h"
#include "store/files/data_directory.h"
#include "store/files/directories.h"
#include "store/files/errno_status.h"

namespace taud::store {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr int kFormat = 1;
constexpr uint64_t kMaxManifestBytes = uint64_t{64} << 20;
constexpr size_t kBufferBytes = size_t{1} << 20;
constexpr char kIncomplete[] = ".incomplete";

// Throws what the library throws.
std::string Format(const BackupManifest& manifest) {
  return FormatChecked({{"format_version", kFormat},
                        {"created_ms", manifest.created_ms},
                        {"last_sequence", manifest.last_sequence},
                        {"files", ToJson(manifest.files)}});
}

// A path that stays below the backup.
bool IsInside(const std::string& name) {
  const fs::path path(name);
  if (name.empty() || path.is_absolute()) return false;
  return std::none_of(path.begin(), path.end(), [](const fs::path& part) {
    return part == ".." || part == "." || part.empty();
  });
}

absl::StatusOr<std::vector<std::string>> FilesBelow(
    const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  fs::recursive_directory_iterator it(directory, error);
  for (; !error && it != fs::recursive_directory_iterator();
       it.increment(error)) {
    if (it->is_regular_file(error)) {
      names.push_back(fs::relative(it->path(), directory, error).string());
    }
    if (error) break;
  }
  if (error) return ErrnoStatus(error.value(), "list", directory);
  std::sort(names.begin(), names.end());
  return names;
}

absl::Status CheckCalledOff(const CalledOff& called_off) {
  if (called_off == nullptr || !called_off()) return absl::OkStatus();
  return absl::CancelledError("the backup was called off");
}

// Reads a file through; writes it to `to`, if that is not null.
absl::StatusOr<FileDigest> ReadThrough(const std::string& path, SyncedFile* to,
                                       const CalledOff& called_off = nullptr) {
  absl::StatusOr<FileReader> reader = FileReader::Open(path);
  if (!reader.ok()) return reader.status();
  std::string buffer(kBufferBytes, '\0');
  FileDigest digest;
  digest.bytes = reader->size();
  for (uint64_t left = digest.bytes; left > 0;) {
    const size_t n = std::min<uint64_t>(left, buffer.size());
    absl::Status status = CheckCalledOff(called_off);
    if (status.ok()) status = reader->Read(buffer.data(), n);
    if (!status.ok()) return status;
    if (to != nullptr) to->Write(buffer.data(), n);
    left -= n;
  }
  digest.crc32c = reader->FinishCrc32c();
  return digest;
}

absl::Status CopyFile(const std::string& from, const std::string& to,
                      const CalledOff& called_off) {
  SyncedFile file(to);
  const auto read = ReadThrough(from, &file, called_off);
  if (!read.ok()) return read.status();
  return file.Finish().status();
}

// Removes what is left of a backup, or of a restore, that was cut short. A
// directory that has something else in it is somebody else's.
absl::Status ClearLeftover(const std::string& directory) {
  const std::string known[] = {FormatFileIn(directory), LogIn(directory),
                               SnapshotsIn(directory), CheckpointsIn(directory),
                               BackupManifestIn(directory)};
  std::error_code error;
  if (!fs::exists(directory, error)) return absl::OkStatus();
  const auto names = NamesIn(directory);
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    const std::string path = absl::StrCat(directory, "/", name);
    if (std::find(std::begin(known), std::end(known), path) ==
        std::end(known)) {
      return absl::FailedPreconditionError(absl::StrCat(
          directory, " is in the way, and ", path,
          " is no part of a backup that was cut short; move it away, or "
          "choose another name"));
    }
  }
  fs::remove_all(directory, error);
  if (error) return ErrnoStatus(error.value(), "remove", directory);
  return absl::OkStatus();
}

absl::Status SyncTree(const std::string& directory) {
  absl::Status status = SyncDirectory(directory);
  std::error_code error;
  fs::recursive_directory_iterator it(directory, error);
  for (; status.ok() && !error && it != fs::recursive_directory_iterator();
       it.increment(error)) {
    if (it->is_directory(error)) status = SyncDirectory(it->path().string());
  }
  if (error) return ErrnoStatus(error.value(), "list", directory);
  return status;
}

absl::Status RenameInto(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) {
    return ErrnoStatus(errno, "rename to", to);
  }
  return SyncDirectory(fs::path(to).parent_path().string());
}

absl::Status CheckFile(const std::string& path, const FileDigest& expected) {
  const auto digest = ReadThrough(path, nullptr);
  if (absl::IsNotFound(digest.status())) {
    return absl::DataLossError(absl::StrCat(path, " is missing"));
  }
  if (!digest.ok()) return digest.status();
  if (digest->bytes == expected.bytes && digest->crc32c == expected.crc32c) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat(
      path, " is not as it was written: it has ", digest->bytes,
      " bytes, expected ", expected.bytes,
      digest->bytes == expected.bytes ? ", but other contents" : ""));
}

}  // namespace

uint64_t BackupManifest::bytes() const {
  uint64_t sum = 0;
  for (const auto& [name, digest] : files) sum += digest.bytes;
  return sum;
}

std::string FormatBackupManifest(const BackupManifest& manifest) {
  return Format(manifest);
}

absl::StatusOr<BackupManifest> ParseBackupManifest(const std::string& text) {
  try {
    Json json = Json::parse(text);
    absl::Status status = TakeChecksum(&json);
    if (!status.ok()) return status;
    if (json.at("format_version").get<int>() != kFormat) {
      return absl::FailedPreconditionError(
          "was written by another version of taud; use that one");
    }
    BackupManifest manifest;
    manifest.created_ms = json.at("created_ms").get<int64_t>();
    manifest.last_sequence = json.at("last_sequence").get<uint64_t>();
    manifest.files = FileDigestsFrom(json.at("files"));
    for (const auto& [name, digest] : manifest.files) {
      if (!IsInside(name)) return absl::DataLossError("names a file outside");
    }
    if (Format(manifest) != text) {
      return absl::DataLossError("is not as it was written");
    }
    return manifest;
  } catch (const std::exception& error) {
    return absl::DataLossError(absl::StrCat("cannot be read: ", error.what()));
  }
}

absl::Status AbandonBackup(const std::string& directory) {
  return ClearLeftover(absl::StrCat(directory, kIncomplete));
}

absl::StatusOr<std::string> BeginBackup(const std::string& directory) {
  if (!fs::path(directory).is_absolute()) {
    return absl::InvalidArgumentError(
        absl::StrCat("directory: \"", directory, "\" is not an absolute path"));
  }
  std::error_code error;
  if (fs::exists(directory, error)) {
    return absl::AlreadyExistsError(absl::StrCat(
        directory, " exists; a backup needs a directory of its own"));
  }
  const std::string incomplete = absl::StrCat(directory, kIncomplete);
  absl::Status status = ClearLeftover(incomplete);
  if (status.ok()) status = MakeDirectories(incomplete);
  if (!status.ok()) return status;
  return incomplete;
}

absl::Status LinkTree(const std::string& from, const std::string& to,
                      const CalledOff& called_off) {
  std::error_code error;
  if (!fs::exists(from, error)) return absl::OkStatus();
  const auto names = FilesBelow(from);
  if (!names.ok()) return names.status();
  absl::Status status = MakeDirectories(to);
  for (const std::string& name : *names) {
    if (!status.ok()) return status;
    if (absl::StartsWith(name, "tmp-") || absl::EndsWith(name, ".tmp")) {
      continue;
    }
    const std::string source = absl::StrCat(from, "/", name);
    const std::string target = absl::StrCat(to, "/", name);
    status = CheckCalledOff(called_off);
    if (status.ok()) {
      status = MakeDirectories(fs::path(target).parent_path().string());
    }
    if (!status.ok()) return status;
    fs::create_hard_link(source, target, error);
    if (error) status = CopyFile(source, target, called_off);
  }
  return status;
}

absl::StatusOr<BackupManifest> FinishBackup(const std::string& directory,
                                            int64_t created_ms,
                                            model::Sequence last_sequence,
                                            const CalledOff& called_off) {
  const std::string incomplete = absl::StrCat(directory, kIncomplete);
  const auto names = FilesBelow(incomplete);
  if (!names.ok()) return names.status();
  BackupManifest manifest;
  manifest.created_ms = created_ms;
  manifest.last_sequence = last_sequence;
  for (const std::string& name : *names) {
    const auto digest =
        ReadThrough(absl::StrCat(incomplete, "/", name), nullptr, called_off);
    if (!digest.ok()) return digest.status();
    manifest.files[name] = *digest;
  }
  SyncedFile file(BackupManifestIn(incomplete));
  try {
    file.Write(Format(manifest));
  } catch (const std::exception& error) {
    return absl::InternalError(
        absl::StrCat("BACKUP.json cannot be written: ", error.what()));
  }
  absl::Status status = file.Finish().status();
  if (status.ok()) status = SyncTree(incomplete);
  TAUD_SYNC_POINT("backup/written");
  if (status.ok()) status = RenameInto(incomplete, directory);
  if (!status.ok()) return status;
  return manifest;
}

absl::StatusOr<BackupManifest> ReadBackupManifest(
    const std::string& directory) {
  const std::string path = BackupManifestIn(directory);
  const auto text = ReadSmallFile(path, kMaxManifestBytes);
  if (!text.ok()) return text.status();
  auto manifest = ParseBackupManifest(*text);
  if (!manifest.ok()) {
    return absl::Status(manifest.status().code(),
                        absl::StrCat(path, " ", manifest.status().message()));
  }
  return manifest;
}

absl::Status CheckBackupFiles(const std::string& directory,
                              const BackupManifest& manifest,
                              const CopyProgress& progress) {
  uint64_t done = 0;
  for (const auto& [name, digest] : manifest.files) {
    absl::Status status = CheckFile(absl::StrCat(directory, "/", name), digest);
    if (!status.ok()) return status;
    done += digest.bytes;
    if (progress) progress(done, manifest.bytes());
  }
  return absl::OkStatus();
}

absl::Status RestoreBackup(const std::string& directory,
                           const std::string& data_dir,
                           const CopyProgress& progress) {
  const auto manifest = ReadBackupManifest(directory);
  if (absl::IsNotFound(manifest.status())) {
    return absl::NotFoundError(absl::StrCat(
        directory, " is not a complete backup: it has no BACKUP.json"));
  }
  if (!manifest.ok()) return manifest.status();
  std::error_code error;
  if (fs::exists(data_dir, error) && !fs::is_empty(data_dir, error)) {
    return absl::FailedPreconditionError(absl::StrCat(
        data_dir,
        " is not empty; move it away, or restore to another --data-dir"));
  }
  const std::string target =
      fs::absolute(data_dir, error).lexically_normal().string();
  const std::string incomplete = absl::StrCat(target, ".restoring");
  absl::Status cleared = ClearLeftover(incomplete);
  if (!cleared.ok()) return cleared;
  uint64_t done = 0;
  for (const auto& [name, digest] : manifest->files) {
    const std::string to = absl::StrCat(incomplete, "/", name);
    const std::string from = absl::StrCat(directory, "/", name);
    absl::Status status = MakeDirectories(fs::path(to).parent_path().string());
    if (!status.ok()) return status;
    SyncedFile file(to);
    const auto read = ReadThrough(from, &file);
    if (!read.ok()) return read.status();
    status = file.Finish().status();
    if (status.ok() &&
        (read->bytes != digest.bytes || read->crc32c != digest.crc32c)) {
      status = absl::DataLossError(
          absl::StrCat(from, " is damaged; use another backup"));
    }
    if (!status.ok()) return status;
    done += digest.bytes;
    if (progress) progress(done, manifest->bytes());
  }
  absl::Status status = SyncTree(incomplete);
  if (!status.ok()) return status;
  fs::remove(target, error);  // empty, or not there
  return RenameInto(incomplete, target);
}

}  // namespace taud::store
