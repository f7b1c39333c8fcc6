#include "server/rpc/errors.h"

#include <exception>
#include <new>

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

}  // namespace

absl::Status FieldError(absl::string_view field,
                        absl::string_view description) {
  return BadField(field, description);
}

absl::Status PrefixField(absl::string_view prefix, const absl::Status& status) {
  const auto payload = status.GetPayload(kBadRequest);
  v1::BadRequest details;
  if (!payload.has_value() || !details.ParseFromString(std::string(*payload)) ||
      details.field_violations_size() == 0) {
    return status;
  }
  const v1::BadRequest::FieldViolation& first = details.field_violations(0);
  return BadField(absl::StrCat(prefix, ".", first.field()),
                  first.description());
}

void SetRetryDelay(absl::Duration delay, absl::Status* status) {
  v1::RetryInfo info;
  const int64_t seconds = absl::ToInt64Seconds(delay);
  info.mutable_retry_delay()->set_seconds(seconds);
  info.mutable_retry_delay()->set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(delay - absl::Seconds(seconds))));
  status->SetPayload(kRetryInfo, absl::Cord(info.SerializeAsString()));
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
