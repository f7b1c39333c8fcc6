#ifndef TAUD_STORE_LOG_GROUP_H_
#define TAUD_STORE_LOG_GROUP_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/answer_once.h"
#include "model/state.h"
#include "model/types.h"
#include "store/log/event_codec.h"
#include "store/log/event_store.h"

namespace taud::store {

// A batch that waits for the writer: either interactions, or items or users
// with an upsert_done, or a task for the writer's thread, which is a group of
// its own. Owns its callback, which is called exactly once.
struct PendingBatch {
  EventStore::Batch batch;
  model::AnswerOnce<absl::StatusOr<std::vector<Appended>>> append_done;
  std::vector<NewItem> items;
  std::vector<NewUser> users;
  model::AnswerOnce<absl::Status> upsert_done;
  // Given OK, or why the store cannot work now. It answers whoever waits for
  // it, also when it is destroyed without having run.
  absl::AnyInvocable<void(absl::Status)> task;
  // Fills in the interactions, on the writer's thread when all that was written
  // before is applied; such a batch is a group of its own. Null: they are
  // given.
  absl::AnyInvocable<absl::Status(EventStore::Batch*)> prepare;

  // Whether it is written by itself.
  bool alone() const { return task != nullptr || prepare != nullptr; }

  size_t size() const {
    return batch.interactions.size() + items.size() + users.size();
  }
  // Memory it holds, about.
  size_t bytes() const;
};

// By the stream's id.
using StreamRecords = absl::flat_hash_map<std::string, StreamRecord>;

// What one group of batches will write and change, decided before anything is
// written: so a group that fails has changed nothing. Views and pointers are
// into the batches it was made from.
struct GroupPlan {
  struct Event {
    model::Interaction interaction;
    std::string_view event_id;  // empty: none
  };
  struct Record {
    model::ItemIndex item = 0;
    model::ItemRecord record;
  };
  struct UserRecord {
    model::UserIndex user = 0;
    model::Properties properties;
  };

  // New ids; the first one gets the index that the dictionary gives next.
  model::UserIndex first_user = 0;
  model::ItemIndex first_item = 0;
  std::vector<std::string_view> new_users;
  std::vector<std::string_view> new_items;

  std::vector<Event> events;  // ascending, gapless sequences
  model::Sequence last_sequence = 0;
  StreamRecords streams;        // as they stand after it; times are not set
  std::vector<Record> records;  // in order of arrival
  std::vector<UserRecord> user_records;
  // One a batch: why nothing of it is written.
  std::vector<absl::Status> refused;
  std::vector<std::vector<Appended>> results;  // one list a batch
  size_t duplicates = 0;

  // Nothing to write: only duplicates, or nothing at all.
  bool empty() const {
    return events.empty() && records.empty() && user_records.empty() &&
           streams.empty();
  }
};

// The non-empty event ids of the group, in order.
std::vector<std::string_view> EventIdsOf(
    const std::vector<PendingBatch>& batches);

// The distinct ids of its streams.
std::vector<std::string_view> StreamsOf(
    const std::vector<PendingBatch>& batches);

// Gives sequences after `last`, gives indices to unknown ids and recognises
// duplicates, of stored events and inside the group. `known` has, for each of
// EventIdsOf(batches), the sequence the store holds for it, or 0. A duplicate
// changes nothing: not even its user or item becomes known by it. A batch of a
// stream that has been written up to its position is one whole duplicate.
// What would need more ids than `bounds` allow is refused, the whole batch
// unless it is partial; what needs no new id never is. Reads the dictionaries
// and the records; changes nothing. The writer thread only.
GroupPlan PlanGroup(const std::vector<PendingBatch>& batches,
                    const std::vector<model::Sequence>& known,
                    model::Sequence last, const model::State& state,
                    const StreamRecords& streams = {},
                    const IdBounds& bounds = {});

// Makes a written plan visible in `state`: first the ids and the catalogue,
// which the next group's plan needs, then the interactions in order of
// sequence. REQUIRES: the dictionaries are as they were for PlanGroup; a CHECK
// otherwise. Each half one thread at a time.
void ApplyIds(const GroupPlan& plan, model::State* state);
void ApplyEvents(const GroupPlan& plan, model::State* state);

}  // namespace taud::store

#endif  // TAUD_STORE_LOG_GROUP_H_
