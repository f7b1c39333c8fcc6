#ifndef TAUD_MODEL_BITMAP_H_
#define TAUD_MODEL_BITMAP_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace taud::model {

// A set of dense indices as one bit each. Thread-compatible.
// Bits at or beyond size() are always zero in words().
class Bitmap {
 public:
  Bitmap() = default;
  Bitmap(size_t size, bool value) { Assign(size, value); }

  void Assign(size_t size, bool value);
  // Keeps the bits below min(size(), size); new bits are `value`.
  void Resize(size_t size, bool value = false);

  size_t size() const { return size_; }
  // False for i >= size().
  bool Test(size_t i) const {
    return i < size_ && (words_[i / 64] >> (i % 64)) & 1;
  }
  // REQUIRES: i < size(); undefined otherwise.
  void Set(size_t i) { words_[i / 64] |= uint64_t{1} << (i % 64); }
  // Does nothing for i >= size().
  void Clear(size_t i) {
    if (i < size_) words_[i / 64] &= ~(uint64_t{1} << (i % 64));
  }

  // Replaces 64 bits at once; those beyond size() must be 0.
  // REQUIRES: w < words().size(); undefined otherwise.
  void SetWord(size_t w, uint64_t bits) { words_[w] = bits; }

  size_t Count() const;
  // Bits set in both.
  size_t CountAnd(const Bitmap& other) const;
  // Set algebra with `other`; bits that `other` does not have count as 0.
  void And(const Bitmap& other);
  void AndNot(const Bitmap& other);
  void Or(const Bitmap& other);  // size() stays

  const std::vector<uint64_t>& words() const { return words_; }

  // Calls visit(index) for every set bit, ascending.
  template <typename Visitor>
  void ForEach(Visitor visit) const {
    for (size_t w = 0; w < words_.size(); ++w) {
      for (uint64_t bits = words_[w]; bits != 0; bits &= bits - 1) {
        visit(w * 64 + static_cast<size_t>(__builtin_ctzll(bits)));
      }
    }
  }

 private:
  void ClearTail();

  size_t size_ = 0;
  std::vector<uint64_t> words_;
};

}  // namespace taud::model

#endif  // TAUD_MODEL_BITMAP_H_
