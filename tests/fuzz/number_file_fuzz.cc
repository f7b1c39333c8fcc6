// FORMAT, pinned, reserved_versions.
#include <cstddef>
#include <cstdint>
#include <string>

#include "store/files/number_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)taud::store::ParseNumberFile(
      std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
