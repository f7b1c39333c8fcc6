#include "server/lifecycle/file_watch.h"

#include <sys/stat.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/observe/logging.h"
#include "server/rpc/errors.h"

namespace taud::server {
namespace {

std::string StampOf(const std::vector<std::string>& paths) {
  std::string stamp;
  for (const std::string& path : paths) {
    struct stat info = {};
    if (stat(path.c_str(), &info) != 0) {
      absl::StrAppend(&stamp, "none;");
      continue;
    }
    absl::StrAppend(&stamp, info.st_dev, ",", info.st_ino, ",", info.st_size,
                    ",", info.st_mode, ",", info.st_mtim.tv_sec, ".",
                    info.st_mtim.tv_nsec, ",", info.st_ctim.tv_sec, ".",
                    info.st_ctim.tv_nsec, ";");
  }
  return stamp;
}

}  // namespace

FileWatch::FileWatch(std::vector<Watched> watched, absl::Duration interval,
                     std::function<void(const std::string&, bool)> reloaded)
    : interval_(interval), reloaded_(std::move(reloaded)) {
  absl::MutexLock lock(&look_mutex_);
  for (Watched& one : watched) {
    File file;
    file.stamp = StampOf(one.paths);
    file.watched = std::move(one);
    files_.push_back(std::move(file));
  }
}

FileWatch::~FileWatch() { Stop(); }

void FileWatch::Start() {
  thread_ = std::thread([this] { Run(); });
}

void FileWatch::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void FileWatch::Run() {
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (alarm_.Await(&mutex_, absl::Condition(&stopping_),
                       model::SteadyNow() + interval_)) {
        return;
      }
    }
    try {
      Look();
    } catch (...) {  // without memory: the next look is a second away
    }
  }
}

void FileWatch::Look() {
  absl::MutexLock lock(&look_mutex_);
  std::vector<Trouble> troubles;
  for (File& file : files_) {
    std::string stamp = StampOf(file.watched.paths);
    if (stamp != file.stamp) {
      file.stamp = std::move(stamp);
      file.settled = false;
    } else if (!file.settled) {
      file.settled = true;
      Reload(&file);
    }
    if (file.trouble.since_ms != 0) troubles.push_back(file.trouble);
  }
  absl::MutexLock own(&mutex_);
  troubles_ = std::move(troubles);
}

void FileWatch::Reload(File* file) {
  const absl::Status status = Guarded(file->watched.reload);
  reloaded_(file->watched.what, status.ok());
  if (status.ok()) {
    file->trouble = Trouble();
    Log(LogLevel::kInfo, "read again", {{"what", file->watched.what}});
    return;
  }
  NoteTrouble(absl::StrCat(file->watched.what, ": ", status.message()),
              absl::ToUnixMillis(absl::Now()), &file->trouble);
  Log(LogLevel::kError, "the new file is no good; the one before counts on",
      {{"what", file->watched.what}, {"error", std::string(status.message())}});
}

Trouble FileWatch::trouble() const {
  absl::MutexLock lock(&mutex_);
  return troubles_.empty() ? Trouble() : troubles_.front();
}

}  // namespace taud::server
