#ifndef TAUD_STORE_FILES_NPY_H_
#define TAUD_STORE_FILES_NPY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace taud::store {

// The header of NumPy's .npy format, version 1.0
// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html),
// restricted to what taud stores: little-endian float32 and uint32 in C order
// with one or two dimensions. Pure functions, thread-safe.

enum class NpyType { kFloat32, kUint32 };

struct NpyHeader {
  NpyType type = NpyType::kFloat32;
  std::vector<uint64_t> shape;

  friend bool operator==(const NpyHeader& a, const NpyHeader& b) {
    return a.type == b.type && a.shape == b.shape;
  }
};

// Header bytes of every file written here.
inline constexpr uint64_t kNpyHeaderBytes = 128;

// Exactly kNpyHeaderBytes; the values follow it directly.
std::string EncodeNpyHeader(const NpyHeader& header);

// Accepts only what EncodeNpyHeader writes, byte for byte: the files are
// ours, and anything else in one is damage. DATA_LOSS says what differs.
absl::Status CheckNpyHeader(absl::string_view bytes, const NpyHeader& expected);

// Bytes of the values, each 4 bytes; nothing if that does not fit in 63 bits.
absl::StatusOr<uint64_t> NpyValueBytes(const NpyHeader& header);

}  // namespace taud::store

#endif  // TAUD_STORE_FILES_NPY_H_
