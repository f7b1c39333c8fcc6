#ifndef TAUD_TESTS_STORE_LOG_FAULT_FILE_SYSTEM_H_
#define TAUD_TESTS_STORE_LOG_FAULT_FILE_SYSTEM_H_

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "rocksdb/file_system.h"

namespace taud::store {

// What to break in RocksDB's log files from now on; with kFull, no file takes
// any more bytes.
enum class Fault { kNone, kSync, kNoSpace, kFull, kAll };

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
    if (status.ok()) {
      *file = std::make_unique<FaultyFile>(std::move(*file), &fault_,
                                           absl::EndsWith(name, ".log"));
    }
    return status;
  }

 private:
  class FaultyFile : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    FaultyFile(std::unique_ptr<rocksdb::FSWritableFile> file,
               const std::atomic<Fault>* fault, bool log)
        : rocksdb::FSWritableFileOwnerWrapper(std::move(file)),
          fault_(*fault),
          log_(log) {}

    rocksdb::IOStatus Append(const rocksdb::Slice& data,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
      if (fault_ == Fault::kFull || (log_ && fault_ == Fault::kNoSpace)) {
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
      return log_ && (fault_ == Fault::kSync || fault_ == Fault::kAll);
    }

    const std::atomic<Fault>& fault_;
    const bool log_;
  };

  std::atomic<Fault> fault_{Fault::kNone};
};

}  // namespace taud::store

#endif  // TAUD_TESTS_STORE_LOG_FAULT_FILE_SYSTEM_H_
