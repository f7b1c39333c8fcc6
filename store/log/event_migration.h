#ifndef TAUD_STORE_LOG_EVENT_MIGRATION_H_
#define TAUD_STORE_LOG_EVENT_MIGRATION_H_

#include "absl/status/status.h"

namespace taud::store {

class EventDb;

// Brings an opened database of an older format to the present one. Can be cut
// short at any instant and begins again at the next start. Format 1 → 2: the
// events learn their ids, and the ids become hashed keys.
class EventMigration {
 public:
  explicit EventMigration(EventDb* db) : db_(*db) {}

  // Does nothing for the present format. A database opened to look only that
  // needs it is FAILED_PRECONDITION.
  absl::Status Run();

 private:
  absl::Status MoveEventIds();

  EventDb& db_;
};

}  // namespace taud::store

#endif  // TAUD_STORE_LOG_EVENT_MIGRATION_H_
