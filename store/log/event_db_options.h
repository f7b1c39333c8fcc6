#ifndef TAUD_STORE_LOG_EVENT_DB_OPTIONS_H_
#define TAUD_STORE_LOG_EVENT_DB_OPTIONS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rocksdb/cache.h"
#include "rocksdb/db.h"
#include "rocksdb/options.h"
#include "store/log/event_db.h"

namespace taud::store {

// How RocksDB is set up for a log with ascending keys, a few dictionaries and
// a set of event ids. Pure functions, thread-safe.

const char* FamilyName(Family family);

// `env` may be null: the machine's.
rocksdb::DBOptions MakeDbOptions(rocksdb::Env* env);

// Event ids and streams accepted before this time, Unix milliseconds, are
// dropped when their files are rewritten.
using Expiry = std::shared_ptr<const std::atomic<int64_t>>;

// One descriptor a Family, in its order. Null: nothing expires; a cache of
// their own.
std::vector<rocksdb::ColumnFamilyDescriptor> MakeFamilies(
    Expiry expiry = nullptr, std::shared_ptr<rocksdb::Cache> cache = nullptr);

std::shared_ptr<rocksdb::Cache> MakeCache();

// The family that held the event ids in format 1.
inline constexpr char kLegacyEventIds[] = "event_ids";

}  // namespace taud::store

#endif  // TAUD_STORE_LOG_EVENT_DB_OPTIONS_H_
