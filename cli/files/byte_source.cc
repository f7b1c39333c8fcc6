#include "cli/files/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace taud::cli {
namespace {

constexpr size_t kBlock = 128 << 10;
constexpr absl::string_view kGzip = "\x1F\x8B";
constexpr absl::string_view kZstd = "\x28\xB5\x2F\xFD";

// The file as it is. Its beginning can be looked at before it is read.
class FileBytes : public ByteSource {
 public:
  FileBytes(int descriptor, uint64_t total)
      : descriptor_(descriptor), total_(total) {}
  ~FileBytes() override {
    if (descriptor_ != STDIN_FILENO) close(descriptor_);
  }

  absl::StatusOr<absl::string_view> Beginning(size_t size) {
    while (end_ < size) {
      auto got = Fill(block_.data() + end_, block_.size() - end_);
      if (!got.ok()) return got.status();
      if (*got == 0) break;
      end_ += *got;
    }
    return absl::string_view(block_.data(), end_);
  }

  absl::StatusOr<size_t> Read(char* out, size_t size) override {
    if (begin_ == end_) return Fill(out, size);
    const size_t n = std::min(size, end_ - begin_);
    std::memcpy(out, block_.data() + begin_, n);
    begin_ += n;
    return n;
  }

  uint64_t bytes_read() const override { return read_; }
  uint64_t total_bytes() const override { return total_; }

 private:
  absl::StatusOr<size_t> Fill(char* out, size_t size) {
    while (true) {
      const ssize_t got = read(descriptor_, out, size);
      if (got >= 0) {
        read_ += static_cast<uint64_t>(got);
        return static_cast<size_t>(got);
      }
      if (errno != EINTR) {
        return absl::UnavailableError(
            absl::StrCat("cannot be read to its end: ", std::strerror(errno)));
      }
    }
  }

  const int descriptor_;
  const uint64_t total_;
  uint64_t read_ = 0;
  std::array<char, 4096> block_;  // what Beginning has read
  size_t begin_ = 0;
  size_t end_ = 0;
};

// What the unpackers share: a block of packed bytes.
class Unpacker : public ByteSource {
 public:
  explicit Unpacker(std::unique_ptr<ByteSource> packed)
      : packed_(std::move(packed)), block_(kBlock, '\0') {}
  uint64_t bytes_read() const override { return packed_->bytes_read(); }
  uint64_t total_bytes() const override { return packed_->total_bytes(); }

 protected:
  // False at the end of the packed bytes.
  absl::StatusOr<bool> Refill() {
    auto got = packed_->Read(block_.data(), block_.size());
    if (!got.ok()) return got.status();
    size_ = *got;
    return *got > 0;
  }
  char* block() { return block_.data(); }
  size_t size() const { return size_; }

  static absl::Status CutShort() {
    return absl::DataLossError("the packed file is cut short");
  }
  static absl::Status Damaged(const char* why) {
    return absl::DataLossError(absl::StrCat(
        "the packed file is damaged: ", why == nullptr ? "no reason" : why));
  }

 private:
  const std::unique_ptr<ByteSource> packed_;
  std::string block_;
  size_t size_ = 0;
};

// gzip, one member behind another.
class GzipBytes : public Unpacker {
 public:
  explicit GzipBytes(std::unique_ptr<ByteSource> packed)
      : Unpacker(std::move(packed)) {
    constexpr int kGzipHeader = 16 + MAX_WBITS;
    good_ = inflateInit2(&stream_, kGzipHeader) == Z_OK;
  }
  ~GzipBytes() override { inflateEnd(&stream_); }

  absl::StatusOr<size_t> Read(char* out, size_t size) override {
    if (!good_) return Damaged("no memory to unpack it");
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(size);
    while (stream_.avail_out == size) {
      if (stream_.avail_in == 0) {
        auto more = Refill();
        if (!more.ok()) return more.status();
        if (!*more && in_member_) return CutShort();
        if (!*more) break;
        stream_.next_in = reinterpret_cast<Bytef*>(block());
        stream_.avail_in = static_cast<uInt>(this->size());
      }
      if (!in_member_) {
        // Some writers fill the last block with zeros.
        while (stream_.avail_in > 0 && *stream_.next_in == 0) {
          ++stream_.next_in;
          --stream_.avail_in;
        }
        if (stream_.avail_in == 0) continue;
        in_member_ = true;
      }
      const int outcome = inflate(&stream_, Z_NO_FLUSH);
      if (outcome == Z_STREAM_END) {
        in_member_ = false;
        inflateReset(&stream_);
      } else if (outcome != Z_OK) {
        return Damaged(stream_.msg);
      }
    }
    return size - stream_.avail_out;
  }

 private:
  z_stream stream_ = {};
  bool good_ = false;
  bool in_member_ = true;
};

// zstd, one frame behind another.
class ZstdBytes : public Unpacker {
 public:
  explicit ZstdBytes(std::unique_ptr<ByteSource> packed)
      : Unpacker(std::move(packed)), context_(ZSTD_createDCtx()) {}
  ~ZstdBytes() override { ZSTD_freeDCtx(context_); }

  absl::StatusOr<size_t> Read(char* out, size_t size) override {
    if (context_ == nullptr) return Damaged("no memory to unpack it");
    ZSTD_outBuffer output = {out, size, 0};
    while (output.pos == 0) {
      // What fitted into no output buffer comes without more input.
      if (input_.pos == input_.size && !more_inside_) {
        auto more = Refill();
        if (!more.ok()) return more.status();
        if (!*more && in_frame_) return CutShort();
        if (!*more) break;
        input_ = {block(), this->size(), 0};
      }
      const size_t outcome = ZSTD_decompressStream(context_, &output, &input_);
      if (ZSTD_isError(outcome)) return Damaged(ZSTD_getErrorName(outcome));
      in_frame_ = outcome != 0;
      more_inside_ = in_frame_ && output.pos == output.size;
    }
    return output.pos;
  }

 private:
  ZSTD_DCtx* const context_;
  ZSTD_inBuffer input_ = {nullptr, 0, 0};
  bool in_frame_ = true;
  bool more_inside_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSource>> OpenBytes(const std::string& path) {
  const int descriptor =
      path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return absl::NotFoundError(
        absl::StrCat("cannot read ", path, ": ", std::strerror(errno)));
  }
  struct stat about = {};
  const bool known = fstat(descriptor, &about) == 0;
  const uint64_t total = known && S_ISREG(about.st_mode)
                             ? static_cast<uint64_t>(about.st_size)
                             : 0;
  auto file = std::make_unique<FileBytes>(descriptor, total);
  if (known && S_ISDIR(about.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is a directory, not a file"));
  }
  const auto beginning = file->Beginning(kZstd.size());
  if (!beginning.ok()) {
    return absl::Status(beginning.status().code(),
                        absl::StrCat(path, " ", beginning.status().message()));
  }
  if (absl::StartsWith(*beginning, kGzip)) {
    return std::make_unique<GzipBytes>(std::move(file));
  }
  if (absl::StartsWith(*beginning, kZstd)) {
    return std::make_unique<ZstdBytes>(std::move(file));
  }
  return file;
}

}  // namespace taud::cli
