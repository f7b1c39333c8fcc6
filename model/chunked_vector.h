#ifndef TAUD_MODEL_CHUNKED_VECTOR_H_
#define TAUD_MODEL_CHUNKED_VECTOR_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace taud::model {

// An append-only array whose elements never move, so that one writer appends
// while any number of threads read without a lock.
//
// One thread writes; any thread reads. Owns its elements.
//
// Why unlocked reading is right:
//  1. Chunk c holds kFirst << c elements and is allocated once, before any
//     index inside it is published.
//  2. An element is completely constructed before `size_` is raised past it
//     with release order; a reader that loads `size_` with acquire order and
//     stays below it therefore sees a whole element.
//  3. Elements are not destroyed or moved before the vector is.
template <typename T>
class ChunkedVector {
 public:
  ChunkedVector() = default;
  ChunkedVector(const ChunkedVector&) = delete;
  ChunkedVector& operator=(const ChunkedVector&) = delete;

  // Elements that may be read. Any thread.
  size_t size() const { return size_.load(std::memory_order_acquire); }

  // REQUIRES: i < a size() that this thread has seen; anything else is
  // undefined behaviour. Any thread.
  const T& operator[](size_t i) const { return *Slot(i); }

  // For elements that synchronise themselves. REQUIRES as above.
  T& Mutable(size_t i) { return *Slot(i); }

  // Writer only.
  void push_back(T value) {
    const size_t i = size_.load(std::memory_order_relaxed);
    *Prepare(i) = std::move(value);
    size_.store(i + 1, std::memory_order_release);
  }

  // Grows to at least `n` default-constructed elements. Writer only.
  void GrowTo(size_t n) {
    size_t i = size_.load(std::memory_order_relaxed);
    if (n <= i) return;
    for (; i < n; ++i) Prepare(i);
    size_.store(n, std::memory_order_release);
  }

 private:
  static constexpr size_t kFirstBits = 10;
  static constexpr size_t kFirst = size_t{1} << kFirstBits;
  static constexpr size_t kMaxChunks = 40;

  static int ChunkOf(size_t i) {
    return 63 - __builtin_clzll((i >> kFirstBits) + 1);
  }
  static size_t StartOf(int chunk) {
    return ((size_t{1} << chunk) - 1) << kFirstBits;
  }

  T* Slot(size_t i) const {
    const int chunk = ChunkOf(i);
    return &chunks_[chunk][i - StartOf(chunk)];
  }

  T* Prepare(size_t i) {
    const int chunk = ChunkOf(i);
    if (chunks_[chunk] == nullptr) {
      chunks_[chunk] = std::make_unique<T[]>(kFirst << chunk);
    }
    return Slot(i);
  }

  std::array<std::unique_ptr<T[]>, kMaxChunks> chunks_;
  std::atomic<size_t> size_{0};
};

}  // namespace taud::model

#endif  // TAUD_MODEL_CHUNKED_VECTOR_H_
