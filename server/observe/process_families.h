#ifndef TAUD_SERVER_OBSERVE_PROCESS_FAMILIES_H_
#define TAUD_SERVER_OBSERVE_PROCESS_FAMILIES_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "prometheus/metric_family.h"

namespace taud::server {

// What /proc/PID/stat says, in the kernel's ticks and pages.
struct ProcessTimes {
  double user_ticks = 0;
  double system_ticks = 0;
  double start_ticks = 0;  // after the machine's start
  double virtual_bytes = 0;
  double resident_pages = 0;
};

// nullopt if it is not what the kernel writes. Pure.
std::optional<ProcessTimes> ParseProcessStat(absl::string_view stat);

// The metrics that every program's client library has, under their usual names
// (process_…), as far as this system says them; and taud_build_info.
std::vector<prometheus::MetricFamily> ProcessFamilies();

}  // namespace taud::server

#endif  // TAUD_SERVER_OBSERVE_PROCESS_FAMILIES_H_
