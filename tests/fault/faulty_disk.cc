#include "tests/fault/faulty_disk.h"

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "model/sync_point.h"
#include "rocksdb/env.h"
#include "rocksdb/file_system.h"
#include "store/log/default_environment.h"

namespace taud::fault {
namespace {

namespace fs = std::filesystem;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

constexpr absl::Duration kSlowSync = absl::Milliseconds(150);

// What of RocksDB's files is on the disk, and what only seems to be.
// Thread-safe.
class Durability {
 public:
  void Created(const std::string& path) {
    absl::MutexLock lock(&mutex_);
    files_[path] = File();
  }
  void Appended(const std::string& path, uint64_t bytes) {
    absl::MutexLock lock(&mutex_);
    files_[path].written += bytes;
  }
  void Synced(const std::string& path) {
    absl::MutexLock lock(&mutex_);
    files_[path].synced = files_[path].written;
  }
  void Renamed(const std::string& from, const std::string& to) {
    absl::MutexLock lock(&mutex_);
    const auto file = files_.find(from);
    if (file == files_.end()) return;
    files_[to] = file->second;
    files_.erase(file);
  }
  void Deleted(const std::string& path) {
    absl::MutexLock lock(&mutex_);
    files_.erase(path);
  }
  void DirectorySynced(const std::string& directory) {
    absl::MutexLock lock(&mutex_);
    for (auto& [path, file] : files_) {
      if (fs::path(path).parent_path() == directory) file.name_synced = true;
    }
  }
  // Keeps the lock: nothing may be synced, and so acknowledged, afterwards.
  void Cut() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    mutex_.Lock();
    for (const auto& [path, file] : files_) {
      std::error_code gone;
      if (!file.name_synced) {
        fs::remove(path, gone);
      } else if (file.synced < file.written) {
        fs::resize_file(path, file.synced, gone);
      }
    }
  }

 private:
  struct File {
    uint64_t written = 0;
    uint64_t synced = 0;
    bool name_synced = false;
  };
  absl::Mutex mutex_;
  std::map<std::string, File> files_ ABSL_GUARDED_BY(mutex_);
};

Durability& TheDurability() {
  static Durability& durability = *new Durability;
  return durability;
}

IOStatus ReadOnly() {
  return DiskFault("read-only") ? IOStatus::IOError("Read-only file system")
                                : IOStatus::OK();
}

class FaultyFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultyFile(std::string path, std::unique_ptr<rocksdb::FSWritableFile> file)
      : rocksdb::FSWritableFileOwnerWrapper(std::move(file)),
        path_(std::move(path)),
        is_log_(absl::EndsWith(path_, ".log")) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  IODebugContext* debug) override {
    IOStatus status = ReadOnly();
    if (status.ok()) {
      status = FSWritableFileWrapper::Append(data, options, debug);
    }
    if (!status.ok()) return status;
    TheDurability().Appended(path_, data.size());
    if (is_log_) model::ReachSyncPoint("log/written");
    return status;
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    if (DiskFault("drop-sync")) return IOStatus::OK();
    IOStatus status = BeforeSync();
    if (status.ok()) status = FSWritableFileWrapper::Sync(options, debug);
    if (status.ok()) AfterSync();
    return status;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    if (DiskFault("drop-sync")) return IOStatus::OK();
    IOStatus status = BeforeSync();
    if (status.ok()) status = FSWritableFileWrapper::Fsync(options, debug);
    if (status.ok()) AfterSync();
    return status;
  }

 private:
  IOStatus BeforeSync() const {
    if (is_log_ && DiskFault("slow")) absl::SleepFor(kSlowSync);
    return ReadOnly();
  }
  void AfterSync() const {
    TheDurability().Synced(path_);
    if (is_log_) model::ReachSyncPoint("log/synced");
  }

  const std::string path_;
  const bool is_log_;
};

class FaultyDirectory : public rocksdb::FSDirectoryWrapper {
 public:
  FaultyDirectory(std::string path,
                  std::unique_ptr<rocksdb::FSDirectory> directory)
      : rocksdb::FSDirectoryWrapper(std::move(directory)),
        path_(std::move(path)) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = FSDirectoryWrapper::Fsync(options, debug);
    if (status.ok()) TheDurability().DirectorySynced(path_);
    return status;
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& what) override {
    IOStatus status =
        FSDirectoryWrapper::FsyncWithDirOptions(options, debug, what);
    if (status.ok()) TheDurability().DirectorySynced(path_);
    return status;
  }

 private:
  const std::string path_;
};

class FaultyFileSystem : public rocksdb::FileSystemWrapper {
 public:
  FaultyFileSystem()
      : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()) {}

  const char* Name() const override { return "FaultyFileSystem"; }

  IOStatus NewWritableFile(const std::string& name,
                           const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           IODebugContext* debug) override {
    IOStatus status = ReadOnly();
    if (status.ok()) {
      status = target()->NewWritableFile(name, options, file, debug);
    }
    if (!status.ok()) return status;
    TheDurability().Created(name);
    *file = std::make_unique<FaultyFile>(name, std::move(*file));
    return status;
  }
  IOStatus NewDirectory(const std::string& name, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* directory,
                        IODebugContext* debug) override {
    IOStatus status = target()->NewDirectory(name, options, directory, debug);
    if (!status.ok()) return status;
    *directory = std::make_unique<FaultyDirectory>(name, std::move(*directory));
    return status;
  }
  IOStatus RenameFile(const std::string& from, const std::string& to,
                      const IOOptions& options,
                      IODebugContext* debug) override {
    IOStatus status = ReadOnly();
    if (status.ok()) status = target()->RenameFile(from, to, options, debug);
    if (status.ok()) TheDurability().Renamed(from, to);
    return status;
  }
  IOStatus DeleteFile(const std::string& name, const IOOptions& options,
                      IODebugContext* debug) override {
    IOStatus status = ReadOnly();
    if (status.ok()) status = target()->DeleteFile(name, options, debug);
    if (status.ok()) TheDurability().Deleted(name);
    return status;
  }
};

}  // namespace

bool DiskFault(const std::string& name) {
  static const char* const directory = std::getenv("TAUD_DISK_FAULTS");
  return directory != nullptr &&
         access(absl::StrCat(directory, "/", name).c_str(), F_OK) == 0;
}

void CutPower() { TheDurability().Cut(); }

}  // namespace taud::fault

namespace taud::store {

// In the place of store/log/default_environment.cc.
rocksdb::Env* DefaultEnvironment() {
  static rocksdb::Env* const environment =
      rocksdb::NewCompositeEnv(std::make_shared<fault::FaultyFileSystem>())
          .release();
  return environment;
}

}  // namespace taud::store
