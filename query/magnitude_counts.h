#ifndef TAUD_QUERY_MAGNITUDE_COUNTS_H_
#define TAUD_QUERY_MAGNITUDE_COUNTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace taud::query {

// Positive floats counted by their order of magnitude, eight magnitudes to a
// power of two. Which of many are the greatest is known from it up to those of
// one magnitude, in two passes that do not branch; sorting a part of them, as
// std::nth_element does, takes several times as long.
//
// Thread-compatible.
class MagnitudeCounts {
 public:
  // Greater values have no smaller one. Exponent and three bits of the
  // mantissa.
  static uint32_t Of(float value) {
    uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof(bits));
    return (bits >> 20) % kMagnitudes;
  }

  // Greater than every value of a smaller magnitude.
  static float Bound(uint32_t magnitude) {
    const uint32_t bits = magnitude << 20;
    float value = 0;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
  }

  void Add(float value) { ++counts_[Of(value)]; }

  // The greatest magnitude that, with those above it, `wanted` values or more
  // have; the least there is if there are fewer. *above: how many lie above it.
  uint32_t Reaching(size_t wanted, size_t* above) const {
    *above = 0;
    uint32_t magnitude = kMagnitudes - 1;
    while (magnitude > 0 && *above + counts_[magnitude] < wanted) {
      *above += counts_[magnitude--];
    }
    return magnitude;
  }

 private:
  static constexpr uint32_t kMagnitudes = 2048;

  std::array<uint32_t, kMagnitudes> counts_{};
};

}  // namespace taud::query

#endif  // TAUD_QUERY_MAGNITUDE_COUNTS_H_
