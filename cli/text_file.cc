#include "cli/text_file.h"

#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace taud::cli {
namespace {

constexpr char kByteOrderMark[] = "\xEF\xBB\xBF";
constexpr size_t kKeptOfLongLine = 256;

}  // namespace

absl::StatusOr<std::unique_ptr<TextFile>> TextFile::Open(
    const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is a directory, not a file"));
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  // 0 for what is no regular file (a pipe): then there is no time left to show.
  uint64_t total = std::filesystem::file_size(path, error);
  if (error) total = 0;
  return std::unique_ptr<TextFile>(new TextFile(std::move(file), total));
}

TextFile::TextFile(std::ifstream file, uint64_t total_bytes)
    : file_(std::move(file)), total_bytes_(total_bytes) {}

int TextFile::Get() {
  const int byte = file_.rdbuf()->sbumpc();
  if (byte >= 0) ++bytes_read_;
  return byte;
}

TextFile::Outcome TextFile::Next(std::string* line) {
  line->clear();
  int byte = Get();
  if (byte < 0) return Outcome::kEnd;
  ++line_number_;
  bool too_long = false;
  for (; byte >= 0 && byte != '\n'; byte = Get()) {
    if (line->size() < kMaxLineBytes) {
      line->push_back(static_cast<char>(byte));
    } else {
      too_long = true;
    }
  }
  if (line_number_ == 1 && absl::StartsWith(*line, kByteOrderMark)) {
    line->erase(0, sizeof(kByteOrderMark) - 1);
  }
  if (too_long) {
    line->resize(kKeptOfLongLine);
    return Outcome::kTooLong;
  }
  if (!line->empty() && line->back() == '\r') line->pop_back();
  return Outcome::kLine;
}

}  // namespace taud::cli
