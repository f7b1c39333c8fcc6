#ifndef TAUD_STORE_LOG_RECORD_UPDATE_H_
#define TAUD_STORE_LOG_RECORD_UPDATE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/catalogue.h"
#include "model/property.h"
#include "model/state.h"

// Records of items and users that are written in part. Plain types and pure
// functions.

namespace taud::store {

// Which properties of a record are written: all of them are replaced, or these
// are, each set or, where the new record lacks it, removed.
struct PropertyMask {
  bool all = true;
  std::vector<std::string> names;
};

// Which fields of an item's record are written; the others stay.
struct ItemMask {
  bool title = true;
  bool tags = true;
  bool hidden = true;
  bool available_from = true;
  bool available_until = true;
  PropertyMask properties;
};

struct NewItem {
  std::string id;
  model::ItemRecord record;
  ItemMask mask;
};

struct NewUser {
  std::string id;
  model::Properties properties;
  PropertyMask mask;
};

// `old` with what the mask names taken from `update`. INVALID_ARGUMENT if no
// record may be like that: a window that is empty, too many properties.
absl::StatusOr<model::ItemRecord> Merge(model::ItemRecord old,
                                        const NewItem& update);
absl::StatusOr<model::Properties> Merge(model::Properties old,
                                        const NewUser& update);

// The records of one group as they stand after each batch: later updates build
// upon earlier ones that are not yet in the state. Lives for one PlanGroup.
class RecordPlanner {
 public:
  // `state` outlives it, and so do the updates that are planned.
  explicit RecordPlanner(const model::State* state) : state_(state) {}

  // Adds the merged records of one batch, in order, or, on error, nothing of
  // it. The message names the item or user by its place, as items[3].
  absl::Status Plan(const std::vector<NewItem>& items,
                    std::vector<model::ItemRecord>* merged);
  absl::Status Plan(const std::vector<NewUser>& users,
                    std::vector<model::Properties>* merged);

 private:
  absl::Status CheckNames(const model::Properties& properties,
                          absl::flat_hash_set<std::string>* added) const;

  const model::State* const state_;
  absl::flat_hash_map<std::string_view, model::ItemRecord> items_;
  absl::flat_hash_map<std::string_view, model::Properties> users_;
  // Names of properties that no item in the state has.
  absl::flat_hash_set<std::string> new_names_;
};

}  // namespace taud::store

#endif  // TAUD_STORE_LOG_RECORD_UPDATE_H_
