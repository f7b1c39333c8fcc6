#ifndef TAUD_SERVER_OBSERVE_LOGGING_H_
#define TAUD_SERVER_OBSERVE_LOGGING_H_

#include <initializer_list>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

// Structured logs on standard error: an event, and what belongs to it as keys
// and values. Thread-safe.

namespace taud::server {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

struct LogField {
  absl::string_view key;
  std::string value;
};

// `level`: "debug", "info", "warning", "error"; `format`: "text" or "json",
// as the configuration has checked. Call once, before the first thread;
// until then: info, text.
void InitLogging(absl::string_view level, absl::string_view format);

bool LogEnabled(LogLevel level);

// Text:  2026-11-21T04:11:00.123Z INFO  snapshot served version=17
// JSON:  {"time":…,"level":"info","event":"snapshot served","version":"17"}
void Log(LogLevel level, absl::string_view event,
         std::initializer_list<LogField> fields = {});

}  // namespace taud::server

#endif  // TAUD_SERVER_OBSERVE_LOGGING_H_
