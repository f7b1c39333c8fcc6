#ifndef TAUD_SERVER_LIFECYCLE_READINESS_H_
#define TAUD_SERVER_LIFECYCLE_READINESS_H_

#include <cstdint>
#include <string>

namespace taud::server {

// What a daemon says of itself to those who would send it requests. Plain
// functions of what is given; any thread.

enum class Phase { kStarting, kServing, kDraining };

// How it stands with the daemon.
struct Standing {
  Phase phase = Phase::kStarting;
  bool has_snapshot = false;  // one serves
  bool takes_writes = false;  // nothing is known that refuses them
  int log_read_percent = 0;   // 100: all of it
  bool early = false;         // serving.ready_before_history
};

// Of what is read, 0 to 99: all of it is not read before the last look at it.
int ReadPercent(uint64_t read, uint64_t of);

// Why recommendations are not answered as they should be, for people; empty if
// they are. Until the log is read, answers may have what a user has had.
std::string WhyNotReady(const Standing& standing);

// By service, and as a whole.
struct ServiceHealth {
  bool recommendation = false;
  bool ingestion = false;
  bool catalog = false;
  bool model = false;
  bool whole = false;
};
ServiceHealth HealthOf(const Standing& standing);

}  // namespace taud::server

#endif  // TAUD_SERVER_LIFECYCLE_READINESS_H_
