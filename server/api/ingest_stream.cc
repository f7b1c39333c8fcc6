#include "server/api/ingest_stream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "model/steady_clock.h"
#include "server/admission/message_bytes.h"
#include "server/api/validation.h"
#include "server/rpc/errors.h"

namespace taud::server {
namespace {

constexpr int kMaxRejectionsListed = 100;

void Reject(uint32_t index, const absl::Status& status, v1::IngestAck* ack) {
  ack->set_rejected_count(ack->rejected_count() + 1);
  if (ack->rejected_size() >= kMaxRejectionsListed) return;
  v1::Rejection* rejection = ack->add_rejected();
  rejection->set_index(index);
  rejection->set_reason(std::string(status.message()));
}

}  // namespace

IngestStream::IngestStream(const DaemonContext* context,
                           size_t max_unacknowledged, const Hooks* hooks,
                           grpc::CallbackServerContext* rpc)
    : context_(context),
      max_unacknowledged_(max_unacknowledged),
      hooks_(hooks),
      request_id_(RequestId(*rpc)),
      start_(model::SteadyNow()) {
  rpc->AddTrailingMetadata("x-request-id", request_id_);
}

void IngestStream::Begin(std::shared_ptr<IngestStream> self) {
  absl::MutexLock lock(&mutex_);
  self_ = std::move(self);
  // The client learns that the call was accepted before it sends anything.
  StartSendInitialMetadata();
  Advance();
}

void IngestStream::Drain() {
  absl::MutexLock lock(&mutex_);
  Close(absl::UnavailableError(
      "the server is draining; send what was not acknowledged again"));
  Advance();
}

void IngestStream::OnReadDone(bool ok) {
  absl::MutexLock lock(&mutex_);
  reading_ = false;
  if (!ok) {
    Close(absl::OkStatus());  // half-closed, or cancelled
  } else if (!closing_.has_value()) {
    try {
      Take();
    } catch (...) {
      // What was acknowledged, or handed over, holds.
      Close(CaughtStatus());
    }
  }
  Advance();
}

void IngestStream::Take() {
  v1::IngestRequest request;
  absl::Status status = CheckMessageBytes(context_->calls, incoming_);
  if (status.ok()) status = ParseRequest(incoming_, &request);
  const auto count = static_cast<size_t>(request.interactions_size());
  if (status.ok()) status = CheckStream(request);
  const bool question = count == 0 && !request.stream_id().empty();
  if (status.ok() && !question && (count < 1 || count > kMaxBatch)) {
    status = FieldError(
        "interactions",
        absl::StrCat("has ", count, " entries; allowed: 1 to ", kMaxBatch));
  }
  if (!status.ok()) {
    Close(std::move(status));
  } else if (question) {
    AskPosition();
  } else {
    Accept(request);
  }
}

absl::Status IngestStream::CheckStream(const v1::IngestRequest& request) {
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

void IngestStream::AskPosition() {
  auto slot = std::make_shared<Slot>();
  slot->ack.set_stream_position(true);
  slot->interactions = 1;
  slots_.push_back(slot);
  ++unacknowledged_;
  absl::Status status = context_->store->FindStream(
      stream_id_,
      [self = self_,
       slot](absl::StatusOr<store::EventStore::StreamPosition> position) {
        absl::MutexLock lock(&self->mutex_);
        if (position.ok()) {
          slot->ack.set_batch_id(position->position);
          slot->ack.set_last_sequence(position->sequence);
          slot->ready = true;
        } else {
          self->Lose(slot, position.status());
        }
        self->Advance();
      });
  if (status.ok()) return;
  slots_.pop_back();
  Close(std::move(status));
}

// Never to be acknowledged: the call ends with the reason, after the
// acknowledgements that came before.
void IngestStream::Lose(const std::shared_ptr<Slot>& slot,
                        const absl::Status& status) {
  const auto lost = std::find(slots_.begin(), slots_.end(), slot);
  if (lost != slots_.end()) slots_.erase(lost, slots_.end());
  Close(status);
}

void IngestStream::Accept(const v1::IngestRequest& request) {
  auto slot = std::make_shared<Slot>();
  slot->arrived = model::SteadyNow();
  slot->interactions = static_cast<size_t>(request.interactions_size());
  slot->ack.set_batch_id(request.batch_id());
  const int64_t now_ms = absl::ToUnixMillis(absl::Now());
  std::vector<store::NewInteraction> batch;
  batch.reserve(slot->interactions);
  for (uint32_t i = 0; i < slot->interactions; ++i) {
    auto checked = CheckInteraction(request.interactions(static_cast<int>(i)),
                                    now_ms, request.time_unit());
    if (checked.ok()) {
      batch.push_back(*std::move(checked));
    } else {
      Reject(i, checked.status(), &slot->ack);
    }
  }
  // Last, so that nothing is waited for that cannot come.
  slots_.push_back(slot);
  unacknowledged_ += slot->interactions;
  if (batch.empty()) {
    slot->ready = true;
    return;
  }
  Held held;
  held.batch.interactions = std::move(batch);
  held.batch.stream_id = stream_id_;
  held.batch.position = request.batch_id();
  held.slot = std::move(slot);
  Store(std::move(held));
}

void IngestStream::Store(Held held) {
  const auto done = [self = self_, slot = held.slot](
                        absl::StatusOr<std::vector<store::Appended>> result) {
    self->Stored(slot, std::move(result));
  };
  absl::Status status = context_->store->TryAppend(&held.batch, done);
  if (store::IsQueueFull(status)) {
    // Asked for, then tried again: room made in between would go unnoticed.
    hooks_->room_wanted(self_);
    status = context_->store->TryAppend(&held.batch, done);
  }
  if (status.ok()) return;
  if (!store::IsQueueFull(status)) {
    slots_.erase(std::find(slots_.begin(), slots_.end(), held.slot));
    Close(status);
    return;
  }
  held_ = std::move(held);
}

void IngestStream::RetryHeld() {
  absl::MutexLock lock(&mutex_);
  if (!held_.has_value() || finished_) return;
  Held held = *std::move(held_);
  held_.reset();
  Store(std::move(held));
  Advance();
}

void IngestStream::Stored(
    const std::shared_ptr<Slot>& slot,
    absl::StatusOr<std::vector<store::Appended>> appended) {
  {
    absl::MutexLock lock(&mutex_);
    if (appended.ok()) {
      model::Sequence last = 0;
      uint32_t duplicates = 0;
      for (const store::Appended& one : *appended) {
        last = std::max(last, one.sequence);
        duplicates += one.duplicate;
      }
      slot->ack.set_last_sequence(last);
      slot->ack.set_duplicates(duplicates);
      slot->ack.set_accepted(static_cast<uint32_t>(appended->size()) -
                             duplicates);
      slot->ready = true;
      CountAck(context_->calls, slot->ack.accepted(), last,
               model::SteadyNow() - slot->arrived);
    } else {
      Lose(slot, appended.status());
    }
    Advance();
  }
  if (appended.ok()) context_->trainer->Notify();
}

void IngestStream::OnWriteDone(bool ok) {
  absl::MutexLock lock(&mutex_);
  writing_ = false;
  unacknowledged_ -= slots_.front()->interactions;
  slots_.pop_front();
  if (!ok) Close(absl::CancelledError("the client went away"));
  Advance();
}

void IngestStream::OnCancel() {
  absl::MutexLock lock(&mutex_);
  cancelled_ = true;
  Close(absl::CancelledError("the client went away"));
  Advance();
}

void IngestStream::OnDone() {
  std::shared_ptr<IngestStream> self;
  {
    absl::MutexLock lock(&mutex_);
    self.swap(self_);
  }
  hooks_->closed(self);
}

void IngestStream::Close(absl::Status status) {
  // The first reason counts, but an error outranks a half-close.
  if (!closing_.has_value() || (closing_->ok() && !status.ok())) {
    closing_ = std::move(status);
  }
}

void IngestStream::Advance() {
  if (finished_) return;
  if (cancelled_) {
    // Nobody reads the acks. What the store has taken it writes all the same.
    held_.reset();
    finished_ = true;
    Finish(EndCall(context_->calls, RpcMethod::kIngest, request_id_, start_,
                   *closing_));
    return;
  }
  if (!writing_ && !slots_.empty() && slots_.front()->ready) {
    writing_ = true;
    WriteMessage(slots_.front()->ack, &outgoing_);
    StartWrite(&outgoing_);
  }
  if (closing_.has_value()) {
    if (!writing_ && slots_.empty()) {
      finished_ = true;
      Finish(EndCall(context_->calls, RpcMethod::kIngest, request_id_, start_,
                     *closing_));
    }
    return;
  }
  if (!reading_ && !held_.has_value() &&
      unacknowledged_ < max_unacknowledged_) {
    reading_ = true;
    StartRead(&incoming_);
  }
}

}  // namespace taud::server
