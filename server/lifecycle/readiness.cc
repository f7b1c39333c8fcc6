#include "server/lifecycle/readiness.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace taud::server {

int ReadPercent(uint64_t read, uint64_t of) {
  if (of == 0) return 0;
  const double share = static_cast<double>(read) / static_cast<double>(of);
  return static_cast<int>(std::min(99.0, 100 * share));
}

std::string WhyNotReady(const Standing& standing) {
  if (standing.phase == Phase::kDraining) return "draining";
  const bool reading = standing.log_read_percent < 100;
  const std::string progress =
      reading
          ? absl::StrCat("reading the log, ", standing.log_read_percent, " %")
          : "";
  if (!standing.has_snapshot) {
    return reading ? absl::StrCat("no snapshot serves yet; ", progress)
                   : "no snapshot serves yet";
  }
  return standing.early ? "" : progress;
}

ServiceHealth HealthOf(const Standing& standing) {
  ServiceHealth health;
  const bool reads = standing.phase == Phase::kServing;
  health.recommendation = WhyNotReady(standing).empty();
  health.ingestion = reads && standing.takes_writes;
  health.catalog = reads;
  health.model = standing.phase != Phase::kDraining;
  // As a whole it serves with a full disk, too: nobody is helped by a restart.
  health.whole = health.recommendation && reads;
  return health;
}

}  // namespace taud::server
