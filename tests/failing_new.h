#ifndef TAUD_TESTS_FAILING_NEW_H_
#define TAUD_TESTS_FAILING_NEW_H_

#include <cstddef>

namespace taud {

// For tests of what happens without memory: failing_new.cc replaces the
// program's operator new by one that can be told to throw std::bad_alloc, once.
// What is armed is one thing at a time, for all threads or the calling one.

// The calling thread's n-th allocation from now, counted from 1; 0: none.
void FailAllocation(int n);
// Any thread's next allocation of exactly so many bytes; 0: none.
void FailAllocationOf(size_t bytes);
// Whether what was armed has thrown.
bool AllocationFailed();

}  // namespace taud

#endif  // TAUD_TESTS_FAILING_NEW_H_
