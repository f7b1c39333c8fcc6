#ifndef TAUD_CLI_PROGRESS_H_
#define TAUD_CLI_PROGRESS_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace taud::cli {

// How far a long job is, on standard error: on a terminal one line that is
// written over, twice a second; otherwise a plain line every ten seconds and
// one at the end. One thread's.
class Progress {
 public:
  // `unit` is what is counted, e.g. "interactions".
  explicit Progress(std::string unit);

  // `done` units, and the share of the whole job in [0, 1] (negative:
  // unknown), from which the time left is estimated.
  void Update(uint64_t done, double share);
  // The last line: what was done, how long it took, the mean rate.
  void Finish(uint64_t done);

 private:
  void Print(const std::string& line, bool last);

  const std::string unit_;
  const bool terminal_;
  const absl::Time start_;
  absl::Time last_;
  // Units and time some seconds ago, for a rate that follows.
  uint64_t mark_done_ = 0;
  absl::Time mark_;
  double rate_ = 0;
};

}  // namespace taud::cli

#endif  // TAUD_CLI_PROGRESS_H_
