#include "store/files/small_file.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "store/files/crc32c.h"
#include "store/files/errno_status.h"
#include "store/files/synced_file.h"

namespace taud::store {
namespace {

std::string LastLine(absl::string_view text) {
  return absl::StrFormat("\ncrc32c %08x\n",
                         ComputeCrc32c(text.data(), text.size()));
}

}  // namespace

absl::Status ReplaceSmallFile(const std::string& path, absl::string_view text) {
  const std::string temporary = absl::StrCat(path, ".tmp");
  SyncedFile file(temporary);
  file.Write(text);
  file.Write(LastLine(text));
  const auto written = file.Finish();
  if (!written.ok()) return written.status();
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    return ErrnoStatus(errno, "rename", temporary);
  }
  return SyncDirectory(std::filesystem::path(path).parent_path().string());
}

absl::StatusOr<std::string> LoadSmallFile(const std::string& path,
                                          uint64_t limit) {
  auto text = ReadSmallFile(path, limit);
  if (absl::IsNotFound(text.status())) return std::string();
  if (!text.ok()) return text.status();
  const size_t last = LastLine("").size();
  if (text->size() >= last) {
    const std::string body = text->substr(0, text->size() - last);
    if (LastLine(body) == text->substr(body.size())) return body;
  }
  return absl::DataLossError(
      absl::StrCat(path, " does not end with its checksum"));
}

}  // namespace taud::store
