#ifndef TAUD_MODEL_SNAPSHOT_H_
#define TAUD_MODEL_SNAPSHOT_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "model/item_lists.h"
#include "model/neighbour_lists.h"
#include "model/types.h"

namespace taud::model {

// A dense row-major matrix of floats.
struct Matrix {
  size_t rows = 0;
  size_t cols = 0;
  std::vector<float> values;  // [rows × cols]

  Matrix() = default;
  Matrix(size_t r, size_t c) : rows(r), cols(c), values(r * c, 0.0f) {}
  const float* Row(size_t r) const { return values.data() + r * cols; }
  float* Row(size_t r) { return values.data() + r * cols; }
};

// The name of one of Snapshot::metrics: how often, on the average, each pair
// was learnt from, up to where rows have settled.
inline constexpr char kPassesMetric[] = "passes";

// What the trainer publishes and the server answers from: one consistent
// state of users, items and temperatures.
//
// Filled in by one thread, then immutable: shared as
// std::shared_ptr<const Snapshot> and read by any thread.
struct Snapshot {
  SnapshotVersion version = 0;
  // Every interaction with sequence <= trained_through has been learnt from,
  // but for what user_behind says.
  Sequence trained_through = 0;
  int64_t created_ms = 0;  // Unix milliseconds

  // Row r belongs to the user (item) of dense index r. A trained row has unit
  // norm; a row whose degree (popularity) is 0 was never trained and is zero.
  Matrix users;                           // [num_users × dim]
  Matrix items;                           // [num_items × dim]
  std::vector<uint32_t> user_degree;      // positives learnt, per user
  std::vector<uint32_t> item_popularity;  // positives learnt, per item
  // How far a user's row is behind trained_through, in sequences: what came in
  // the last so many of them is not in the row, or has not been learnt often
  // enough to show. Empty: no row is behind. See ThroughOf.
  std::vector<uint32_t> user_behind;
  // τ_u per user (Adap-τ Eq. 16); 0 where the user is untrained.
  std::vector<float> temperatures;
  // Global temperature: Adap-τ Eq. 14, times metrics["tau0_factor"].
  float tau0 = 0.0f;

  // What is chosen together. Empty: nothing is ranked by it.
  NeighbourLists neighbours;

  // Named figures of the training state, e.g. "loss", "epochs".
  std::map<std::string, double> metrics;

  size_t dim() const { return items.cols; }
  // What row `user` has taken up: every interaction of the user's with a
  // sequence up to this one. 0 for a user without a row.
  Sequence ThroughOf(UserIndex user) const;
};

// The value of Snapshot::user_behind for a row that has taken up what came
// through `row_through`. Pure.
uint32_t Behind(Sequence trained_through, Sequence row_through);

// Takes the items out of the lists, theirs and others'.
void ForgetNeighbours(const std::vector<ItemIndex>& items,
                      NeighbourLists* lists);

// Takes out of the lists what they say that these have to do with each other:
// they were one user's, who may have been the only one to choose two of them.
// Returns whether anything changed. O(items · a list).
bool ForgetTogether(const std::vector<ItemIndex>& items, NeighbourLists* lists);
// The same for the lists of a snapshot, and several users.
bool ForgetHistories(const ItemLists& histories, Snapshot* snapshot);

// Makes the rows untrained: zero, without a temperature, counted zero. Indices
// beyond the rows are passed over. Returns whether anything changed.
bool ForgetRows(const std::vector<UserIndex>& users,
                const std::vector<ItemIndex>& items, Snapshot* snapshot);

// The part of the gate that needs nothing but the snapshot: sizes agree,
// every value is finite, trained rows have unit norm (±1e-3), untrained rows
// are zero, temperatures are positive where the user is trained. The error
// names the field, the row and the value.
absl::Status ValidateSnapshot(const Snapshot& snapshot);

}  // namespace taud::model

#endif  // TAUD_MODEL_SNAPSHOT_H_
