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
      hooks_(hooks),
      request_id_(RequestId(*rpc)),
      start_(model::SteadyNow()),
      presented_(PresentedIn(context->calls, *rpc)),
      flow_(max_unacknowledged) {
  rpc->AddTrailingMetadata("x-request-id", request_id_);
}

void IngestStream::Begin(std::shared_ptr<IngestStream> self) {
  absl::MutexLock lock(&mutex_);
  self_ = std::move(self);
  if (absl::Status status = Open(); !status.ok()) {
    flow_.Close(std::move(status));
    return Advance();
  }
  // The client learns that the call was accepted before it sends anything.
  StartSendInitialMetadata();
  Advance();
}

void IngestStream::Drain() {
  absl::MutexLock lock(&mutex_);
  flow_.Close(absl::UnavailableError(
      "the server is draining; send what was not acknowledged again"));
  Advance();
}

void IngestStream::OnReadDone(bool ok) {
  absl::MutexLock lock(&mutex_);
  flow_.ReadDone();
  if (!ok) {
    flow_.Close(absl::OkStatus());  // half-closed, or cancelled
  } else if (!flow_.closing()) {
    try {
      Take();
    } catch (...) {
      // What was acknowledged, or handed over, holds.
      flow_.Close(CaughtStatus());
    }
  }
  Advance();
}

absl::Status IngestStream::CheckCaller() {
  auto caller = AdmitCaller(context_->calls, RpcMethod::kIngest, presented_);
  if (caller.ok()) caller_ = *caller;
  return caller.status();
}

absl::Status IngestStream::Open() {
  absl::Status status = CheckCaller();
  if (!status.ok()) return status;
  Cost cost;
  cost.requests = 1;
  status = ChargeCaller(context_->calls, caller_, cost);
  if (!status.ok()) return status;
  auto place = OpenStream(context_->calls, caller_);
  if (!place.ok()) return place.status();
  place_ = *std::move(place);
  auto recorded = RecordCall(context_->calls, RpcMethod::kIngest, caller_,
                             presented_, request_id_);
  if (recorded.ok()) recorded_ = *std::move(recorded);
  return recorded.status();
}

void IngestStream::Take() {
  v1::IngestRequest request;
  absl::Status status = CheckCaller();
  if (status.ok()) status = CheckMessageBytes(context_->calls, incoming_);
  Cost cost;
  if (status.ok()) {
    cost.bytes = static_cast<double>(incoming_.Length());
    status = ChargeCaller(context_->calls, caller_, cost);
  }
  if (status.ok()) status = ParseRequest(incoming_, &request);
  const auto count = static_cast<size_t>(request.interactions_size());
  if (status.ok()) status = order_.Check(request);
  const bool question = count == 0 && !request.stream_id().empty();
  if (status.ok() && !question) status = CheckBatchSize(count);
  // Last: interactions that are refused for their number cost nobody's limits.
  if (status.ok()) {
    cost.bytes = 0;
    cost.interactions = static_cast<double>(count);
    status = ChargeCaller(context_->calls, caller_, cost);
  }
  if (!status.ok()) {
    flow_.Close(std::move(status));
  } else if (question) {
    AskPosition();
  } else {
    Accept(request);
  }
}

void IngestStream::AskPosition() {
  auto slot = std::make_shared<Slot>();
  slot->ack.set_stream_position(true);
  slot->interactions = 1;
  store::EventStore::StreamDone done =
      [self = self_,
       slot](absl::StatusOr<store::EventStore::StreamPosition> position) {
        absl::MutexLock lock(&self->mutex_);
        if (position.ok()) {
          slot->ack.set_batch_id(position->position);
          slot->ack.set_last_sequence(position->sequence);
          slot->ready = true;
        } else {
          self->flow_.Lose(slot, position.status());
        }
        self->Advance();
      };
  flow_.Add(slot);
  absl::Status status;
  try {
    status = context_->store->FindStream(order_.stream_id(), std::move(done));
  } catch (...) {
    status = CaughtStatus();
  }
  if (!status.ok()) flow_.Lose(slot, std::move(status));
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
    const v1::Interaction& interaction =
        request.interactions(static_cast<int>(i));
    auto checked = CheckInteraction(interaction, now_ms, request.time_unit());
    absl::Status status = checked.status();
    if (status.ok()) {
      status = CheckCallersWeight(checked->weight, caller_.max_weight);
      if (!status.ok()) {
        context_->calls.metrics->CountRefused(Refusal::kWeight);
      }
    }
    if (status.ok()) {
      batch.push_back(*std::move(checked));
      slot->places.push_back(i);
    } else {
      Reject(i, status, &slot->ack);
    }
  }
  if (batch.empty()) {
    slot->ready = true;
    flow_.Add(std::move(slot));
    return;
  }
  Held held;
  held.batch.interactions = std::move(batch);
  held.batch.stream_id = order_.stream_id();
  held.batch.position = request.batch_id();
  held.batch.partial = true;
  held.slot = slot;
  // Last, so that nothing is waited for that cannot come.
  flow_.Add(std::move(slot));
  Store(std::move(held));
}

