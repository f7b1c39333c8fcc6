#include "store/log/watched_env.h"

#include <cstdint>
#include <filesystem>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "rocksdb/file_system.h"
#include "rocksdb/system_clock.h"

namespace taud::store {
namespace {

namespace fs = std::filesystem;

rocksdb::IOStatus ToRocksDb(const absl::Status& status) {
  if (status.ok()) return rocksdb::IOStatus::OK();
  const std::string message(status.message());
  if (absl::IsResourceExhausted(status)) {
    return rocksdb::IOStatus::NoSpace(message);
  }
  return rocksdb::IOStatus::IOError(message);
}

// Tells the list how much of a log has been synced.
class WatchedLog : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  WatchedLog(std::unique_ptr<rocksdb::FSWritableFile> file, uint64_t number,
             LogListFile* list)
      : rocksdb::FSWritableFileOwnerWrapper(std::move(file)),
        number_(number),
        list_(list) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data,
                           const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus status =
        FSWritableFileWrapper::Append(data, options, debug);
    if (status.ok()) appended_ += data.size();
    return status;
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data,
                           const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo& verification,
                           rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus status =
        FSWritableFileWrapper::Append(data, options, verification, debug);
    if (status.ok()) appended_ += data.size();
    return status;
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* debug) override {
    const uint64_t bytes = appended_;
    return Note(bytes, FSWritableFileWrapper::Sync(options, debug));
  }
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* debug) override {
    const uint64_t bytes = appended_;
    return Note(bytes, FSWritableFileWrapper::Fsync(options, debug));
  }

 private:
  rocksdb::IOStatus Note(uint64_t bytes, rocksdb::IOStatus synced) {
    if (synced.ok()) list_->NoteSynced(number_, bytes);
    return synced;
  }

  const uint64_t number_;
  LogListFile* const list_;
  std::atomic<uint64_t> appended_{0};
};

}  // namespace

class WatchedEnv::Files : public rocksdb::FileSystemWrapper {
 public:
  Files(const std::shared_ptr<rocksdb::FileSystem>& base, WatchedEnv* env,
        const std::string& directory)
      : rocksdb::FileSystemWrapper(base),
        env_(*env),
        directory_(fs::path(directory).lexically_normal()) {}

  const char* Name() const override { return "taud.WatchedFiles"; }

  rocksdb::IOStatus NewWritableFile(
      const std::string& name, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* file,
      rocksdb::IODebugContext* debug) override {
    if (env_.stop_copies_ && !IsInside(name)) {
      return rocksdb::IOStatus::Aborted("the copy was called off");
    }
    const uint64_t number = NumberOf(name);
    if (number == 0 || env_.list_ == nullptr) {
      return Stoppable(name, file,
                       target()->NewWritableFile(name, options, file, debug));
    }
    rocksdb::IOStatus status = ToRocksDb(env_.list_->Add(number));
    if (!status.ok()) return status;
    status = target()->NewWritableFile(name, options, file, debug);
    if (status.ok()) {
      *file = std::make_unique<WatchedLog>(std::move(*file), number,
                                           env_.list_.get());
    }
    return status;
  }

  rocksdb::IOStatus DeleteFile(const std::string& name,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    const uint64_t number = NumberOf(name);
    if (number != 0 && env_.list_ != nullptr) {
      const rocksdb::IOStatus status = ToRocksDb(env_.list_->Remove(number));
      if (!status.ok()) return status;
    }
    return target()->DeleteFile(name, options, debug);
  }

 private:
  // A file of a copy, which can be called off in the middle of it.
  class CopyFile : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    CopyFile(std::unique_ptr<rocksdb::FSWritableFile> file,
             const std::atomic<bool>* stop)
        : rocksdb::FSWritableFileOwnerWrapper(std::move(file)), stop_(*stop) {}
    rocksdb::IOStatus Append(const rocksdb::Slice& data,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
      if (stop_) return rocksdb::IOStatus::Aborted("the copy was called off");
      return FSWritableFileWrapper::Append(data, options, debug);
    }
    rocksdb::IOStatus Append(const rocksdb::Slice& data,
                             const rocksdb::IOOptions& options,
                             const rocksdb::DataVerificationInfo& verification,
                             rocksdb::IODebugContext* debug) override {
      if (stop_) return rocksdb::IOStatus::Aborted("the copy was called off");
      return FSWritableFileWrapper::Append(data, options, verification, debug);
    }

   private:
    const std::atomic<bool>& stop_;
  };

  rocksdb::IOStatus Stoppable(const std::string& name,
                              std::unique_ptr<rocksdb::FSWritableFile>* file,
                              rocksdb::IOStatus status) const {
    if (status.ok() && !IsInside(name)) {
      *file = std::make_unique<CopyFile>(std::move(*file), &env_.stop_copies_);
    }
    return status;
  }
  bool IsInside(const std::string& name) const {
    return fs::path(name).parent_path().lexically_normal() == directory_;
  }
  // Of a write-ahead log of this database; 0 for every other file.
  uint64_t NumberOf(const std::string& name) const {
    const std::string base = fs::path(name).filename().string();
    const absl::string_view digits =
        absl::StripSuffix(absl::string_view(base), ".log");
    uint64_t number = 0;
    if (digits.size() == base.size() || !IsInside(name)) return 0;
    return absl::SimpleAtoi(digits, &number) ? number : 0;
  }

  WatchedEnv& env_;
  const fs::path directory_;
};

WatchedEnv::WatchedEnv(rocksdb::Env* base, const std::string& directory)
    : rocksdb::EnvWrapper(base) {
  file_system_ =
      std::make_shared<Files>(base->GetFileSystem(), this, directory);
  system_clock_ = base->GetSystemClock();
}

rocksdb::Status WatchedEnv::DeleteFile(const std::string& name) {
  return file_system_->DeleteFile(name, rocksdb::IOOptions(), nullptr);
}

void WatchedEnv::SetList(std::unique_ptr<LogListFile> list) {
  list_ = std::move(list);
}

}  // namespace taud::store
