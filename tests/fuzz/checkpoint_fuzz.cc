// What is parsed comes back the same, with or without a right checksum.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "model/check.h"
#include "store/files/checkpoint_files.h"
#include "store/files/crc32c.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  (void)taud::store::ParseCheckpoint(bytes);
  // The checksums made right, so that what is behind them is reached.
  constexpr size_t kHeader = 28;
  if (size < kHeader + 8) return 0;
  std::memcpy(bytes.data(), "TAUDCKPT", 8);
  bytes[8] = 1;
  bytes[9] = bytes[10] = bytes[11] = 0;
  const uint32_t header = taud::store::ComputeCrc32c(bytes.data(), kHeader);
  std::memcpy(bytes.data() + kHeader, &header, sizeof(header));
  const uint32_t whole =
      taud::store::ComputeCrc32c(bytes.data(), size - sizeof(whole));
  std::memcpy(bytes.data() + size - sizeof(whole), &whole, sizeof(whole));
  const auto state = taud::store::ParseCheckpoint(bytes);
  if (!state.ok()) return 0;
  const std::string again = taud::store::FormatCheckpoint(**state);
  TAUD_CHECK(taud::store::ParseCheckpoint(again).ok());
  return 0;
}
