#include "server/api/ingest_flow.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/api/validation.h"
#include "server/rpc/errors.h"

namespace taud::server {

void IngestFlow::Add(std::shared_ptr<Slot> slot) {
  const size_t interactions = slot->interactions;
  slots_.push_back(std::move(slot));
  unacknowledged_ += interactions;
}

void IngestFlow::Lose(const std::shared_ptr<Slot>& slot, absl::Status why) {
  const auto lost = std::find(slots_.begin(), slots_.end(), slot);
  for (auto one = lost; one != slots_.end(); ++one) {
    unacknowledged_ -= (*one)->interactions;
  }
  slots_.erase(lost, slots_.end());
  Close(std::move(why));
}

void IngestFlow::Close(absl::Status status) {
  if (!closing_.has_value() || (closing_->ok() && !status.ok())) {
    closing_ = std::move(status);
  }
}

void IngestFlow::Cancel() {
  cancelled_ = true;
  Close(absl::CancelledError("the client went away"));
}

const v1::IngestAck* IngestFlow::BeginSend() {
  if (finished_ || cancelled_ || writing_) return nullptr;
  if (slots_.empty() || !slots_.front()->ready) return nullptr;
  writing_ = true;
  return &slots_.front()->ack;
}

void IngestFlow::SendDone() {
  writing_ = false;
  unacknowledged_ -= slots_.front()->interactions;
  slots_.pop_front();
}

void IngestFlow::SendFailed(absl::Status why) {
  writing_ = false;
  Lose(std::shared_ptr<Slot>(slots_.front()), std::move(why));
}

bool IngestFlow::BeginRead(bool held) {
  if (reading_ || held || closing()) return false;
  reading_ = unacknowledged_ < max_unacknowledged_;
  return reading_;
}

std::optional<absl::Status> IngestFlow::BeginFinish() {
  if (finished_ || !closing()) return std::nullopt;
  if (!cancelled_ && (writing_ || !slots_.empty())) return std::nullopt;
  finished_ = true;
  return closing_;
}

absl::Status StreamOrder::Check(const v1::IngestRequest& request) {
  if (!request.stream_id().empty()) {
    absl::Status status = CheckId("stream_id", request.stream_id());
    if (!status.ok()) return status;
    if (started_ && request.stream_id() != stream_id_) {
      return FieldError("stream_id",
                        "is another than that of the first message");
    }
    stream_id_ = request.stream_id();
  }
  started_ = true;
  if (stream_id_.empty() || request.interactions_size() == 0) {
    return absl::OkStatus();
  }
  if (request.batch_id() <= last_batch_id_) {
    return FieldError(
        "batch_id",
        absl::StrCat(request.batch_id(), " does not ascend: the last one was ",
                     last_batch_id_));
  }
  last_batch_id_ = request.batch_id();
  return absl::OkStatus();
}

}  // namespace taud::server
