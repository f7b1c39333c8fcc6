#include "tests/failing_new.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace taud {
namespace {

thread_local int allocations_left = 0;
std::atomic<size_t> failing_bytes{0};
std::atomic<bool> failed{false};

bool MustFail(size_t bytes) {
  if (allocations_left > 0 && --allocations_left == 0) return true;
  size_t expected = bytes;
  return bytes > 0 && failing_bytes.compare_exchange_strong(expected, 0);
}

void* Allocate(size_t bytes) {
  if (MustFail(bytes)) {
    failed = true;
    throw std::bad_alloc();
  }
  void* memory = std::malloc(bytes > 0 ? bytes : 1);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void FailAllocation(int n) {
  failed = false;
  allocations_left = n;
}

void FailAllocationOf(size_t bytes) {
  failed = false;
  failing_bytes = bytes;
}

bool AllocationFailed() { return failed; }

}  // namespace taud

void* operator new(size_t bytes) { return taud::Allocate(bytes); }
void* operator new[](size_t bytes) { return taud::Allocate(bytes); }
// Whoever sorts asks for memory in this way, and can do without.
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return std::malloc(size);
}
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return std::malloc(size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
