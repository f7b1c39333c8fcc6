#ifndef TAUD_STORE_VERIFY_H_
#define TAUD_STORE_VERIFY_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/types.h"

namespace taud::store {

// One thing that is wrong with a data directory, and what can be done.
struct Problem {
  std::string what;    // names the file
  std::string remedy;  // what to do
};

struct VerifyReport {
  std::vector<Problem> problems;
  uint64_t events = 0;
  uint64_t users = 0;
  uint64_t items = 0;
  model::Sequence last_sequence = 0;
  uint64_t snapshots = 0;    // whole ones
  uint64_t checkpoints = 0;  // the same
  bool backup = false;       // it has a BACKUP.json, which was compared
};

// Reads the whole of a data directory or a backup that no taud holds, and
// changes nothing in it: every checksum, every record, and whether they agree
// with each other. `step` is told what is looked at. An error means that it
// could not be looked at: NOT_FOUND, FAILED_PRECONDITION (a taud holds it).
absl::StatusOr<VerifyReport> VerifyDataDirectory(
    const std::string& data_dir,
    const std::function<void(const std::string&)>& step);

// One event of the log as the outside knows it.
struct ExportedEvent {
  model::Interaction interaction;
  std::string_view user_id, item_id, event_id;
};

// Calls visit for every event of a data directory or a backup that no taud
// holds, in order; what was erased is left out. Changes nothing.
absl::Status ExportEvents(
    const std::string& data_dir,
    const std::function<absl::Status(const ExportedEvent&)>& visit);

}  // namespace taud::store

#endif  // TAUD_STORE_VERIFY_H_
