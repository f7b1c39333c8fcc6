#ifndef TAUD_STORE_EVENT_STORE_H_
#define TAUD_STORE_EVENT_STORE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/state.h"
#include "model/types.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace taud::store {

// An interaction as it arrives. Append checks it once more.
struct NewInteraction {
  std::string user_id;
  std::string item_id;
  int64_t time_ms = 0;
  float weight = 1.0f;
  model::InteractionKind kind = model::InteractionKind::kView;
  std::string event_id;  // empty: no deduplication
};

// What became of one of them.
struct Appended {
  model::Sequence sequence = 0;
  // The event id was known: `sequence` is the first one's, nothing was written.
  bool duplicate = false;
};

struct NewItem {
  std::string id;
  model::ItemRecord record;
};

// The durable truth of the daemon, on RocksDB: the event log by sequence, the
// event ids for deduplication, the id dictionaries, the catalogue and meta.
//
// Owns one writer thread. Batches handed in from any thread are gathered into
// one write, synced once (group commit), applied to the model::State in order
// of sequence, and only then are their callbacks called: what a callback
// reports is on disk and visible. Batches from one caller keep their order.
//
//   Open ──Replay──▶ accepting ──Close──▶ closed
//
// Thread-safe, except that Open, Replay and Close are one thread's.
class EventStore {
 public:
  struct Options {
    std::string directory;  // created if missing
    // Interactions and items that may wait for the writer; a batch that would
    // exceed it is refused, and one larger than it always.
    size_t max_queued = 65536;
    // Interactions written in one group at most, except that a batch is never
    // divided.
    size_t max_group = 16384;
    // RocksDB's file system and clock, for tests that make them fail; must
    // outlive the store. Null: the machine's.
    rocksdb::Env* env = nullptr;
  };

  using AppendDone = std::function<void(absl::StatusOr<std::vector<Appended>>)>;
  using UpsertDone = std::function<void(absl::Status)>;

  // Opens or creates the directory, checks its format version, loads the
  // dictionaries and the catalogue into *state (which must be empty and
  // outlive the store). Errors name the directory and the remedy:
  // FAILED_PRECONDITION (locked by another process, written by another
  // version), PERMISSION_DENIED (not writable), RESOURCE_EXHAUSTED (disk
  // full), DATA_LOSS (corrupt).
  static absl::StatusOr<std::unique_ptr<EventStore>> Open(
      const Options& options, model::State* state);

  // Closes if that was not done.
  ~EventStore();

  // Reads the log into state->interactions and starts the writer. `progress`
  // is called now and then with the number of events read and the last
  // sequence in the log, and once at the end; it may be null. DATA_LOSS names
  // the sequence of a damaged event.
  absl::Status Replay(
      const std::function<void(uint64_t events, uint64_t last)>& progress);

  // Hands over a batch. OK means `done` will be called exactly once, from the
  // writer thread, with one Appended per interaction in order, or with the
  // error that kept all of the batch from being acknowledged: nothing of it is
  // visible. A write that failed may yet turn out to have reached the log when
  // the store, or the process, comes back; event ids make a retry exact.
  // Not OK means that nothing was taken and `done` will not be called:
  // INVALID_ARGUMENT (a field, by position and name, or a batch larger than
  // the queue), RESOURCE_EXHAUSTED (the queue is full), UNAVAILABLE (not
  // replayed yet, or closing).
  // `done` must be quick and must neither call Close nor throw.
  absl::Status Append(std::vector<NewInteraction> batch, AppendDone done);

  // Writes catalogue records, whole batch or nothing, with the same rules.
  // New ids become items.
  absl::Status UpsertItems(std::vector<NewItem> batch, UpsertDone done);

  // Refuses new batches, finishes the accepted ones, joins the writer and
  // closes RocksDB. Idempotent.
  void Close();

  struct Stats {
    uint64_t appended = 0;      // interactions written since Open
    uint64_t duplicates = 0;    // recognised by event id
    uint64_t groups = 0;        // synced writes
    uint64_t write_errors = 0;  // groups that failed
    uint64_t queued = 0;        // waiting now
    double last_sync_seconds = 0;
    model::Sequence last_sequence = 0;
  };
  Stats stats() const;

 private:
  class Impl;
  explicit EventStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace taud::store

#endif  // TAUD_STORE_EVENT_STORE_H_
