#include "store/files/free_space.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace taud::store {
namespace {

constexpr uint64_t kMebibyte = uint64_t{1} << 20;

}  // namespace

absl::Status CheckFreeSpace(const std::string& directory,
                            uint64_t min_free_bytes) {
  if (min_free_bytes == 0) return absl::OkStatus();
  std::error_code error;
  const uint64_t free = std::filesystem::space(directory, error).available;
  if (error) return absl::OkStatus();
  return DecideFreeSpace(directory, free, min_free_bytes);
}

double FreeShare(const std::string& directory) {
  std::error_code error;
  const std::filesystem::space_info space =
      std::filesystem::space(directory, error);
  if (error || space.capacity == 0) return 1;
  return static_cast<double>(space.available) /
         static_cast<double>(space.capacity);
}

absl::Status DecideFreeSpace(const std::string& directory, uint64_t free_bytes,
                             uint64_t min_free_bytes) {
  if (free_bytes >= min_free_bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      "the disk of ", directory, " has ", free_bytes / kMebibyte,
      " MiB left, store.min_free_mib asks for ", min_free_bytes / kMebibyte,
      "; nothing is written to it until there is more: free some, or set "
      "store.retain_log_mib, store.max_snapshot_mib"));
}

}  // namespace taud::store
