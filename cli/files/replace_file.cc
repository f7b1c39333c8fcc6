#include "cli/files/replace_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "store/files/synced_file.h"

namespace taud::cli {

absl::Status MakeDirectories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error && std::filesystem::is_directory(path, error)) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat("cannot make the directory ", path, ": ",
                   error ? error.message() : "something else has its name"));
}

absl::Status ReplaceFile(const std::string& path, const std::string& content) {
  const std::string beside = absl::StrCat(path, ".", getpid(), ".new");
  store::SyncedFile file(beside);
  file.Write(content);
  const auto written = file.Finish();
  if (!written.ok()) {
    std::remove(beside.c_str());
    return written.status();
  }
  if (std::rename(beside.c_str(), path.c_str()) == 0) return absl::OkStatus();
  absl::Status status = absl::UnavailableError(
      absl::StrCat("cannot write ", path, ": ", std::strerror(errno)));
  std::remove(beside.c_str());
  return status;
}

}  // namespace taud::cli
