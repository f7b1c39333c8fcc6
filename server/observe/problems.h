#ifndef TAUD_SERVER_OBSERVE_PROBLEMS_H_
#define TAUD_SERVER_OBSERVE_PROBLEMS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "taud/v1/model_service.pb.h"

// What is wrong with the daemon, decided from what its parts say. Plain data
// and pure functions.

namespace taud::server {

// Something that does not work, since when (Unix milliseconds; 0: it works) and
// why.
struct Trouble {
  int64_t since_ms = 0;
  std::string why;
};

// It does not work, now or still: it says since when it does not, and why as
// was seen last.
void NoteTrouble(std::string why, int64_t now_ms, Trouble* trouble);

// What is known beyond a Status.
struct Conditions {
  // server.insecure.
  bool insecure = false;
  Trouble snapshots_not_saved;
  Trouble checkpoints_not_saved;
  // An erasure that was begun and could not be finished yet.
  Trouble erasure;
  // A file of credentials or keys that changed and cannot be read.
  Trouble files;
  // The audit log cannot be written.
  Trouble audit;
  // Since when LogStatus::refusing says something, and since when the trainer
  // is in its state; 0: nobody knows.
  int64_t refusing_since_ms = 0;
  int64_t trainer_since_ms = 0;
  // The limits of LogStatus::queued and queued_bytes; 0: none.
  uint64_t max_queued = 0;
  uint64_t max_queued_bytes = 0;
  // How long requests have held the oldest snapshot that serves no more.
  double oldest_held_seconds = 0;
};

// What is wrong now, worst first; codes and severities as Problem names them.
// Of `status` everything but summary and problems must be filled in.
std::vector<v1::Problem> FindProblems(const v1::Status& status,
                                      const Conditions& conditions);

// Status::summary: one line, worst first, from status.problems().
std::string Summarise(const v1::Status& status);

// "critical", "warning", "info".
const char* SeverityName(v1::Problem::Severity severity);

// Whether snapshots can be saved, found out from what is counted of them.
// Thread-compatible.
class SaveWatch {
 public:
  // `errors`: so many could not be saved since the start; `newest`: the version
  // of the newest on disk. One that was saved ends the trouble.
  // `why`: what could be the cause, "" if nobody knows.
  void Observe(uint64_t errors, uint64_t newest, const std::string& why,
               int64_t now_ms);
  const Trouble& trouble() const { return trouble_; }

 private:
  uint64_t errors_ = 0;
  uint64_t newest_ = 0;
  Trouble trouble_;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_OBSERVE_PROBLEMS_H_
