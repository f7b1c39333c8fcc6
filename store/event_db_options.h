#ifndef TAUD_STORE_EVENT_DB_OPTIONS_H_
#define TAUD_STORE_EVENT_DB_OPTIONS_H_

#include <string>
#include <vector>

#include "rocksdb/db.h"
#include "rocksdb/options.h"
#include "store/event_db.h"

namespace taud::store {

// How RocksDB is set up for a log with ascending keys, a few dictionaries and
// a set of event ids. Pure functions, thread-safe.

const char* FamilyName(Family family);

// `env` may be null: the machine's.
rocksdb::DBOptions MakeDbOptions(rocksdb::Env* env);

// One descriptor a Family, in its order.
std::vector<rocksdb::ColumnFamilyDescriptor> MakeFamilies();

}  // namespace taud::store

#endif  // TAUD_STORE_EVENT_DB_OPTIONS_H_
