#include "store/files/number_file.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "store/files/crc32c.h"
#include "store/files/errno_status.h"
#include "store/files/synced_file.h"

namespace taud::store {
namespace {

constexpr uint64_t kMaxBytes = 64;

std::string ChecksumOf(absl::string_view number) {
  return absl::StrFormat("%08x", ComputeCrc32c(number.data(), number.size()));
}

std::string ParentOf(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

}  // namespace

std::optional<uint64_t> ParseNumberFile(absl::string_view text) {
  // Every writer ends the line; a file that was cut off does not, and might
  // say a smaller number.
  if (!absl::EndsWith(text, "\n")) return {};
  const std::vector<absl::string_view> words =
      absl::StrSplit(absl::StripAsciiWhitespace(text), ' ');
  uint64_t number = 0;
  if (words.size() > 2 || !absl::SimpleAtoi(words[0], &number)) return {};
  if (words.size() == 2 && words[1] != ChecksumOf(words[0])) return {};
  return number;
}

absl::StatusOr<std::optional<uint64_t>> ReadNumberFile(
    const std::string& path) {
  const absl::StatusOr<std::string> text = ReadSmallFile(path, kMaxBytes);
  if (absl::IsNotFound(text.status())) return std::optional<uint64_t>();
  if (!text.ok()) return text.status();
  const std::optional<uint64_t> number = ParseNumberFile(*text);
  if (number.has_value()) return number;
  return absl::DataLossError(absl::StrCat(path, " does not hold a number"));
}

absl::Status WriteNumberFile(const std::string& path, uint64_t number) {
  const std::string temporary = absl::StrCat(path, ".tmp");
  const std::string text = absl::StrCat(number);
  SyncedFile file(temporary);
  file.Write(absl::StrCat(text, " ", ChecksumOf(text), "\n"));
  const auto written = file.Finish();
  if (!written.ok()) return written.status();
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    return ErrnoStatus(errno, "rename", temporary);
  }
  return SyncDirectory(ParentOf(path));
}

absl::Status RemoveFile(const std::string& path) {
  if (std::remove(path.c_str()) != 0) {
    if (errno == ENOENT) return absl::OkStatus();
    return ErrnoStatus(errno, "remove", path);
  }
  return SyncDirectory(ParentOf(path));
}

}  // namespace taud::store
