#ifndef TAUD_MODEL_CHECK_H_
#define TAUD_MODEL_CHECK_H_

#include <cstdio>
#include <cstdlib>

// For the impossible: a broken invariant of our own. Stops the process with
// the place and the condition. Input and environment fail with a Status.
#define TAUD_CHECK(condition)                                               \
  do {                                                                      \
    if (!(condition)) {                                                     \
      std::fprintf(stderr, "%s:%d: check failed: %s\n", __FILE__, __LINE__, \
                   #condition);                                             \
      std::abort();                                                         \
    }                                                                       \
  } while (false)

#endif  // TAUD_MODEL_CHECK_H_
