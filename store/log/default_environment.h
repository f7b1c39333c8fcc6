#ifndef TAUD_STORE_LOG_DEFAULT_ENVIRONMENT_H_
#define TAUD_STORE_LOG_DEFAULT_ENVIRONMENT_H_

#include "rocksdb/env.h"

namespace taud::store {

// RocksDB's file system and clock where nobody gives others: the machine's.
// The binary `taud_faults` brings a definition of its own
// (tests/fault/faulty_disk.cc). Lives as long as the process. Any thread.
rocksdb::Env* DefaultEnvironment();

}  // namespace taud::store

#endif  // TAUD_STORE_LOG_DEFAULT_ENVIRONMENT_H_
