#ifndef TAUD_SERVER_LIFECYCLE_SERVICE_MANAGER_H_
#define TAUD_SERVER_LIFECYCLE_SERVICE_MANAGER_H_

#include <string>

#include "absl/time/time.h"

namespace taud::server {

// Speaks with systemd, or with whatever started the daemon with the variable
// NOTIFY_SOCKET (sd_notify(3)). Without it nothing is said to nobody.
//
// Plain functions that keep nothing; any thread.

// Says `message`, lines of KEY=VALUE such as "READY=1". False if there is
// nobody to hear it.
bool NotifyServiceManager(const std::string& message);

// How often the service manager wants to hear: half of its watchdog's time, but
// at least every 10 s, for the status line. Infinite if there is none.
absl::Duration ServiceManagerInterval();

}  // namespace taud::server

#endif  // TAUD_SERVER_LIFECYCLE_SERVICE_MANAGER_H_
