#ifndef TAUD_QUERY_NEW_ITEMS_H_
#define TAUD_QUERY_NEW_ITEMS_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "model/bitmap.h"
#include "model/catalogue.h"
#include "model/interactions.h"
#include "model/snapshot.h"
#include "model/types.h"
#include "query/tag_vectors.h"

namespace taud::query {

// Vectors for the items that a snapshot has none of, because their first
// interactions came after it, or none have come yet. An item's vector is made
// of the rows of the users who took it,
//
//   ê_i ∝ Σ_{u ∈ U_i} u,    U_i: its first kMaxUsers users with a row and a
//                           positive interaction
//
// which is where the positive side of the loss would move it from nothing, and
// of what items with its tags have in common, m_i (query/tag_vectors.h). With
// it the item is ranked by score before the next snapshot.
//
// ê_i is nearer to users than the row of a trained item, which negatives have
// pushed away; and the vector that a single user made is that user's row. So a
// score counts only as much as there is evidence, and tags say the rest:
//
//   score = q · (|U_i| ê_i + 4 m_i) / (|U_i| + 4)
//
// For example, without tags, a fifth of the cosine after one user, half of it
// after four. What interactions say replaces what tags said.
//
// At most kMaxItems items have a vector of users, those that came first, and
// kMaxTagged one of tags, those with the greatest index, so the newest; the
// others wait for the next snapshot.
//
// Thread-safe. `snapshot` outlives it.
class NewItems {
 public:
  static constexpr size_t kMaxItems = 1024;
  static constexpr size_t kMaxTagged = 1024;
  static constexpr size_t kMaxUsers = 64;

  // The vectors at one moment. Immutable.
  struct Vectors {
    std::vector<model::ItemIndex> items;  // ascending
    // [dim × items] a column an item, no longer than 1, the shorter the less is
    // known.
    std::vector<float> columns;
    std::vector<char> by_tags;  // [items] not 0: no user has made it

    // Whether `item` has one, and where it stands in `items`.
    bool Find(model::ItemIndex item, size_t* at) const;
    // (*scores)[i] of items[i] for `query` [dim], see above.
    void Score(absl::Span<const float> query, std::vector<float>* scores) const;
    // The unit vector of items[at]; false if what is known cancels out.
    bool Direction(size_t at, std::vector<float>* row) const;
  };

  explicit NewItems(const model::Snapshot* snapshot);

  // Takes in what `interactions` and `catalogue` have since the last call, or a
  // part of it if that is much, and gives the vectors as of then. Never null.
  // Always the same two. Tags of items that were learnt count as they were when
  // they were first asked for.
  std::shared_ptr<const Vectors> Update(const model::Interactions& interactions,
                                        const model::Catalogue& catalogue);

 private:
  struct Item {
    std::vector<model::UserIndex> users;
    std::vector<float> sum;  // [dim]
  };

  void UpdateTaken(const model::Interactions& interactions)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void UpdateTagged(const model::Catalogue& catalogue)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Add(const model::Interaction& interaction)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeBack(model::UserIndex user, model::ItemIndex item)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What users say of the item, and what its tags do: the sum of the score.
  void AddColumn(model::ItemIndex item, std::vector<float>* row) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::shared_ptr<const Vectors> MakeVectors() const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const model::Snapshot* const snapshot_;
  const model::Bitmap trained_;
  absl::Mutex mutex_;
  bool started_ ABSL_GUARDED_BY(mutex_) = false;
  bool changed_ ABSL_GUARDED_BY(mutex_) = false;
  size_t position_ ABSL_GUARDED_BY(mutex_) = 0;  // in the log, read until here
  size_t erased_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<model::ItemIndex, Item> items_ ABSL_GUARDED_BY(mutex_);
  TagVectors tags_ ABSL_GUARDED_BY(mutex_);
  model::CatalogueStamp tagged_as_of_ ABSL_GUARDED_BY(mutex_);
  // Tags are left that there was no time for.
  bool tags_left_ ABSL_GUARDED_BY(mutex_) = false;
  // m_i of the items whose tags say something.
  absl::flat_hash_map<model::ItemIndex, std::vector<float>> tagged_
      ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const Vectors> vectors_ ABSL_GUARDED_BY(mutex_) =
      std::make_shared<Vectors>();
};

}  // namespace taud::query

#endif  // TAUD_QUERY_NEW_ITEMS_H_
