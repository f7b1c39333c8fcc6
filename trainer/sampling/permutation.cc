#include "trainer/sampling/permutation.h"

#include <array>
#include <cstddef>

namespace taud::trainer {
namespace {

constexpr int kRounds = 4;

// Odd numbers without a pattern: the first 64 bits of the fractions of √2, √3,
// √5 and √7, the last bit set.
constexpr std::array<uint64_t, kRounds> kMultipliers = {
    0x6a09e667f3bcc909, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
    0xa54ff53a5f1d36f1};

// `bits` of a product that all bits of `value` and `key` have a part in.
uint32_t Mix(uint32_t value, uint64_t key, int round, int bits) {
  const uint64_t multiplier = kMultipliers[static_cast<size_t>(round)];
  uint64_t mixed = (uint64_t{value} + 1) * multiplier ^ key;
  mixed ^= mixed >> 32;
  mixed *= multiplier;
  return static_cast<uint32_t>(mixed >> (64 - bits));
}

int HalfBits(uint32_t size) {
  int half = 1;
  while (half < 16 && (uint64_t{1} << (2 * half)) < size) ++half;
  return half;
}

}  // namespace

uint32_t Permuted(uint32_t index, uint32_t size, uint64_t key) {
  const int half = HalfBits(size);
  const uint32_t mask = (uint32_t{1} << half) - 1;
  uint32_t number = index;
  do {
    uint32_t left = number >> half;
    uint32_t right = number & mask;
    for (int round = 0; round < kRounds; ++round) {
      const uint32_t next = left ^ Mix(right, key, round, half);
      left = right;
      right = next;
    }
    number = left << half | right;
  } while (number >= size);
  return number;
}

}  // namespace taud::trainer
