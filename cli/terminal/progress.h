#ifndef TAUD_CLI_TERMINAL_PROGRESS_H_
#define TAUD_CLI_TERMINAL_PROGRESS_H_

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
  // The same for a job that is not counted: `text` says how far it is.
  void Show(const std::string& text, double share);
  // A line of its own that stays.
  void Note(const std::string& line);
  // The last line: what was done, how long it took, the mean rate.
  void Finish(uint64_t done);

 private:
  bool Due(absl::Time now);
  // ", 12 %, 1:20 left", or nothing if the share is unknown.
  std::string Left(absl::Time now, double share) const;
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

#endif  // TAUD_CLI_TERMINAL_PROGRESS_H_
