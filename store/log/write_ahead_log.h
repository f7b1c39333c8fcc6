#ifndef TAUD_STORE_LOG_WRITE_AHEAD_LOG_H_
#define TAUD_STORE_LOG_WRITE_AHEAD_LOG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "store/log/log_list.h"

namespace taud::store {

// Whether the write-ahead logs of RocksDB are whole. RocksDB itself cannot
// tell a log that a crash cut short, which is normal and lost nothing that was
// acknowledged, from one that was damaged later, and reads both up to the first
// bad record. But each write here is synced before the next one begins: a good
// record that begins behind a bad one means that the bad one had been synced.
// A log that ends too early by itself is known by the list.
// Pure functions, but for CheckWriteAheadLogs.

// How many bytes of `log` are whole: through the last good record before the
// first bad one.
uint64_t WholeBytes(absl::string_view log);

// The offset of a record in `log` that is bad though a later one is good;
// nothing if there is none. The format is LevelDB's: blocks of 32 KiB, records
// of u32 masked CRC32C, u16 length, u8 type.
std::optional<uint64_t> FindDamage(absl::string_view log);

// Reads every *.log file of a database, and compares them with the list of
// those that there must be (log_list.h), if there is one. Returns them by
// number. DATA_LOSS names the file, the offset and the remedy.
absl::StatusOr<std::vector<FoundLog>> CheckWriteAheadLogs(
    const std::string& directory);

}  // namespace taud::store

#endif  // TAUD_STORE_LOG_WRITE_AHEAD_LOG_H_
