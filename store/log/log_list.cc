#include "store/log/log_list.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "store/files/crc32c.h"
#include "store/files/errno_status.h"
#include "store/files/synced_file.h"

namespace taud::store {
namespace {

constexpr size_t kListHeader = 16;
constexpr size_t kEntry = 16;
constexpr size_t kMaxLogs = (kLogListBlock - kListHeader) / kEntry;
constexpr size_t kNoteBytes = 20;
// A generation is in the block of its parity; the first one is in block 0.
constexpr uint64_t kFirstGeneration = 2;

void AppendNumber(uint64_t value, size_t bytes, std::string* out) {
  for (size_t i = 0; i < bytes; ++i) {
    out->push_back(static_cast<char>(value >> (8 * i)));
  }
}

uint64_t NumberAt(absl::string_view bytes, size_t at, size_t size) {
  uint64_t value = 0;
  for (size_t i = size; i-- > 0;) {
    value = (value << 8) | static_cast<unsigned char>(bytes[at + i]);
  }
  return value;
}

std::string WithChecksum(const std::string& rest) {
  std::string all;
  AppendNumber(ComputeCrc32c(rest.data(), rest.size()), 4, &all);
  return all + rest;
}

bool IsWhole(absl::string_view bytes) {
  return NumberAt(bytes, 0, 4) ==
         ComputeCrc32c(bytes.data() + 4, bytes.size() - 4);
}

std::optional<DecodedLogList> DecodeList(absl::string_view block) {
  const uint64_t count = NumberAt(block, 4, 4);
  if (count > kMaxLogs) return {};
  if (!IsWhole(block.substr(0, kListHeader + count * kEntry))) return {};
  DecodedLogList decoded;
  decoded.generation = NumberAt(block, 8, 8);
  for (size_t i = 0; i < count; ++i) {
    const size_t at = kListHeader + i * kEntry;
    decoded.list[NumberAt(block, at, 8)] = NumberAt(block, at + 8, 8);
  }
  return decoded;
}

absl::Status WriteAt(int fd, const std::string& path, size_t at,
                     const std::string& bytes) {
  const ssize_t written =
      pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at));
  if (written == static_cast<ssize_t>(bytes.size())) return absl::OkStatus();
  return ErrnoStatus(written < 0 ? errno : EIO, "write", path);
}

// A file of the full size with the first copy in it, or nothing.
absl::Status Create(const std::string& path, const LogList& list) {
  const std::string temporary = absl::StrCat(path, ".tmp");
  std::string bytes = EncodeLogList(list, kFirstGeneration);
  bytes.resize(kLogListFileBytes);
  SyncedFile file(temporary);
  file.Write(bytes);
  absl::Status status = file.Finish().status();
  if (status.ok() && std::rename(temporary.c_str(), path.c_str()) != 0) {
    status = ErrnoStatus(errno, "rename", temporary);
  }
  if (status.ok()) {
    return SyncDirectory(path.substr(0, path.rfind('/')));
  }
  std::remove(temporary.c_str());
  return status;
}

absl::Status Lost(const FoundLog& log, uint64_t bytes,
                  const std::string& list_path) {
  return absl::DataLossError(absl::StrCat(
      log.path, " is whole through byte ", log.whole_bytes, ", but ", bytes,
      " bytes of it were synced, and what is missing was acknowledged; restore "
      "the data directory from a backup, or, to go on without it, cut the file "
      "off there (truncate -s ",
      log.whole_bytes, ") and remove ", list_path));
}

absl::Status Missing(uint64_t number, uint64_t bytes,
                     const std::string& list_path) {
  const std::string path = absl::StrFormat(
      "%s/%06d.log", list_path.substr(0, list_path.rfind('/')), number);
  return absl::DataLossError(absl::StrCat(
      path, " is missing, and ", bytes,
      " bytes of it were synced and acknowledged; restore the data directory "
      "from a backup, or, to go on without them, put an empty file in its "
      "place (touch ",
      path, ") and remove ", list_path));
}

}  // namespace

absl::Status CompareLogs(const LogList& list,
                         const std::vector<FoundLog>& found,
                         const std::string& list_path) {
  if (list.empty()) return absl::OkStatus();
  std::map<uint64_t, const FoundLog*> there;
  for (const FoundLog& log : found) there[log.number] = &log;
  if (!there.empty() && there.rbegin()->first > list.rbegin()->first) {
    return absl::OkStatus();
  }
  for (const auto& [number, bytes] : list) {
    const auto log = there.find(number);
    if (log == there.end()) {
      if (bytes > 0) return Missing(number, bytes, list_path);
    } else if (log->second->whole_bytes < bytes) {
      return Lost(*log->second, bytes, list_path);
    }
  }
  return absl::OkStatus();
}

