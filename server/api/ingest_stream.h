#ifndef TAUD_SERVER_API_INGEST_STREAM_H_
#define TAUD_SERVER_API_INGEST_STREAM_H_

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "server/api/daemon_context.h"
#include "server/api/ingest_flow.h"
#include "store/log/event_store.h"
#include "taud/v1/ingestion_service.pb.h"

namespace taud::server {

// One call of IngestionService.Ingest: reads batches, has them written,
// acknowledges them in order.
//
// Bounded: it reads on only while fewer than `max_unacknowledged`
// interactions wait for their acknowledgement to have been sent, and while
// the store takes what it read. A batch that the store has no room for is
// held, and tried again when the service says there may be room (RetryHeld).
// What it decides stands in IngestFlow.
//
// Thread-safe. Keeps itself alive until gRPC and the store are done with it.
class IngestStream
    : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  // What it needs of the service. `room_wanted` asks for a later RetryHeld;
  // `closed` is the last call. All outlive the stream.
  struct Hooks {
    std::function<void(std::shared_ptr<IngestStream>)> room_wanted;
    std::function<void(std::shared_ptr<IngestStream>)> closed;
  };

  IngestStream(const DaemonContext* context, size_t max_unacknowledged,
               const Hooks* hooks, grpc::CallbackServerContext* rpc);

  // Starts reading. `self` owns this stream.
  void Begin(std::shared_ptr<IngestStream> self);

  // Reads no more, acknowledges what was accepted, and ends the call with
  // UNAVAILABLE.
  void Drain();

  void RetryHeld();

 private:
  using Slot = IngestFlow::Slot;
  struct Held {
    store::EventStore::Batch batch;
    std::shared_ptr<Slot> slot;
  };

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  // Whether the client may still send: a credential ends while a stream goes
  // on.
  absl::Status CheckCaller() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes a place among the caller's streams.
  absl::Status Open() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What has been read. May throw without memory.
  void Take() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AskPosition() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Accept(const v1::IngestRequest& request)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes *held, or leaves it in held_. What throws closes the stream.
  void Store(Held held) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status TryStore(Held* held) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Stored(const std::shared_ptr<Slot>& slot,
              absl::StatusOr<std::vector<store::Appended>> appended);
  void Acknowledge(Slot* slot, const std::vector<store::Appended>& appended);
  // Does what can be done next: send an ack, read on, or finish.
  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SendNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Constant after construction.
  const DaemonContext* const context_;
  const Hooks* const hooks_;
  const std::string request_id_;
  const absl::Time start_;
  const Presented presented_;

  absl::Mutex mutex_;
  std::shared_ptr<IngestStream> self_ ABSL_GUARDED_BY(mutex_);
  IngestFlow flow_ ABSL_GUARDED_BY(mutex_);
  StreamOrder order_ ABSL_GUARDED_BY(mutex_);
  std::optional<Held> held_ ABSL_GUARDED_BY(mutex_);
  Caller caller_ ABSL_GUARDED_BY(mutex_);
  StreamPlace place_ ABSL_GUARDED_BY(mutex_);
  Recorded recorded_ ABSL_GUARDED_BY(mutex_);
  grpc::ByteBuffer incoming_;  // gRPC's while reading
  grpc::ByteBuffer outgoing_;  // gRPC's while writing
};

}  // namespace taud::server

#endif  // TAUD_SERVER_API_INGEST_STREAM_H_
