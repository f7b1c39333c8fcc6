#ifndef TAUD_SERVER_RPC_ERRORS_H_
#define TAUD_SERVER_RPC_ERRORS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "grpcpp/support/status.h"

// Errors as clients see them: a canonical code, a message for people, and
// machine-readable details. Plain functions, any thread.

namespace taud::server {

// INVALID_ARGUMENT "field: description" with a BadRequest that names the
// field.
absl::Status FieldError(absl::string_view field, absl::string_view description);

// Copies `status` with "field" put before the fields it names, e.g. for an
// element of a list: "interactions[3]" + ".user_id".
absl::Status PrefixField(absl::string_view prefix, const absl::Status& status);

// The field that such an error is about; "" for every other.
std::string FieldOf(const absl::Status& status);

// Adds a RetryInfo: the client should wait that long.
void SetRetryDelay(absl::Duration delay, absl::Status* status);

// The status of the exception that is being handled: RESOURCE_EXHAUSTED without
// memory, INTERNAL otherwise; with a message, if there is memory for one.
// REQUIRES: called in a catch block.
absl::Status CaughtStatus() noexcept;

// What `work` returns, an absl::Status or a StatusOr; CaughtStatus if it
// throws. The edge of a thread's duty: what throws fails the one thing that it
// was at.
template <typename Work>
auto Guarded(const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (...) {
    return CaughtStatus();
  }
}

// Copies `status` without the paths of this machine: of what stands at one of
// `roots` or below it the last name is left.
absl::Status WithoutPaths(const absl::Status& status,
                          absl::Span<const std::string> roots);

// What goes over the wire: code, message and details; a RequestInfo with
// `request_id` for every error. A RESOURCE_EXHAUSTED or UNAVAILABLE without a
// retry delay gets one of 100 ms.
grpc::Status ToGrpcStatus(absl::Status status, const std::string& request_id);

}  // namespace taud::server

#endif  // TAUD_SERVER_RPC_ERRORS_H_
