// A .npy header beside the one that is expected: only that one is taken.
#include <cstddef>
#include <cstdint>
#include <string>

#include "model/check.h"
#include "store/files/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace taud::store;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  NpyHeader header;
  header.type = size % 2 == 0 ? NpyType::kFloat32 : NpyType::kUint32;
  header.shape = {size, 64};
  const bool same = bytes == EncodeNpyHeader(header);
  TAUD_CHECK(CheckNpyHeader(bytes, header).ok() == same);
  // Shapes as a damaged manifest may claim them.
  NpyHeader claimed;
  for (size_t i = 0; i + 8 <= size && i < 32; i += 8) {
    uint64_t n = 0;
    for (size_t b = 0; b < 8; ++b) n = (n << 8) | data[i + b];
    claimed.shape.push_back(n);
  }
  (void)NpyValueBytes(claimed);
  return 0;
}
