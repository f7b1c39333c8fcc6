#ifndef TAUD_STORE_LOG_STORE_CLOCK_H_
#define TAUD_STORE_LOG_STORE_CLOCK_H_

#include <cstdint>

namespace taud::store {

// The time by which event ids expire: the wall clock's, but it never goes back
// and never runs faster than twice as fast as time does. A wall clock that
// jumps ahead (a wrong battery, a bad time server) would otherwise expire every
// id at once, and one that jumps back would keep them for ever.
//
// `last_ms` is the time given out last, 0 at the first start; `elapsed_ms` what
// a steady clock says went by since, negative at a start, when nobody knows.
// Milliseconds. Pure.
int64_t AdvanceStoreClock(int64_t last_ms, int64_t wall_ms, int64_t elapsed_ms);

// The time `age_ms` before `now_ms`, for what is older than that. Never before
// 1970, when the store's time begins: where the age reaches further back, as
// after a start with a clock at 1970, nothing is older. REQUIRES: neither is
// negative. Pure.
int64_t CutoffMs(int64_t now_ms, int64_t age_ms);

}  // namespace taud::store

#endif  // TAUD_STORE_LOG_STORE_CLOCK_H_
