#ifndef TAUD_MODEL_NUMBER_BITS_H_
#define TAUD_MODEL_NUMBER_BITS_H_

#include <cstdint>
#include <cstring>

namespace taud::model {

// A number as the 64 bits that it is, to be stored, and back. Pure.

inline uint64_t BitsOf(double value) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

inline double NumberOf(uint64_t bits) {
  double value = 0;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

}  // namespace taud::model

#endif  // TAUD_MODEL_NUMBER_BITS_H_
