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
//
//   reading ──half-close / error / Drain──▶ finishing ──all acks sent──▶ done
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
  // A batch that was read, in the order of reading; sent when ready.
  struct Slot {
    v1::IngestAck ack;
    size_t interactions = 0;
    absl::Time arrived;  // model::SteadyNow, as start_
    bool ready = false;
  };
  struct Held {
    store::EventStore::Batch batch;
    std::shared_ptr<Slot> slot;
  };

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  // Checks what a message says about the stream, and remembers it.
  absl::Status CheckStream(const v1::IngestRequest& request)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What has been read. May throw without memory.
  void Take() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AskPosition() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Accept(const v1::IngestRequest& request)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Store(Held held) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Stored(const std::shared_ptr<Slot>& slot,
              absl::StatusOr<std::vector<store::Appended>> appended);
  void Lose(const std::shared_ptr<Slot>& slot, const absl::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends the call with `status` once what is pending was acknowledged.
  void Close(absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Does what can be done next: send an ack, read on, or finish.
  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Constant after construction.
  const DaemonContext* const context_;
  const size_t max_unacknowledged_;
  const Hooks* const hooks_;
  const std::string request_id_;
  const absl::Time start_;

  absl::Mutex mutex_;
  std::shared_ptr<IngestStream> self_ ABSL_GUARDED_BY(mutex_);
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  // Set once nothing more is to be read: how the call ends.
  std::optional<absl::Status> closing_ ABSL_GUARDED_BY(mutex_);
  std::optional<Held> held_ ABSL_GUARDED_BY(mutex_);
  std::string stream_id_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_batch_id_ ABSL_GUARDED_BY(mutex_) = 0;
  bool started_ ABSL_GUARDED_BY(mutex_) = false;  // a message was read
  std::deque<std::shared_ptr<Slot>> slots_ ABSL_GUARDED_BY(mutex_);
  size_t unacknowledged_ ABSL_GUARDED_BY(mutex_) = 0;
  grpc::ByteBuffer incoming_;  // gRPC's while reading_
  grpc::ByteBuffer outgoing_;  // gRPC's while writing_
};

}  // namespace taud::server

#endif  // TAUD_SERVER_API_INGEST_STREAM_H_
