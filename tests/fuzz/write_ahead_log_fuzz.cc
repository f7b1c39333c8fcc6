// RocksDB's write-ahead log, as we look for damage in it.
#include <cstddef>
#include <cstdint>

#include "model/check.h"
#include "store/log/write_ahead_log.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto damage = taud::store::FindDamage(
      absl::string_view(reinterpret_cast<const char*>(data), size));
  TAUD_CHECK(!damage.has_value() || *damage < size);
  return 0;
}
