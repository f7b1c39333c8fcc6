#ifndef TAUD_STORE_LOG_WATCHED_ENV_H_
#define TAUD_STORE_LOG_WATCHED_ENV_H_

#include <atomic>
#include <memory>
#include <string>

#include "rocksdb/env.h"
#include "store/log/log_list.h"

namespace taud::store {

// RocksDB's file system and clock, watched: every write-ahead log of the
// database is entered into the list before it is created, its bytes after every
// sync, and it is taken off the list before it is removed. RocksDB itself says
// none of that to anybody.
//
// Thread-safe, except that SetList is called while no database is open. `base`
// outlives it; it outlives the database.
class WatchedEnv : public rocksdb::EnvWrapper {
 public:
  WatchedEnv(rocksdb::Env* base, const std::string& directory);

  const char* Name() const override { return "taud.WatchedEnv"; }
  // RocksDB removes some files past the file system.
  rocksdb::Status DeleteFile(const std::string& name) override;

  // Null: nothing is noted.
  void SetList(std::unique_ptr<LogListFile> list);

  // While true, files outside of the database's directory cannot be written: a
  // copy that is being made ends early.
  void StopCopies(bool stop) { stop_copies_ = stop; }

 private:
  class Files;
  std::unique_ptr<LogListFile> list_;
  std::atomic<bool> stop_copies_{false};
};

}  // namespace taud::store

#endif  // TAUD_STORE_LOG_WATCHED_ENV_H_
