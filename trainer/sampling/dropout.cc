#include "trainer/sampling/dropout.h"

#include <cstdint>

namespace taud::trainer {

void DrawDropout(double share, size_t count, std::mt19937_64* random,
                 std::vector<float>* mask) {
  // Four decisions from each number drawn, 16 bits wide.
  const uint64_t least = static_cast<uint64_t>(share * 65536.0);
  mask->resize(count);
  uint64_t bits = 0;
  for (size_t i = 0; i < count; ++i, bits >>= 16) {
    if (i % 4 == 0) bits = (*random)();
    (*mask)[i] = (bits & 0xffff) < least ? 0.0f : 1.0f;
  }
}

}  // namespace taud::trainer
