#include "store/log/store_clock.h"

#include <algorithm>

namespace taud::store {

int64_t AdvanceStoreClock(int64_t last_ms, int64_t wall_ms,
                          int64_t elapsed_ms) {
  if (wall_ms <= last_ms) return last_ms;
  if (elapsed_ms < 0) return wall_ms;
  return std::min(wall_ms, last_ms + 2 * elapsed_ms);
}

int64_t CutoffMs(int64_t now_ms, int64_t age_ms) {
  return now_ms > age_ms ? now_ms - age_ms : 0;
}

}  // namespace taud::store
