#ifndef TAUD_STORE_LOG_LOG_LIST_H_
#define TAUD_STORE_LOG_LOG_LIST_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace taud::store {

// Which write-ahead logs there must be, and how many bytes of each were synced
// at least. RocksDB takes a log that is missing, empty or cut short for the
// work of a crash, and what was acknowledged goes without a word; its own
// tracking knows no more than the sizes of logs that are finished. By number.
using LogList = std::map<uint64_t, uint64_t>;

// A log that lies there.
struct FoundLog {
  uint64_t number = 0;
  std::string path;
  uint64_t whole_bytes = 0;  // through the last good record before a bad one
};

// Whether everything of the list is there. DATA_LOSS names the log and the
// remedy; `list_path` is the list's file. A log that the list has with no bytes
// may be missing: its creation was cut short. Logs newer than all of the list
// were written by a taud, or a tool, that keeps no list: it says nothing about
// them, nor about the older ones, which that one has read and removed. Pure.
absl::Status CompareLogs(const LogList& list,
                         const std::vector<FoundLog>& found,
                         const std::string& list_path);

// The list in the file `log_list` of the log's directory. The numbers of the
// logs are on disk before the logs are, and until their removal; the bytes of
// the newest one follow every sync, but are not synced themselves, so that
// nothing is acknowledged later for them: after a kill they are exact, after a
// loss of power they may be less than there is, never more.
//
// The file has a fixed size and is written in place, so that a full disk does
// not stop it. Thread-safe. Owns the file.
class LogListFile {
 public:
  static std::string PathIn(const std::string& directory);

  // The list as it was left; nothing if there is none. DATA_LOSS if no copy of
  // it is whole, which no crash can have done.
  static absl::StatusOr<std::optional<LogList>> Read(
      const std::string& directory);

  // Opens the file, creating it if it is missing, and writes `list` to it,
  // synced.
  static absl::StatusOr<std::unique_ptr<LogListFile>> Open(
      const std::string& directory, LogList list);

  ~LogListFile();
  LogListFile(const LogListFile&) = delete;
  LogListFile& operator=(const LogListFile&) = delete;

  // Synced when they return. An error leaves the list as it was.
  absl::Status Add(uint64_t number);
  absl::Status Remove(uint64_t number);
  // So many bytes of the log are synced. A failure to note it costs only the
  // knowledge.
  void NoteSynced(uint64_t number, uint64_t bytes);

 private:
  LogListFile(std::string path, int fd, LogList list);

  absl::Status WriteList(const LogList& list)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Constant after construction.
  const std::string path_;
  const int fd_;

  absl::Mutex mutex_;
  LogList list_ ABSL_GUARDED_BY(mutex_);
  uint64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t notes_ ABSL_GUARDED_BY(mutex_) = 0;
};

// What the file holds, for LogListFile and tests of damage. Pure.
//
// Two copies of the list, written in turn, so that one is always whole; then
// two notes of the newest log's bytes, likewise. Each is in a block of its own:
//   list   u32 CRC32C of the rest, u32 count, u64 generation,
//          count × (u64 number, u64 bytes)
//   note   u32 CRC32C of the rest, u64 number, u64 bytes
inline constexpr size_t kLogListBlock = 4096;
inline constexpr size_t kLogListFileBytes = 4 * kLogListBlock;
std::string EncodeLogList(const LogList& list, uint64_t generation);
std::string EncodeLogNote(uint64_t number, uint64_t bytes);
// The newest copy with what the notes add to it; nothing if none is whole.
struct DecodedLogList {
  LogList list;
  uint64_t generation = 0;
};
std::optional<DecodedLogList> DecodeLogListFile(absl::string_view file);

}  // namespace taud::store

#endif  // TAUD_STORE_LOG_LOG_LIST_H_
