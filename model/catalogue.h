#ifndef TAUD_MODEL_CATALOGUE_H_
#define TAUD_MODEL_CATALOGUE_H_

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "model/bitmap.h"
#include "model/types.h"

namespace taud::model {

// What the owner of an item says about it. An item that was only ever
// interacted with has the defaults.
struct ItemRecord {
  std::string title;
  std::vector<std::string> tags;  // distinct
  bool hidden = false;
  // Available while from <= now < until, in Unix milliseconds.
  int64_t available_from_ms = std::numeric_limits<int64_t>::min();
  int64_t available_until_ms = std::numeric_limits<int64_t>::max();
};

// Which items a request wants, by tag. An empty list does not restrict.
struct TagFilter {
  std::vector<std::string> any;   // at least one of them
  std::vector<std::string> all;   // every one of them
  std::vector<std::string> none;  // none of them

  bool empty() const { return any.empty() && all.empty() && none.empty(); }
};

// The items' metadata, and the sets of items that filters are made of.
//
// Thread-safe. A change is visible to every call that begins after Upsert
// returned, whole: no reader sees half an item.
class Catalogue {
 public:
  // Replaces the record of `item`.
  void Upsert(ItemIndex item, ItemRecord record);

  // Forgets the record and leaves the item out of every eligible set for good:
  // it was erased, and its index is not given again.
  void Delete(ItemIndex item);

  // The record of `item`; the defaults if it has none.
  ItemRecord Get(ItemIndex item) const;
  std::string Title(ItemIndex item) const;
  std::vector<std::string> Tags(ItemIndex item) const;
  bool Has(ItemIndex item) const;

  // Replaces *eligible by the set of items in [0, num_items) that are not
  // hidden, available at now_ms and match `tags`. Costs O(num_items / 64) for
  // each tag named, and O(items with an availability window).
  void FillEligible(const TagFilter& tags, int64_t now_ms, size_t num_items,
                    Bitmap* eligible) const;

  // Whether FillEligible would be the whole range for an empty TagFilter at
  // any time: nothing hidden and no windows.
  bool Unrestricted() const;

  size_t num_records() const;

 private:
  void Unlink(ItemIndex item, const ItemRecord& record)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Link(ItemIndex item, const ItemRecord& record)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  absl::flat_hash_map<ItemIndex, ItemRecord> records_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, Bitmap> items_by_tag_
      ABSL_GUARDED_BY(mutex_);
  Bitmap hidden_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<ItemIndex> hidden_items_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<ItemIndex> windowed_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace taud::model

#endif  // TAUD_MODEL_CATALOGUE_H_