absl::Status IngestStream::TryStore(Held* held) {
  try {
    return context_->store->TryAppend(
        &held->batch, [self = self_, slot = held->slot](
                          absl::StatusOr<std::vector<store::Appended>> result) {
          self->Stored(slot, std::move(result));
        });
  } catch (...) {
    return CaughtStatus();
  }
}

void IngestStream::Store(Held held) {
  absl::Status status = TryStore(&held);
  if (store::IsQueueFull(status)) {
    // Asked for, then tried again: room made in between would go unnoticed.
    try {
      hooks_->room_wanted(self_);
      status = TryStore(&held);
    } catch (...) {
      status = CaughtStatus();
    }
  }
  if (status.ok()) return;
  if (store::IsQueueFull(status)) {
    held_ = std::move(held);
  } else {
    flow_.Lose(held.slot, std::move(status));
  }
}

void IngestStream::RetryHeld() {
  absl::MutexLock lock(&mutex_);
  if (!held_.has_value() || flow_.finished()) return;
  Held held = *std::move(held_);
  held_.reset();
  Store(std::move(held));
  Advance();
}

void IngestStream::Acknowledge(Slot* slot,
                               const std::vector<store::Appended>& appended) {
  model::Sequence last = 0;
  uint32_t duplicates = 0;
  uint32_t refused = 0;
  for (size_t i = 0; i < appended.size(); ++i) {
    const store::Appended& one = appended[i];
    last = std::max(last, one.sequence);
    duplicates += one.duplicate;
    if (one.refused == store::FullOf::kNothing) continue;
    ++refused;
    CountFull(context_->calls, one.refused);
    Reject(slot->places[i],
           store::IdsFullError(one.refused, context_->id_bounds), &slot->ack);
  }
  slot->ack.set_last_sequence(last);
  slot->ack.set_duplicates(duplicates);
  slot->ack.set_accepted(static_cast<uint32_t>(appended.size()) - duplicates -
                         refused);
  slot->ready = true;
  CountAck(context_->calls, slot->ack.accepted(), last,
           model::SteadyNow() - slot->arrived);
}

void IngestStream::Stored(
    const std::shared_ptr<Slot>& slot,
    absl::StatusOr<std::vector<store::Appended>> appended) {
  {
    absl::MutexLock lock(&mutex_);
    if (appended.ok()) {
      Acknowledge(slot.get(), *appended);
    } else {
      flow_.Lose(slot, appended.status());
    }
    Advance();
  }
  if (appended.ok()) context_->trainer->Notify();
}

void IngestStream::OnWriteDone(bool ok) {
  absl::MutexLock lock(&mutex_);
  flow_.SendDone();
  if (!ok) flow_.Close(absl::CancelledError("the client went away"));
  Advance();
}

void IngestStream::OnCancel() {
  absl::MutexLock lock(&mutex_);
  flow_.Cancel();
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

void IngestStream::SendNext() {
  const v1::IngestAck* ack = flow_.BeginSend();
  if (ack == nullptr) return;
  try {
    WriteMessage(*ack, &outgoing_);
  } catch (...) {
    flow_.SendFailed(CaughtStatus());
    return;
  }
  StartWrite(&outgoing_);
}

void IngestStream::Advance() {
  if (flow_.finished()) return;
  SendNext();
  if (const auto status = flow_.BeginFinish(); status.has_value()) {
    // What the store has taken it writes all the same.
    held_.reset();
    RecordEnd(context_->calls, &recorded_, status->code(), nullptr);
    Finish(EndCall(context_->calls, RpcMethod::kIngest, request_id_, start_,
                   *status));
    return;
  }
  if (flow_.BeginRead(held_.has_value())) StartRead(&incoming_);
}

}  // namespace taud::server
