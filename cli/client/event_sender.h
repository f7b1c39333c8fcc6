#ifndef TAUD_CLI_CLIENT_EVENT_SENDER_H_
#define TAUD_CLI_CLIENT_EVENT_SENDER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "cli/client/client.h"
#include "cli/client/event_batch.h"
#include "taud/v1/ingestion_service.grpc.pb.h"

namespace taud::cli {

// Sends interactions over one Ingest stream in batches, several of them on
// their way at a time. When the stream breaks and the error is one that
// passes (the daemon restarts, the network fails), it connects again and sends
// what was not acknowledged again.
//
// Add, Flush and Finish are one thread's; acknowledgements are read on a
// thread of its own, which Finish (or the destructor) joins.
class EventSender {
 public:
  struct Options {
    size_t batch = 1000;         // interactions in a message
    size_t max_bytes = 1 << 20;  // of a message, if it has more than one
    size_t max_in_flight = 16;   // messages without acknowledgement
    // How long to try again without any acknowledgement.
    double retry_seconds = 30;
    // Not empty: a resumable stream. Batches are numbered by position, and
    // after a break the server is asked what it has, so that nothing is sent
    // or stored twice.
    std::string stream_id;
  };
  struct Totals {
    uint64_t accepted = 0;
    uint64_t duplicates = 0;
    uint64_t rejected = 0;
    uint64_t last_sequence = 0;
    uint64_t reconnects = 0;
    // Where the input stands after the last acknowledged interaction: what
    // Add was given with it.
    uint64_t position = 0;
    // The same after the last batch of which something was written: what the
    // server answers when it is asked for the stream's position.
    uint64_t stored = 0;
  };
  // Called for each rejection with the line of the interaction. On the reading
  // thread.
  using OnRejected = std::function<void(uint64_t, const std::string&)>;

  EventSender(const Common& common, const Options& options,
              OnRejected on_rejected);
  ~EventSender();

  // Connects, and asks how far the stream has been written: the position of
  // the last interaction the server holds, 0 for none. REQUIRES: stream_id is
  // set, nothing was added.
  absl::StatusOr<uint64_t> AskPosition();

  // Queues one; sends when a batch is full. Blocks while too much is in
  // flight. `position` says where the input stands behind this interaction,
  // `line` where it came from.
  absl::Status Add(v1::Interaction interaction, uint64_t position,
                   uint64_t line);
  // Sends what is queued.
  absl::Status Flush();
  // Flushes, waits for every acknowledgement, closes. The outcome.
  absl::Status Finish();

  Totals totals() const;

 private:
  using Stream = grpc::ClientReaderWriter<v1::IngestRequest, v1::IngestAck>;

  void Open();
  // Asks for the stream's position and takes what it covers out of flight.
  // False if the stream has broken.
  bool CatchUp();
  void ReadAcks();
  bool HandleAck(const v1::IngestAck& ack);
  absl::Status Send(const std::shared_ptr<EventBatch>& batch);
  // Ends the broken stream; OK if it is worth another try. Splits the batches
  // if one of them was too large for the server.
  absl::Status EndStream();
  absl::Status MakeSmaller(const grpc::Status& too_large);
  // Sends everything in flight over a new stream.
  absl::Status Reconnect();
  // Until connected; UNAVAILABLE retry_seconds after the last progress.
  absl::Status WaitForServer();

  const Common common_;
  const Options options_;
  const OnRejected on_rejected_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::IngestionService::Stub> stub_;

  // The sending thread's.
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<Stream> stream_;
  std::thread reader_;
  std::shared_ptr<EventBatch> filling_;
  size_t filling_bytes_ = 0;
  size_t max_bytes_;  // falls when the server finds a batch too large
  uint64_t next_batch_id_ = 1;
  uint64_t held_position_ = 0;  // what the server said when it was asked last
  std::string last_error_;      // why the server broke the stream last

  mutable absl::Mutex mutex_;
  std::deque<std::shared_ptr<EventBatch>> in_flight_ ABSL_GUARDED_BY(mutex_);
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Time last_progress_ ABSL_GUARDED_BY(mutex_);
  Totals totals_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace taud::cli

#endif  // TAUD_CLI_CLIENT_EVENT_SENDER_H_
