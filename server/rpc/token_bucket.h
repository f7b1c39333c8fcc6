#ifndef TAUD_SERVER_RPC_TOKEN_BUCKET_H_
#define TAUD_SERVER_RPC_TOKEN_BUCKET_H_

#include <algorithm>

#include "absl/time/time.h"

namespace taud::server {

// What is left of a rate: full at first, and after a second at the latest. Not
// thread-safe.
struct TokenBucket {
  bool begun = false;
  double left = 0;
  absl::Time filled;

  // Fills it at `per_second` up to a second's worth. `now` is of the clock that
  // nobody sets.
  void Fill(double per_second, absl::Time now) {
    const double seconds = begun ? absl::ToDoubleSeconds(now - filled) : 1;
    left = std::min(per_second, left + std::max(0.0, seconds) * per_second);
    begun = true;
    filled = now;
  }
};

}  // namespace taud::server

#endif  // TAUD_SERVER_RPC_TOKEN_BUCKET_H_