std::string EncodeLogList(const LogList& list, uint64_t generation) {
  // The newest, should there ever be more than fit.
  const size_t count = std::min(list.size(), kMaxLogs);
  std::string rest;
  AppendNumber(count, 4, &rest);
  AppendNumber(generation, 8, &rest);
  auto entry =
      std::next(list.begin(), static_cast<std::ptrdiff_t>(list.size() - count));
  for (; entry != list.end(); ++entry) {
    AppendNumber(entry->first, 8, &rest);
    AppendNumber(entry->second, 8, &rest);
  }
  return WithChecksum(rest);
}

std::string EncodeLogNote(uint64_t number, uint64_t bytes) {
  std::string rest;
  AppendNumber(number, 8, &rest);
  AppendNumber(bytes, 8, &rest);
  return WithChecksum(rest);
}

std::optional<DecodedLogList> DecodeLogListFile(absl::string_view file) {
  if (file.size() != kLogListFileBytes) return {};
  std::optional<DecodedLogList> newest;
  for (size_t copy = 0; copy < 2; ++copy) {
    const auto decoded =
        DecodeList(file.substr(copy * kLogListBlock, kLogListBlock));
    if (!decoded.has_value()) continue;
    if (newest.has_value() && newest->generation > decoded->generation) {
      continue;
    }
    newest = decoded;
  }
  if (!newest.has_value()) return {};
  for (size_t note = 0; note < 2; ++note) {
    const absl::string_view bytes =
        file.substr((2 + note) * kLogListBlock, kNoteBytes);
    if (!IsWhole(bytes)) continue;
    const auto log = newest->list.find(NumberAt(bytes, 4, 8));
    if (log == newest->list.end()) continue;
    log->second = std::max(log->second, NumberAt(bytes, 12, 8));
  }
  return newest;
}

std::string LogListFile::PathIn(const std::string& directory) {
  return absl::StrCat(directory, "/log_list");
}

absl::StatusOr<std::optional<LogList>> LogListFile::Read(
    const std::string& directory) {
  const std::string path = PathIn(directory);
  const absl::StatusOr<std::string> file =
      ReadSmallFile(path, kLogListFileBytes);
  if (absl::IsNotFound(file.status())) return std::optional<LogList>();
  if (file.ok()) {
    const auto decoded = DecodeLogListFile(*file);
    if (decoded.has_value()) return std::optional<LogList>(decoded->list);
  } else if (!absl::IsDataLoss(file.status())) {
    return file.status();
  }
  return absl::DataLossError(absl::StrCat(
      path,
      " is damaged: it says which write-ahead logs there must be; restore the "
      "data directory from a backup, or remove the file to go on with those "
      "that are there"));
}

absl::StatusOr<std::unique_ptr<LogListFile>> LogListFile::Open(
    const std::string& directory, LogList list) {
  const std::string path = PathIn(directory);
  uint64_t generation = 0;
  const absl::StatusOr<std::string> before =
      ReadSmallFile(path, kLogListFileBytes);
  if (before.ok()) {
    const auto decoded = DecodeLogListFile(*before);
    if (decoded.has_value()) generation = decoded->generation;
  }
  if (generation == 0) {
    absl::Status status = Create(path, list);
    if (!status.ok()) return status;
    generation = kFirstGeneration;
  }
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, "open", path);
  auto file = std::unique_ptr<LogListFile>(new LogListFile(path, fd, list));
  absl::MutexLock lock(&file->mutex_);
  file->generation_ = generation;
  absl::Status status = file->WriteList(list);
  if (!status.ok()) return status;
  return file;
}

LogListFile::LogListFile(std::string path, int fd, LogList list)
    : path_(std::move(path)), fd_(fd), list_(std::move(list)) {}

LogListFile::~LogListFile() { close(fd_); }

absl::Status LogListFile::WriteList(const LogList& list) {
  const uint64_t next = generation_ + 1;
  // Over the older copy.
  absl::Status status = WriteAt(fd_, path_, (next % 2) * kLogListBlock,
                                EncodeLogList(list, next));
  if (status.ok() && fdatasync(fd_) != 0) {
    status = ErrnoStatus(errno, "sync", path_);
  }
  if (!status.ok()) return status;
  generation_ = next;
  return absl::OkStatus();
}

absl::Status LogListFile::Add(uint64_t number) {
  absl::MutexLock lock(&mutex_);
  LogList next = list_;
  next[number] = 0;
  absl::Status status = WriteList(next);
  if (status.ok()) list_ = std::move(next);
  return status;
}

absl::Status LogListFile::Remove(uint64_t number) {
  absl::MutexLock lock(&mutex_);
  LogList next = list_;
  if (next.erase(number) == 0) return absl::OkStatus();
  absl::Status status = WriteList(next);
  if (status.ok()) list_ = std::move(next);
  return status;
}

void LogListFile::NoteSynced(uint64_t number, uint64_t bytes) {
  absl::MutexLock lock(&mutex_);
  const auto log = list_.find(number);
  if (log == list_.end() || log->second >= bytes) return;
  log->second = bytes;
  const size_t block = 2 + notes_++ % 2;
  WriteAt(fd_, path_, block * kLogListBlock, EncodeLogNote(number, bytes))
      .IgnoreError();
}

}  // namespace taud::store
