#ifndef TAUD_STORE_LOG_EVENT_STORE_H_
#define TAUD_STORE_LOG_EVENT_STORE_H_

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
#include "store/log/erasure.h"
#include "store/log/new_interaction.h"
#include "store/log/record_update.h"
#include "store/log/retraction.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace taud::store {

// Whether an append was refused only because the writer is behind.
bool IsQueueFull(const absl::Status& status);

// How many ids of a kind there may be, erased ones not counted; 0: any number.
struct IdBounds {
  size_t max_users = 0;
  size_t max_items = 0;
};
// Which of them is reached.
enum class FullOf { kNothing, kUsers, kItems };

// RESOURCE_EXHAUSTED that names the setting.
absl::Status IdsFullError(FullOf full, const IdBounds& bounds);
// Whether it is such a status, and of which.
FullOf FullOfIds(const absl::Status& status);

// What became of one of them.
struct Appended {
  model::Sequence sequence = 0;
  // The event id was known: `sequence` is the first one's, nothing was written.
  bool duplicate = false;
  // Its user or item would be one too many: nothing was written. Of partial
  // batches.
  FullOf refused = FullOf::kNothing;
};

// The durable truth of the daemon, on RocksDB: the event log by sequence, the
// event ids for deduplication, the clients' streams, the id dictionaries, the
// catalogue, the receipts of erasures, and meta.
//
// Owns two threads. Batches handed in from any thread are gathered by the
// writer into one write, synced once (group commit); the applier applies them
// to the model::State in order of sequence, while the writer writes the next
// ones, and only then are their callbacks called: what a callback reports is
// on disk and visible. Batches from one caller keep their order.
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
    // The same in bytes of memory, about.
    size_t max_queued_bytes = size_t{64} << 20;
    // Interactions written in one group at most, except that a batch is never
    // divided.
    size_t max_group = 16384;
    // How long an event id and a stream's position are remembered.
    int64_t dedup_window_ms = int64_t{7} * 24 * 60 * 60 * 1000;
    // What would need more ids is refused; what is in the log already is read
    // whatever this says.
    IdBounds ids;
    // With less left on the disk, interactions and items are refused; what
    // frees space goes on.
    uint64_t min_free_bytes = 0;
    // Bytes left on the disk, for tests. Null: asks the file system.
    std::function<uint64_t()> free_bytes;
    // See EventDb::FormatFound; may be null.
    std::function<absl::Status(int format, bool has_data)> format_found;
    // RocksDB's file system and clock, for tests that make them fail; must
    // outlive the store. Null: the machine's.
    rocksdb::Env* env = nullptr;
  };

  // What is written whole or not at all.
  struct Batch {
    std::vector<NewInteraction> interactions;
    // The client's stream it belongs to; empty: none. A batch whose position
    // in the stream is not above that of one written before is not written
    // again, and all of it answered as duplicates.
    std::string stream_id;
    uint64_t position = 0;
    // Interactions whose ids would be too many are left out, and the others
    // written; else all of it is refused.
    bool partial = false;
  };

  struct StreamPosition {
    uint64_t position = 0;         // 0: the stream is unknown
    model::Sequence sequence = 0;  // of the last interaction it wrote
  };
  using StreamDone = std::function<void(absl::StatusOr<StreamPosition>)>;
  using EraseDone = std::function<void(absl::StatusOr<Erasure>)>;

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

  // What the store says by itself, on its own threads. Each must be quick, and
  // must neither call Close nor throw; null: nobody asks.
  struct Listener {
    // The queue has room again, whatever made it: a batch that was refused as
    // IsQueueFull may be handed over once more, in this call or later.
    std::function<void()> room;
    // A write that had failed turns out to be in the log, and took an id away:
    // PendingErasures has one more, of which its caller was not told.
    std::function<void()> erasure_found;
  };
  // REQUIRES: before Replay. What it calls outlives Close.
  void SetListener(Listener listener);

  // The last sequence in the log as Open found it. A snapshot or a checkpoint
  // that has learnt more proves that acknowledged interactions are missing.
  model::Sequence log_end() const;

  // Reads the log into state->interactions and starts the writer. `progress`
  // is called now and then with how many sequences have been read, of how many
  // that are there, and once at the end; it may be null. DATA_LOSS names the
  // sequence of a damaged event.
  using ReplayProgress = std::function<void(uint64_t read, uint64_t of)>;
  absl::Status Replay(const ReplayProgress& progress);

  // Hands over a batch. OK means `done` will be called exactly once, from the
  // writer thread, with one Appended per interaction in order, or with the
  // error that kept all of the batch from being acknowledged: nothing of it is
  // visible. A write that failed may yet turn out to have reached the log when
  // the store, or the process, comes back; event ids make a retry exact.
  // Not OK means that nothing was taken and `done` will not be called:
  // INVALID_ARGUMENT (a field, by position and name, or a batch larger than
  // the queue), RESOURCE_EXHAUSTED (the queue is full), UNAVAILABLE (not
  // replayed yet, or closing). *batch is moved from only if it was taken.
  // RESOURCE_EXHAUSTED also if the disk has less than min_free_bytes left; a
  // full queue is IsQueueFull.
  // `done` must be quick and must neither call Close nor throw.
  absl::Status TryAppend(Batch* batch, AppendDone done);
  // The same for a batch of no stream, lost if it is not taken.
  absl::Status Append(std::vector<NewInteraction> batch, AppendDone done);

  // Writes catalogue records, whole batch or nothing, with the same rules.
  // New ids become items. Of an item that exists only what its mask names is
  // replaced; `done` is told INVALID_ARGUMENT if no record may be like what
  // comes of that.
  absl::Status UpsertItems(std::vector<NewItem> batch, UpsertDone done);
  // The same for the properties of users, whose ids are distinct.
  absl::Status UpsertUsers(std::vector<NewUser> batch, UpsertDone done);

  // Takes interactions back: what is written for it is a retraction of each
  // pair of user and item, and what is to stay of them anew. `done` as in
  // Append; NOT_FOUND names a retraction that takes nothing back, and then
  // nothing is written.
  struct Retracted {
    std::vector<model::Sequence> sequences;  // one a retraction
    uint64_t interactions = 0;               // taken back
  };
  using RetractDone = std::function<void(absl::StatusOr<Retracted>)>;
  absl::Status Retract(std::vector<Retraction> retractions, RetractDone done);

  // How far a stream has been written, after everything handed over before.
  // `done` as in Append.
  absl::Status FindStream(const std::string& stream_id, StreamDone done);

  // Takes an id away: durable, and unknown to every look-up, when `done` is
  // called with the receipt; its interactions are then still to be removed.
  // NOT_FOUND if the id is unknown. `erasure_id` names the receipt: a second
  // call with the same one gives the same receipt. Empty: one is made up.
  absl::Status Erase(ErasureSubject subject, const std::string& id,
                     const std::string& erasure_id, EraseDone done);

  // The receipts of erasures that some copy is still left of; and any one,
  // NOT_FOUND for an unknown id.
  std::vector<Erasure> PendingErasures() const;
  absl::StatusOr<Erasure> FindErasure(const std::string& erasure_id) const;

  // --- Upkeep: these wait, for seconds with a large log. One thread at a time,
  // not the callbacks'; between Replay and Close. ---

  // Removes every interaction of what was erased from the log's files; counts
  // them into the records.
  absl::Status EraseFromLog(std::vector<Erasure>* erasures);
  // Removes from the log's files what was taken back through `needed`, and the
  // retractions themselves; through which that was.
  absl::StatusOr<model::Sequence> PurgeRetracted(model::Sequence needed);
  // Replaces the receipts.
  absl::Status WriteReceipts(const std::vector<Erasure>& erasures);

  // What may stay in the log.
  struct Retention {
    int64_t max_age_ms = 0;  // since it was accepted; 0: any
    uint64_t max_bytes = 0;  // 0: any
  };
  // Removes the oldest events that are beyond it, but none after `needed`.
  // Returns the sequence through which events are gone.
  absl::StatusOr<model::Sequence> Trim(const Retention& retention,
                                       model::Sequence needed);

  // Whether interactions and items would be taken now. After a failed write it
  // comes back by this, if it can: nobody needs to send one. What it finds, and
  // whatever a write finds, is in Stats::refusing, and logged when it changes.
  absl::Status CheckWritable();

  // A consistent copy of the whole store, into a directory that must not
  // exist: hard links on the same file system. Ingestion goes on. Needs only
  // Open.
  absl::Status CopyTo(const std::string& directory);
  // While `stop` is true a copy that is being made fails soon. Any thread.
  void StopCopies(bool stop);

  // Refuses new batches, finishes the accepted ones, joins the writer and
  // closes RocksDB. Idempotent.
  void Close();

  struct Stats {
    uint64_t appended = 0;      // interactions written since Open
    uint64_t duplicates = 0;    // recognised by event id
    uint64_t groups = 0;        // synced writes
    uint64_t write_errors = 0;  // groups that failed
    uint64_t queued = 0;        // waiting now
    uint64_t queued_bytes = 0;
    double last_sync_seconds = 0;
    model::Sequence last_sequence = 0;
    model::Sequence trimmed_through = 0;  // since Open
    // Why interactions and items are refused, as far as is known; empty: they
    // are not.
    std::string refusing;
    int64_t refusing_since_ms = 0;  // Unix milliseconds; 0: they are taken
  };
  Stats stats() const;

 private:
  class Impl;
  explicit EventStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace taud::store

#endif  // TAUD_STORE_LOG_EVENT_STORE_H_
