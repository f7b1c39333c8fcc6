#ifndef TAUD_SERVER_API_INGEST_FLOW_H_
#define TAUD_SERVER_API_INGEST_FLOW_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "taud/v1/ingestion_service.pb.h"

namespace taud::server {

// What one ingest stream decides, without gRPC and without the store: in which
// order it acknowledges, how far it reads ahead, when and how it ends.
//
//   reading ──Close──▶ closing ──all acks sent──▶ finished
//      └──────Cancel──────┴───────────────────────▲
//
// One read and one write are under way at most; each Begin… is answered by the
// owner with the call of gRPC, whose end it tells by …Done.
//
// Thread-compatible: the stream has a mutex for it.
class IngestFlow {
 public:
  // A batch that was read, in the order of reading; sent when ready.
  struct Slot {
    v1::IngestAck ack;
    size_t interactions = 0;
    // Of those that were handed on: their places in the request.
    std::vector<uint32_t> places;
    absl::Time arrived;  // by a steady clock
    bool ready = false;
  };

  // So many interactions may wait for their acknowledgement to have been sent
  // when another batch is read.
  explicit IngestFlow(size_t max_unacknowledged)
      : max_unacknowledged_(max_unacknowledged) {}

  // A place among the acknowledgements.
  void Add(std::shared_ptr<Slot> slot);
  // Never to be acknowledged, nor what came after it: the call ends with the
  // reason, after the acknowledgements that came before.
  void Lose(const std::shared_ptr<Slot>& slot, absl::Status why);
  // Nothing more is read; ends with `status` once what is pending was sent. The
  // first reason counts, but an error outranks a half-close.
  void Close(absl::Status status);
  // The client went away: nobody reads acknowledgements.
  void Cancel();

  bool closing() const { return closing_.has_value(); }
  bool finished() const { return finished_; }

  // The acknowledgement to send now; null: none.
  const v1::IngestAck* BeginSend();
  void SendDone();
  // It could not even be begun: as Lose.
  void SendFailed(absl::Status why);
  // Whether to read now. `held`: a batch waits for room in the store.
  bool BeginRead(bool held);
  void ReadDone() { reading_ = false; }
  // How the call ends, if it ends now; once.
  std::optional<absl::Status> BeginFinish();

 private:
  const size_t max_unacknowledged_;
  std::deque<std::shared_ptr<Slot>> slots_;
  size_t unacknowledged_ = 0;
  bool reading_ = false;
  bool writing_ = false;
  bool cancelled_ = false;
  bool finished_ = false;
  std::optional<absl::Status> closing_;
};

// What the messages of a stream say about it: who it is, and that its batches
// ascend. Thread-compatible.
class StreamOrder {
 public:
  // INVALID_ARGUMENT names the field.
  absl::Status Check(const v1::IngestRequest& request);
  const std::string& stream_id() const { return stream_id_; }

 private:
  std::string stream_id_;
  uint64_t last_batch_id_ = 0;
  bool started_ = false;  // a message was read
};

}  // namespace taud::server

#endif  // TAUD_SERVER_API_INGEST_FLOW_H_
