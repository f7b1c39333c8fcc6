#include "cli/files/text_file.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/files/file_signatures.h"

namespace taud::cli {
namespace {

constexpr size_t kBlock = 128 << 10;
constexpr char kByteOrderMark[] = "\xEF\xBB\xBF";
constexpr size_t kKeptOfLongLine = 256;

}  // namespace

absl::StatusOr<std::unique_ptr<TextFile>> TextFile::Open(
    const std::string& path) {
  auto bytes = OpenBytes(path);
  if (!bytes.ok()) return bytes.status();
  auto file = std::unique_ptr<TextFile>(new TextFile(*std::move(bytes)));
  while (file->end_ < kSignatureBytes && file->Refill()) {
  }
  absl::Status status = file->status_;
  if (status.ok()) {
    status = CheckSignature(absl::string_view(
        file->block_.data(), std::min(file->end_, kSignatureBytes)));
  }
  if (!status.ok()) {
    return absl::Status(status.code(),
                        absl::StrCat(path, ": ", status.message()));
  }
  return file;
}

TextFile::TextFile(std::unique_ptr<ByteSource> bytes)
    : bytes_(std::move(bytes)), block_(kBlock, '\0') {}

bool TextFile::Refill() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (!status_.ok() || end_ == block_.size()) return false;
  auto got = bytes_->Read(block_.data() + end_, block_.size() - end_);
  if (!got.ok()) {
    status_ = got.status();
    return false;
  }
  end_ += *got;
  return *got > 0;
}

TextFile::Outcome TextFile::Next(std::string* line) {
  line->clear();
  line_end_ = "";
  bool begun = false;
  bool too_long = false;
  bool ended = false;
  while (!ended && (begin_ < end_ || Refill())) {
    begun = true;
    const char* from = block_.data() + begin_;
    const void* newline = std::memchr(from, '\n', end_ - begin_);
    ended = newline != nullptr;
    const size_t size =
        ended ? static_cast<size_t>(static_cast<const char*>(newline) - from)
              : end_ - begin_;
    const size_t kept = std::min(size, kMaxLineBytes - line->size());
    line->append(from, kept);
    too_long = too_long || kept < size;
    begin_ += size + (ended ? 1 : 0);
  }
  // A line that a failure cut is not a line.
  if (!ended && !status_.ok()) return Outcome::kFailed;
  if (!begun) return Outcome::kEnd;
  ++line_number_;
  if (line_number_ == 1 && absl::StartsWith(*line, kByteOrderMark)) {
    line->erase(0, sizeof(kByteOrderMark) - 1);
  }
  if (too_long) {
    line->resize(kKeptOfLongLine);
    return Outcome::kTooLong;
  }
  if (ended) line_end_ = "\n";
  if (ended && !line->empty() && line->back() == '\r') {
    line->pop_back();
    line_end_ = "\r\n";
  }
  return Outcome::kLine;
}

}  // namespace taud::cli
