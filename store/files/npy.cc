#include "store/files/npy.h"

#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace taud::store {
namespace {

constexpr char kMagicAndVersion[] = "\x93NUMPY\x01";  // and a zero byte
constexpr size_t kPreambleBytes = 10;                 // magic, version, length

std::string Dictionary(const NpyHeader& header) {
  // A tuple of one keeps its comma.
  const char* end = header.shape.size() == 1 ? ",), }" : "), }";
  return absl::StrCat("{'descr': '",
                      header.type == NpyType::kFloat32 ? "<f4" : "<u4",
                      "', 'fortran_order': False, 'shape': (",
                      absl::StrJoin(header.shape, ", "), end);
}

}  // namespace

std::string EncodeNpyHeader(const NpyHeader& header) {
  constexpr size_t kRest = kNpyHeaderBytes - kPreambleBytes;
  std::string bytes(kMagicAndVersion, sizeof(kMagicAndVersion));
  bytes.push_back(static_cast<char>(kRest & 0xff));
  bytes.push_back(static_cast<char>(kRest >> 8));
  absl::StrAppend(&bytes, Dictionary(header));
  bytes.resize(kNpyHeaderBytes - 1, ' ');
  bytes.push_back('\n');
  return bytes;
}

absl::Status CheckNpyHeader(absl::string_view bytes,
                            const NpyHeader& expected) {
  const std::string good = EncodeNpyHeader(expected);
  if (bytes == good) return absl::OkStatus();
  if (bytes.size() < kNpyHeaderBytes) {
    return absl::DataLossError(
        absl::StrCat("has a header of ", bytes.size(), " bytes"));
  }
  const absl::string_view magic(kMagicAndVersion, sizeof(kMagicAndVersion));
  if (!absl::StartsWith(bytes, magic)) {
    return absl::DataLossError("is not a .npy file of version 1.0");
  }
  return absl::DataLossError(
      absl::StrCat("has another header than ", Dictionary(expected)));
}

absl::StatusOr<uint64_t> NpyValueBytes(const NpyHeader& header) {
  uint64_t bytes = 4;
  for (const uint64_t n : header.shape) {
    if (n != 0 && bytes > std::numeric_limits<int64_t>::max() / n) {
      return absl::DataLossError(absl::StrCat(
          "shape (", absl::StrJoin(header.shape, ", "), ") is too large"));
    }
    bytes *= n;
  }
  return bytes;
}

}  // namespace taud::store
