#ifndef TAUD_TESTS_STORE_LOG_FAULT_FILE_SYSTEM_H_
#define TAUD_TESTS_STORE_LOG_FAULT_FILE_SYSTEM_H_

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "rocksdb/file_system.h"

namespace taud::store {

// What to break in RocksDB's log files from now on.
enum class Fault { kNone, kSync, kNoSpace, kAll };

// The machine's files, with faults on demand. Thread-safe.
class FaultFileSystem : public rocksdb::FileSystemWrapper {
 public:
  FaultFileSystem()
      : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()) {}

  const char* Name() const override { return "FaultFileSystem"; }

  void Set(Fault fault) { fault_ = fault; }

  rocksdb::IOStatus NewWritableFile(
      const std::string& name, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* file,
      rocksdb::IODebugContext* debug) override {
    if (fault_ == Fault::kAll) return rocksdb::IOStatus::IOError("injected");
    rocksdb::IOStatus status =
        target()->NewWritableFile(name, options, file, debug);
    if (status.ok() && absl::EndsWith(name, ".log")) {
      *file = std::make_unique<LogFile>(std::move(*file), &fault_);
    }
    return status;
  }

 private:
  class LogFile : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    LogFile(std::unique_ptr<rocksdb::FSWritableFile> file,
            const std::atomic<Fault>* fault)
        : rocksdb::FSWritableFileOwnerWrapper(std::move(file)),
          fault_(*fault) {}

    rocksdb::IOStatus Append(const rocksdb::Slice& data,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
      if (fault_ == Fault::kNoSpace) {
        return rocksdb::IOStatus::NoSpace("injected");
      }
      return FSWritableFileWrapper::Append(data, options, debug);
    }
    rocksdb::IOStatus Append(const rocksdb::Slice& data,
                             const rocksdb::IOOptions& options,
                             const rocksdb::DataVerificationInfo&,
                             rocksdb::IODebugContext* debug) override {
      return Append(data, options, debug);
    }
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
      if (Broken()) return rocksdb::IOStatus::IOError("injected");
      return FSWritableFileWrapper::Sync(options, debug);
    }
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                            rocksdb::IODebugContext* debug) override {
      if (Broken()) return rocksdb::IOStatus::IOError("injected");
      return FSWritableFileWrapper::Fsync(options, debug);
    }

   private:
    bool Broken() const {
      return fault_ == Fault::kSync || fault_ == Fault::kAll;
    }

    const std::atomic<Fault>& fault_;
  };

  std::atomic<Fault> fault_{Fault::kNone};
};

}  // namespace taud::store

#endif  // TAUD_TESTS_STORE_LOG_FAULT_FILE_SYSTEM_H_
