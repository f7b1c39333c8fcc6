#ifndef TAUD_STORE_LOG_EVENT_DB_RECORDS_H_
#define TAUD_STORE_LOG_EVENT_DB_RECORDS_H_

#include <array>
#include <cstddef>
#include <string_view>

#include "rocksdb/options.h"
#include "rocksdb/slice.h"

// How the sources of EventDb speak of records to RocksDB: the keys of the
// family meta, and slices. Plain functions, any thread.

namespace taud::store {

inline constexpr char kFormatKey[] = "format_version";
inline constexpr char kLastSequenceKey[] = "last_sequence";
inline constexpr char kLastTimeKey[] = "last_time_ms";
inline constexpr char kIdSeedKey[] = "event_id_seed";
// Followed by a time, big-endian: the last sequence before it.
inline constexpr char kArrivalPrefix[] = "arrival/";

// Views, valid as long as what they are of.
template <size_t N>
rocksdb::Slice AsSlice(const std::array<char, N>& bytes) {
  return rocksdb::Slice(bytes.data(), N);
}
inline rocksdb::Slice AsSlice(std::string_view text) {
  return rocksdb::Slice(text.data(), text.size());
}
inline std::string_view AsView(const rocksdb::Slice& slice) {
  return std::string_view(slice.data(), slice.size());
}

inline rocksdb::WriteOptions Synced() {
  rocksdb::WriteOptions options;
  options.sync = true;
  return options;
}

// For a scan that reads everything once.
inline rocksdb::ReadOptions ScanOptions() {
  rocksdb::ReadOptions options;
  options.readahead_size = size_t{4} << 20;
  options.fill_cache = false;
  return options;
}

}  // namespace taud::store

#endif  // TAUD_STORE_LOG_EVENT_DB_RECORDS_H_
