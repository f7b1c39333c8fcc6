#include "store/files/data_directory.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <optional>
#include <system_error>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "store/files/directories.h"
#include "store/files/number_file.h"

namespace taud::store {
namespace {

// Of the log, from which on there is a FORMAT beside it.
constexpr int kFirstMarkedFormat = 2;

// Whether a taud has held the directory: it leaves its lock file.
bool WasOpened(const std::string& directory) {
  std::error_code error;
  return std::filesystem::exists(absl::StrCat(directory, "/taud.lock"), error);
}

bool HasWriteAheadLog(const std::string& directory) {
  const auto names = NamesIn(directory);
  return names.ok() &&
         std::any_of(names->begin(), names->end(), [](const std::string& name) {
           return absl::EndsWith(name, ".log");
         });
}

// Whether a log of ours may be in the directory: RocksDB leaves CURRENT, and
// taud its lock file.
bool HasOurLog(const std::string& directory) {
  std::error_code error;
  return WasOpened(directory) ||
         std::filesystem::exists(absl::StrCat(directory, "/CURRENT"), error);
}

// A directory that no taud has marked is taken only if there is nothing in it
// but what a taud makes: it may be somebody's home.
absl::Status CheckForeignFiles(const std::string& data_dir) {
  constexpr size_t kShown = 3;
  static constexpr absl::string_view kOurs[] = {
      "log", "snapshots", "checkpoints", "BACKUP.json", "lost+found"};
  std::error_code error;
  if (std::filesystem::exists(FormatFileIn(data_dir), error) ||
      HasOurLog(LogIn(data_dir))) {
    return absl::OkStatus();
  }
  // One that cannot be read is said better by who opens what is in it.
  const auto names = NamesIn(data_dir);
  if (!names.ok()) return absl::OkStatus();
  std::vector<std::string> foreign;
  for (const std::string& name : *names) {
    const bool ours = std::find(std::begin(kOurs), std::end(kOurs), name) !=
                          std::end(kOurs) ||
                      absl::StartsWith(name, "FORMAT");
    if (!ours) foreign.push_back(name);
    // Of the same name, and not ours.
    std::error_code inside;
    if (name == "log" && !std::filesystem::is_empty(LogIn(data_dir), inside)) {
      foreign.push_back("log/");
    }
  }
  if (foreign.empty()) return absl::OkStatus();
  std::sort(foreign.begin(), foreign.end());
  const size_t count = foreign.size();
  foreign.resize(std::min(count, kShown));
  return absl::FailedPreconditionError(absl::StrCat(
      data_dir, " is not a data directory of taud and has ", count,
      count == 1 ? " other entry: " : " other entries: ",
      absl::CHexEscape(absl::StrJoin(foreign, ", ")),
      count > kShown ? ", …" : "",
      "; give it an empty or a new directory (store.data_dir, --data-dir)"));
}

}  // namespace

std::string FormatFileIn(const std::string& data_dir) {
  return absl::StrCat(data_dir, "/FORMAT");
}
std::string LogIn(const std::string& data_dir) {
  return absl::StrCat(data_dir, "/log");
}
std::string SnapshotsIn(const std::string& data_dir) {
  return absl::StrCat(data_dir, "/snapshots");
}
std::string CheckpointsIn(const std::string& data_dir) {
  return absl::StrCat(data_dir, "/checkpoints");
}
std::string HistoryIn(const std::string& data_dir) {
  return absl::StrCat(data_dir, "/history");
}
std::string BackupManifestIn(const std::string& data_dir) {
  return absl::StrCat(data_dir, "/BACKUP.json");
}

absl::Status CheckDataDirectory(const std::string& data_dir) {
  absl::Status owned = CheckForeignFiles(data_dir);
  if (!owned.ok()) return owned;
  const auto format = ReadNumberFile(FormatFileIn(data_dir));
  if (absl::IsDataLoss(format.status())) {
    return absl::DataLossError(absl::StrCat(
        format.status().message(),
        "; if this directory was written by this taud, write the number ",
        kDataFormat, " into it (echo ", kDataFormat, " > ",
        FormatFileIn(data_dir), "), else restore it from a backup"));
  }
  // A path that cannot be one is said better by who creates the directories.
  if (!format.ok() || !format->has_value()) return absl::OkStatus();
  if (**format > kDataFormat) {
    return absl::FailedPreconditionError(absl::StrCat(
        data_dir, " has data format ", **format, ", newer than the ",
        kDataFormat,
        " this taud knows; use the newer taud, or another data directory"));
  }
  if (**format < 1) {
    return absl::FailedPreconditionError(
        absl::StrCat(data_dir, " has the unknown data format ", **format,
                     "; it was not written by taud: choose another data "
                     "directory"));
  }
  // RocksDB keeps a write-ahead log at all times; without one it would start
  // from the tables alone, and nobody would notice. A backup, which no taud has
  // opened yet, has tables only.
  if (WasOpened(LogIn(data_dir)) && !HasWriteAheadLog(LogIn(data_dir))) {
    return absl::DataLossError(absl::StrCat(
        LogIn(data_dir),
        " has no write-ahead log (*.log), and every taud leaves one; restore "
        "the data directory from a backup, or, to go on without what was in "
        "it, put an empty file in its place (touch ",
        LogIn(data_dir), "/000001.log) and remove ", LogIn(data_dir),
        "/log_list"));
  }
  return absl::OkStatus();
}

absl::Status MarkOpenedDirectory(const std::string& data_dir, int log_format,
                                 bool has_data) {
  const auto format = ReadNumberFile(FormatFileIn(data_dir));
  if (!format.ok()) return format.status();
  // An older log has none yet, and a first start writes it before any data.
  if (format->has_value() || log_format < kFirstMarkedFormat || !has_data) {
    return MarkDataDirectory(data_dir);
  }
  return absl::DataLossError(absl::StrCat(
      FormatFileIn(data_dir),
      " is missing beside a log that has one; if nothing else is missing, "
      "write "
      "the number ",
      kDataFormat, " into it (echo ", kDataFormat, " > ",
      FormatFileIn(data_dir), "), else restore the directory from a backup"));
}

absl::Status MarkDataDirectory(const std::string& data_dir) {
  const auto format = ReadNumberFile(FormatFileIn(data_dir));
  if (format.ok() && *format == kDataFormat) return absl::OkStatus();
  return WriteNumberFile(FormatFileIn(data_dir), kDataFormat);
}

}  // namespace taud::store
