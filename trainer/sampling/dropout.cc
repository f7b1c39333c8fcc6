#include "trainer/sampling/dropout.h"

#include <cstdint>

namespace taud::trainer {

void DrawDropout(double share, size_t count, std::mt19937_64* random,
                 std::vector<float>* mask) {
  // Four decisions from each number drawn, 16 bits wide.
  const uint64_t least = static_cast<uint64_t>(share * 65536.0);
  mask->resize(count);
  float* to = mask->data();
  const auto keeps = [least](uint64_t bits) {
    return static_cast<float>((bits & 0xffff) >= least);
  };
  size_t i = 0;
  for (; i + 4 <= count; i += 4, to += 4) {
    const uint64_t bits = (*random)();
    to[0] = keeps(bits);
    to[1] = keeps(bits >> 16);
    to[2] = keeps(bits >> 32);
    to[3] = keeps(bits >> 48);
  }
  if (i == count) return;
  for (uint64_t bits = (*random)(); i < count; ++i, bits >>= 16) {
    *to++ = keeps(bits);
  }
}

}  // namespace taud::trainer
