#include "server/rpc/errors.h"

#include <exception>
#include <new>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "taud/v1/error_details.pb.h"

namespace taud::server {
namespace {

constexpr char kBadRequest[] = "type.googleapis.com/google.rpc.BadRequest";
constexpr char kRetryInfo[] = "type.googleapis.com/google.rpc.RetryInfo";
constexpr char kRequestInfo[] = "type.googleapis.com/google.rpc.RequestInfo";

absl::Status BadField(absl::string_view field, absl::string_view description) {
  absl::Status status =
      absl::InvalidArgumentError(absl::StrCat(field, ": ", description));
  v1::BadRequest details;
  v1::BadRequest::FieldViolation* violation = details.add_field_violations();
  violation->set_field(std::string(field));
  violation->set_description(std::string(description));
  status.SetPayload(kBadRequest, absl::Cord(details.SerializeAsString()));
  return status;
}

bool IsOfPath(char c) {
  return !absl::ascii_isspace(c) && c != ',' && c != ';' && c != ':' &&
         c != '"' && c != '\'' && c != ')' && c != '(';
}

// Replaces "ROOT/a/b" by "b of the data directory", ROOT alone by "the data
// directory".
void RemovePaths(const std::string& root, std::string* message) {
  const bool absolute = root[0] == '/';
  size_t at = 0;
  while ((at = message->find(root, at)) != std::string::npos) {
    size_t end = at + root.size();
    // Another path, or a word, that only begins or ends like it.
    const bool inside = at > 0 && IsOfPath((*message)[at - 1]);
    const bool goes_on = end < message->size() && IsOfPath((*message)[end]) &&
                         (*message)[end] != '/';
    const bool is_path =
        absolute || (end < message->size() && (*message)[end] == '/');
    if (inside || goes_on || !is_path) {
      at = end;
      continue;
    }
    while (end < message->size() && IsOfPath((*message)[end])) ++end;
    absl::string_view path(message->data() + at + root.size(),
                           end - at - root.size());
    const std::string name(path.substr(path.rfind('/') + 1));
    const std::string instead =
        name.empty() ? "the data directory"
                     : absl::StrCat(name, " of the data directory");
    message->replace(at, end - at, instead);
    at += instead.size();
  }
}

std::optional<v1::BadRequest::FieldViolation> FirstViolation(
    const absl::Status& status) {
  const auto payload = status.GetPayload(kBadRequest);
  v1::BadRequest details;
  if (!payload.has_value() || !details.ParseFromString(std::string(*payload)) ||
      details.field_violations_size() == 0) {
    return std::nullopt;
  }
  return details.field_violations(0);
}

}  // namespace

absl::Status FieldError(absl::string_view field,
                        absl::string_view description) {
  return BadField(field, description);
}

absl::Status PrefixField(absl::string_view prefix, const absl::Status& status) {
  const auto first = FirstViolation(status);
  if (!first.has_value()) return status;
  return BadField(absl::StrCat(prefix, ".", first->field()),
                  first->description());
}

std::string FieldOf(const absl::Status& status) {
  const auto first = FirstViolation(status);
  return first.has_value() ? first->field() : std::string();
}

void SetRetryDelay(absl::Duration delay, absl::Status* status) {
  v1::RetryInfo info;
  const int64_t seconds = absl::ToInt64Seconds(delay);
  info.mutable_retry_delay()->set_seconds(seconds);
  info.mutable_retry_delay()->set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(delay - absl::Seconds(seconds))));
  status->SetPayload(kRetryInfo, absl::Cord(info.SerializeAsString()));
}

absl::Status WithoutPaths(const absl::Status& status,
                          absl::Span<const std::string> roots) {
  std::string message(status.message());
  for (const std::string& root : roots) {
    if (!root.empty()) RemovePaths(root, &message);
  }
  if (message == status.message()) return status;
  absl::Status clean(status.code(), message);
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& value) {
    clean.SetPayload(url, value);
  });
  return clean;
}

absl::Status CaughtStatus() noexcept {
  // A status without message and details allocates nothing.
  try {
    throw;
  } catch (const std::bad_alloc&) {
    try {
      return absl::ResourceExhaustedError(
          "not enough memory for the answer; retry, or ask for less");
    } catch (...) {
      return absl::Status(absl::StatusCode::kResourceExhausted, "");
    }
  } catch (const std::exception& e) {
    try {
      return absl::InternalError(e.what());
    } catch (...) {
      return absl::Status(absl::StatusCode::kInternal, "");
    }
  } catch (...) {
    return absl::Status(absl::StatusCode::kInternal, "");
  }
}

grpc::Status ToGrpcStatus(absl::Status status, const std::string& request_id) {
  if (status.ok()) return grpc::Status::OK;
  const bool retriable =
      absl::IsResourceExhausted(status) || absl::IsUnavailable(status);
  if (retriable && !status.GetPayload(kRetryInfo).has_value()) {
    SetRetryDelay(absl::Milliseconds(100), &status);
  }
  v1::RequestInfo request;
  request.set_request_id(request_id);
  status.SetPayload(kRequestInfo, absl::Cord(request.SerializeAsString()));

  v1::ErrorStatus wire;
  wire.set_code(static_cast<int32_t>(status.code()));
  wire.set_message(std::string(status.message()));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& value) {
    google::protobuf::Any* any = wire.add_details();
    any->set_type_url(std::string(url));
    any->set_value(std::string(value));
  });
  // absl's codes are gRPC's.
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                      wire.message(), wire.SerializeAsString());
}

}  // namespace taud::server
