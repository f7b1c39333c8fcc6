#include "server/lifecycle/backup_place.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/rpc/errors.h"

namespace taud::server {
namespace {

constexpr size_t kMaxPathBytes = 4096;

// Without the empty name that a slash at the end leaves.
std::filesystem::path Normal(const std::string& path) {
  std::filesystem::path normal = std::filesystem::path(path).lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

bool IsBelow(const std::filesystem::path& path,
             const std::filesystem::path& root) {
  const auto [in_root, in_path] =
      std::mismatch(root.begin(), root.end(), path.begin(), path.end());
  return in_root == root.end() && in_path != path.end();
}

bool IsThisMachine(absl::string_view peer) {
  return absl::StartsWith(peer, "unix:") ||
         absl::StartsWith(peer, "ipv4:127.") ||
         absl::StartsWith(peer, "ipv6:[::1]:") ||
         absl::StartsWith(peer, "ipv6:%5B::1%5D:");
}

}  // namespace

absl::Status CheckBackupPlace(const std::string& directory,
                              const std::string& root,
                              const std::string& data_dir,
                              absl::string_view peer) {
  if (directory.empty() || directory.size() > kMaxPathBytes) {
    return FieldError("directory",
                      absl::StrCat("has ", directory.size(),
                                   " bytes; allowed: 1 to ", kMaxPathBytes));
  }
  if (directory[0] != '/' || directory.find('\0') != std::string::npos) {
    return FieldError("directory",
                      absl::StrCat("\"", directory, "\" is no absolute path"));
  }
  const std::filesystem::path normal = Normal(directory);
  if (!data_dir.empty() &&
      (normal == Normal(data_dir) || IsBelow(normal, Normal(data_dir)))) {
    return FieldError("directory",
                      absl::StrCat(directory,
                                   " is in the data directory; choose one "
                                   "outside of it"));
  }
  if (root.empty()) {
    if (IsThisMachine(peer)) return absl::OkStatus();
    return absl::PermissionDeniedError(
        "without a store.backup_root only callers on the daemon's own machine "
        "may have a backup made: set it to the directory that backups may be "
        "written below");
  }
  if (IsBelow(normal, Normal(root))) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat(
      "directory: ", directory, " is not below the store.backup_root"));
}

absl::StatusOr<std::string> ResolveBackupPlace(const std::string& directory,
                                               const std::string& root,
                                               const std::string& data_dir,
                                               absl::string_view peer) {
  // Before the file system is asked about it.
  absl::Status status = CheckBackupPlace(directory, root, data_dir, peer);
  if (!status.ok()) return status;
  std::string resolved[3];
  const std::string* const given[] = {&directory, &root, &data_dir};
  for (size_t i = 0; i < 3; ++i) {
    if (given[i]->empty()) continue;
    std::error_code error;
    resolved[i] = std::filesystem::weakly_canonical(*given[i], error).string();
    if (error) {
      return FieldError("directory",
                        absl::StrCat("\"", directory,
                                     "\", or the store.backup_root, cannot be "
                                     "followed: ",
                                     error.message()));
    }
  }
  status = CheckBackupPlace(resolved[0], resolved[1], resolved[2], peer);
  if (!status.ok()) return status;
  return resolved[0];
}

absl::Status CheckBackupRoot(const std::string& root) {
  if (root.empty() || root[0] == '/') return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("store.backup_root: ", root,
                   " is not allowed; allowed: an absolute "
                   "path, or nothing"));
}

}  // namespace taud::server
