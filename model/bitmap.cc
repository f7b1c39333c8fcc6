#include "model/bitmap.h"

#include <algorithm>

namespace taud::model {

void Bitmap::Assign(size_t size, bool value) {
  size_ = size;
  words_.assign((size + 63) / 64, value ? ~uint64_t{0} : 0);
  ClearTail();
}

void Bitmap::Resize(size_t size, bool value) {
  const size_t old = size_;
  words_.resize((size + 63) / 64, value ? ~uint64_t{0} : 0);
  size_ = size;
  if (value && size > old && old % 64 != 0) {
    words_[old / 64] |= ~uint64_t{0} << (old % 64);
  }
  ClearTail();
}

void Bitmap::ClearTail() {
  if (size_ % 64 != 0) words_.back() &= (uint64_t{1} << (size_ % 64)) - 1;
}

size_t Bitmap::Count() const {
  size_t count = 0;
  for (const uint64_t word : words_) {
    count += static_cast<size_t>(__builtin_popcountll(word));
  }
  return count;
}

size_t Bitmap::CountAnd(const Bitmap& other) const {
  const size_t shared = std::min(words_.size(), other.words_.size());
  size_t count = 0;
  for (size_t w = 0; w < shared; ++w) {
    count +=
        static_cast<size_t>(__builtin_popcountll(words_[w] & other.words_[w]));
  }
  return count;
}

void Bitmap::And(const Bitmap& other) {
  const size_t shared = std::min(words_.size(), other.words_.size());
  for (size_t w = 0; w < shared; ++w) words_[w] &= other.words_[w];
  std::fill(words_.begin() + static_cast<std::ptrdiff_t>(shared), words_.end(),
            0);
}

void Bitmap::AndNot(const Bitmap& other) {
  const size_t shared = std::min(words_.size(), other.words_.size());
  for (size_t w = 0; w < shared; ++w) words_[w] &= ~other.words_[w];
}

void Bitmap::Or(const Bitmap& other) {
  const size_t shared = std::min(words_.size(), other.words_.size());
  for (size_t w = 0; w < shared; ++w) words_[w] |= other.words_[w];
  ClearTail();
}

}  // namespace taud::model
