#include "server/api/ingestion_service.h"

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
    const v1::WriteInteractionsRequest& request, int64_t now_ms) {
  const auto count = static_cast<size_t>(request.interactions_size());
  if (count < 1 || count > kMaxBatch) {
    return FieldError(
        "interactions",
        absl::StrCat("has ", count, " entries; allowed: 1 to ", kMaxBatch));
  }
  std::vector<store::NewInteraction> batch;
  batch.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    auto checked = CheckInteraction(request.interactions(static_cast<int>(i)),
                                    now_ms, request.time_unit());
    if (!checked.ok()) {
      return PrefixField(absl::StrCat("interactions[", i, "]"),
                         checked.status());
    }
    batch.push_back(*std::move(checked));
  }
  return batch;
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
  Guard(call, [&] {
    v1::WriteInteractionsRequest request;
    if (!call->Parse(*bytes, &request)) return;
    const absl::Time arrived = model::SteadyNow();
    auto batch = CheckBatch(request, absl::ToUnixMillis(absl::Now()));
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
            for (uint32_t i = 0; i < appended->size(); ++i) {
              response.add_sequences((*appended)[i].sequence);
              if ((*appended)[i].duplicate) response.add_duplicates(i);
            }
            const int written =
                response.sequences_size() - response.duplicates_size();
            context_->metrics->CountAck(static_cast<size_t>(written),
                                        model::SteadyNow() - arrived);
            call->Reply(response);
          });
          if (appended.ok()) context_->trainer->Notify();
        });
    if (!status.ok()) call->Fail(std::move(status));
  });
  return call;
}

}  // namespace taud::server
