#ifndef TAUD_SERVER_AUDIT_AUDIT_ENTRY_H_
#define TAUD_SERVER_AUDIT_AUDIT_ENTRY_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/audit/audit_subject.h"

namespace taud::server {

enum class AuditEvent {
  kBegin,    // a call that will be done, once this is on disk
  kEnd,      // a call was answered with this code
  kRefused,  // somebody was not let in
  kStarted,  // taud began to write
  kLost,     // lines could not be written
};

// A line of the audit log. Plain data.
struct AuditEntry {
  absl::Time time;  // by the wall clock
  AuditEvent event = AuditEvent::kEnd;
  std::string method;               // of the API, or a path of HTTP
  const char* role = "";            // the one that the method needs
  const char* credential = "none";  // "token", "jwt", "certificate"
  std::string who;                  // the name of the credential; empty: none
  std::string subject;              // of the client's certificate
  std::string address;              // of the client
  std::string request_id;           // the same at the beginning and the end
  AuditSubject about;
  absl::StatusCode code = absl::StatusCode::kOk;
  std::string reason;  // why somebody was refused
  uint64_t count = 0;  // of lines that are missing before this one
};

// As one line of JSON with its end of line. With a key ids are written as their
// HMAC-SHA-256 in hexadecimal digits; without one as they are. What is not
// UTF-8 is replaced. Any thread.
std::string AuditLine(const AuditEntry& entry, absl::string_view id_key);

}  // namespace taud::server

#endif  // TAUD_SERVER_AUDIT_AUDIT_ENTRY_H_
