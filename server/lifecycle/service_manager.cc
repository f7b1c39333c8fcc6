#include "server/lifecycle/service_manager.h"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace taud::server {
namespace {

constexpr absl::Duration kStatusInterval = absl::Seconds(10);

}  // namespace

bool NotifyServiceManager(const std::string& message) {
  return sd_notify(/*unset_environment=*/0, message.c_str()) > 0;
}

absl::Duration ServiceManagerInterval() {
  if (std::getenv("NOTIFY_SOCKET") == nullptr) return absl::InfiniteDuration();
  uint64_t watchdog_us = 0;
  if (sd_watchdog_enabled(/*unset_environment=*/0, &watchdog_us) <= 0) {
    return kStatusInterval;
  }
  return std::min(kStatusInterval,
                  absl::Microseconds(static_cast<int64_t>(watchdog_us / 2)));
}

}  // namespace taud::server
