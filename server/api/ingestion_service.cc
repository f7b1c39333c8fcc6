#include "server/api/ingestion_service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "model/steady_clock.h"
#include "server/api/call.h"
#include "server/api/validation.h"
#include "server/rpc/errors.h"

namespace taud::server {
namespace {

absl::StatusOr<std::vector<store::NewInteraction>> CheckBatch(
    const v1::WriteInteractionsRequest& request, int64_t now_ms,
    double max_weight, Metrics* metrics) {
  const auto count = static_cast<size_t>(request.interactions_size());
  std::vector<store::NewInteraction> batch;
  batch.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    auto checked = CheckInteraction(request.interactions(static_cast<int>(i)),
                                    now_ms, request.time_unit());
    absl::Status status = checked.status();
    if (status.ok()) {
      status = CheckCallersWeight(checked->weight, max_weight);
      if (!status.ok()) metrics->CountRefused(Refusal::kWeight);
    }
    if (!status.ok()) {
      return PrefixField(absl::StrCat("interactions[", i, "]"), status);
    }
    batch.push_back(*std::move(checked));
  }
  return batch;
}

absl::StatusOr<store::Retraction> CheckRetraction(
    const v1::Retraction& retraction) {
  const int named = (retraction.sequence() != 0) +
                    !retraction.event_id().empty() + retraction.has_pair();
  if (named != 1) {
    return FieldError("sequence, event_id, pair",
                      absl::StrCat(named,
                                   " are given; allowed: exactly one, "
                                   "and a sequence from 1 on"));
  }
  store::Retraction checked;
  checked.sequence = retraction.sequence();
  checked.event_id = retraction.event_id();
  absl::Status status;
  if (!retraction.event_id().empty()) {
    status = CheckId("event_id", retraction.event_id());
  }
  if (retraction.has_pair()) {
    checked.user_id = retraction.pair().user_id();
    checked.item_id = retraction.pair().item_id();
    status = CheckId("pair.user_id", checked.user_id);
    if (status.ok()) status = CheckId("pair.item_id", checked.item_id);
  }
  if (!status.ok()) return status;
  return checked;
}

absl::StatusOr<std::vector<store::Retraction>> CheckRetractions(
    const v1::RetractInteractionsRequest& request) {
  constexpr size_t kMost = 1000;
  const auto count = static_cast<size_t>(request.retractions_size());
  if (count < 1 || count > kMost) {
    return FieldError(
        "retractions",
        absl::StrCat("has ", count, " entries; allowed: 1 to ", kMost));
  }
  std::vector<store::Retraction> retractions;
  for (size_t i = 0; i < count; ++i) {
    auto checked = CheckRetraction(request.retractions(static_cast<int>(i)));
    if (!checked.ok()) {
      return PrefixField(absl::StrCat("retractions[", i, "]"),
                         checked.status());
    }
    retractions.push_back(*std::move(checked));
  }
  return retractions;
}

}  // namespace

IngestionServiceImpl::IngestionServiceImpl(const DaemonContext* context,
                                           size_t max_unacknowledged)
    : context_(context), max_unacknowledged_(max_unacknowledged) {
  hooks_.room_wanted = [this](std::shared_ptr<IngestStream> stream) {
    absl::MutexLock lock(&mutex_);
    waiting_.push_back(std::move(stream));
  };
  hooks_.closed = [this](const std::shared_ptr<IngestStream>& stream) {
    absl::MutexLock lock(&mutex_);
    streams_.erase(stream);
  };
}

void IngestionServiceImpl::WakeWaiting() {
  std::vector<std::shared_ptr<IngestStream>> waiting;
  {
    absl::MutexLock lock(&mutex_);
    waiting.swap(waiting_);
  }
  for (const auto& stream : waiting) stream->RetryHeld();
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>*
IngestionServiceImpl::Ingest(grpc::CallbackServerContext* rpc) {
  auto stream = std::make_shared<IngestStream>(context_, max_unacknowledged_,
                                               &hooks_, rpc);
  bool draining = false;
  {
    absl::MutexLock lock(&mutex_);
    draining = draining_;
    streams_.insert(stream);
  }
  stream->Begin(stream);
  if (draining) stream->Drain();
  return stream.get();
}

void IngestionServiceImpl::Drain() {
  std::vector<std::shared_ptr<IngestStream>> streams;
  {
    absl::MutexLock lock(&mutex_);
    draining_ = true;
    streams.assign(streams_.begin(), streams_.end());
  }
  for (const auto& stream : streams) stream->Drain();
}

grpc::ServerUnaryReactor* IngestionServiceImpl::WriteInteractions(
    grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* bytes,
    grpc::ByteBuffer* buffer) {
  auto* call = new UnaryCall(&context_->calls, RpcMethod::kWriteInteractions,
                             rpc, buffer);
  Handle(call, [&] {
    v1::WriteInteractionsRequest request;
    if (!call->Parse(*bytes, &request)) return;
    const absl::Time arrived = model::SteadyNow();
    // Interactions that are refused for their number cost nobody's limits.
    const auto count = static_cast<size_t>(request.interactions_size());
    absl::Status counted = CheckBatchSize(count);
    if (!counted.ok()) return call->Fail(std::move(counted));
    if (!call->ChargeInteractions(count)) return;
    auto batch = CheckBatch(request, absl::ToUnixMillis(absl::Now()),
                            call->caller().max_weight, context_->calls.metrics);
    if (!batch.ok()) {
      call->Fail(batch.status());
      return;
    }
    absl::Status status = context_->store->Append(
        *std::move(batch),
        [this, call,
         arrived](absl::StatusOr<std::vector<store::Appended>> appended) {
          Guard(call, [&] {
            if (!appended.ok()) return call->Fail(appended.status());
            v1::WriteInteractionsResponse response;
            model::Sequence last = 0;
            for (uint32_t i = 0; i < appended->size(); ++i) {
              last = std::max(last, (*appended)[i].sequence);
              response.add_sequences((*appended)[i].sequence);
              if ((*appended)[i].duplicate) response.add_duplicates(i);
            }
            const int written =
                response.sequences_size() - response.duplicates_size();
            CountAck(context_->calls, static_cast<size_t>(written), last,
                     model::SteadyNow() - arrived);
            call->Reply(response);
          });
          if (appended.ok()) context_->trainer->Notify();
        });
    if (!status.ok()) call->Fail(std::move(status));
  });
  return call;
}

grpc::ServerUnaryReactor* IngestionServiceImpl::RetractInteractions(
    grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* bytes,
    grpc::ByteBuffer* buffer) {
  auto* call = new UnaryCall(&context_->calls, RpcMethod::kRetractInteractions,
                             rpc, buffer);
  Handle(call, [&] {
    v1::RetractInteractionsRequest request;
    if (!call->Parse(*bytes, &request)) return;
    auto retractions = CheckRetractions(request);
    if (!retractions.ok()) return call->Fail(retractions.status());
    absl::Status status = context_->store->Retract(
        *std::move(retractions),
        [this, call](absl::StatusOr<store::EventStore::Retracted> retracted) {
          Guard(call, [&] {
            if (!retracted.ok()) return call->Fail(retracted.status());
            v1::RetractInteractionsResponse response;
            for (const model::Sequence sequence : retracted->sequences) {
              response.add_sequences(sequence);
            }
            response.set_interactions(retracted->interactions);
            call->Reply(response);
          });
          if (retracted.ok()) context_->trainer->Notify();
        });
    if (!status.ok()) call->Fail(std::move(status));
  });
  return call;
}

}  // namespace taud::server
