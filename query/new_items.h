#ifndef TAUD_QUERY_NEW_ITEMS_H_
#define TAUD_QUERY_NEW_ITEMS_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "model/interactions.h"
#include "model/snapshot.h"
#include "model/types.h"

namespace taud::query {

// Vectors for the items that a snapshot has none of, because their first
// interactions came after it. An item's vector is the normalised mean of the
// rows of the users who took it:
//
//   e_i ∝ Σ_{u ∈ U_i} u,    U_i: its first kMaxUsers users with a row and a
//                           positive interaction
//
// That is where the positive side of the loss would move it from nothing. With
// it the item is ranked by score before the next snapshot.
//
// Such a vector is nearer to users than that of a trained item, which negatives
// have pushed away; and the vector that a single user made is that user's row.
// So a score counts only as much as there is evidence:
//
//   score = q·e_i · |U_i| / (|U_i| + 4)
//
// For example, a fifth of the cosine after one user, half of it after four.
//
// At most kMaxItems items have a vector, those that came first; the others wait
// for the next snapshot.
//
// Thread-safe. `snapshot` outlives it.
class NewItems {
 public:
  static constexpr size_t kMaxItems = 1024;
  static constexpr size_t kMaxUsers = 64;

  // The vectors at one moment. Immutable.
  struct Vectors {
    std::vector<model::ItemIndex> items;  // ascending
    std::vector<float> columns;           // [dim × items], unit columns
    std::vector<float> trust;             // [items] |U_i| / (|U_i| + 4)

    // Whether `item` has one, and where it stands in `items`.
    bool Find(model::ItemIndex item, size_t* at) const;
    // (*scores)[i] of items[i] for `query` [dim], see above.
    void Score(absl::Span<const float> query, std::vector<float>* scores) const;
  };

  explicit NewItems(const model::Snapshot* snapshot) : snapshot_(snapshot) {}

  // Takes in what `interactions` has since the last call, or a part of it if
  // that is much, and gives the vectors as of then. Never null. Always the
  // same `interactions`.
  std::shared_ptr<const Vectors> Update(
      const model::Interactions& interactions);

 private:
  struct Item {
    std::vector<model::UserIndex> users;
    std::vector<float> sum;  // [dim]
  };

  void Add(const model::Interaction& interaction)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeBack(model::UserIndex user, model::ItemIndex item)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::shared_ptr<const Vectors> Normalised() const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const model::Snapshot* const snapshot_;
  absl::Mutex mutex_;
  bool started_ ABSL_GUARDED_BY(mutex_) = false;
  bool changed_ ABSL_GUARDED_BY(mutex_) = false;
  size_t position_ ABSL_GUARDED_BY(mutex_) = 0;  // in the log, read until here
  size_t erased_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<model::ItemIndex, Item> items_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const Vectors> vectors_ ABSL_GUARDED_BY(mutex_) =
      std::make_shared<Vectors>();
};

}  // namespace taud::query

#endif  // TAUD_QUERY_NEW_ITEMS_H_
