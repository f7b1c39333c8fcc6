#ifndef TAUD_MODEL_CATALOGUE_H_
#define TAUD_MODEL_CATALOGUE_H_

#include <cstdint>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "model/bitmap.h"
#include "model/expression.h"
#include "model/item_columns.h"
#include "model/property.h"
#include "model/tag_index.h"
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
  Properties properties;
};

// Which items a request wants, by tags and properties. An empty list does not
// restrict.
struct TagFilter {
  std::vector<std::string> any;                  // at least one of them
  std::vector<std::string> all;                  // every one of them
  std::vector<std::string> none;                 // none of them
  std::shared_ptr<const Expression> expression;  // null: does not restrict

  bool empty() const {
    return any.empty() && all.empty() && none.empty() && expression == nullptr;
  }
};

// The tags of several items.
struct ItemTags {
  std::vector<TagId> tags;
  std::vector<size_t> ends;  // in tags, one an item

  absl::Span<const TagId> Of(size_t i) const {
    const size_t begin = i == 0 ? 0 : ends[i - 1];
    return absl::MakeConstSpan(tags).subspan(begin, ends[i] - begin);
  }
};

// What has changed since when; both only grow.
struct CatalogueStamp {
  uint64_t changes = 0;     // of items' tags
  uint64_t reassigned = 0;  // ids of forgotten tags that mean another tag now

  bool operator==(const CatalogueStamp& other) const {
    return changes == other.changes && reassigned == other.reassigned;
  }
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
  Properties PropertiesOf(ItemIndex item) const;
  bool Has(ItemIndex item) const;

  // The tags of each of `items`.
  void CopyTags(absl::Span<const ItemIndex> items, ItemTags* tags) const;
  // The items that have a tag and are not in `without`, ascending, and the tags
  // of each; of very many the `most` with the greatest index. Replaces both.
  void CopyTagged(const Bitmap& without, size_t most,
                  std::vector<ItemIndex>* items, ItemTags* tags) const;
  // The items of a tag, ascending; of more than `most` every so many-th.
  // Replaces *items. An unknown tag has none.
  void CopyItemsOf(TagId tag, size_t most, std::vector<ItemIndex>* items) const;
  CatalogueStamp stamp() const;
  // (*matches)[i] becomes 1 where the expression is true for items[i], else 0.
  void MatchEach(const Expression& expression,
                 absl::Span<const ItemIndex> items,
                 std::vector<char>* matches) const;

  // Replaces *eligible by the set of items in [0, num_items) that are not
  // hidden, available at now_ms and match `filter`. Costs O(num_items / 32) for
  // each tag named, and about a nanosecond for each item and comparison of the
  // expression; of availability only what has changed since the last call.
  void FillEligible(const TagFilter& filter, int64_t now_ms, size_t num_items,
                    Bitmap* eligible) const;
  // The same, hidden and unavailable ones included.
  void FillMatching(const TagFilter& filter, size_t num_items,
                    Bitmap* matching) const;
  // Takes the items of any of the tags out of *items.
  void TakeTagged(absl::Span<const TagId> tags, Bitmap* items) const;

  // Whether FillEligible would be the whole range for an empty TagFilter at
  // any time: nothing hidden and no windows.
  bool Unrestricted() const;

  bool HasTag(absl::string_view tag) const;
  bool HasProperty(absl::string_view name) const;
  size_t num_records() const;
  size_t num_properties() const;  // distinct names
  // About what all of it takes.
  size_t bytes() const;

 private:
  struct Entry {
    std::string title;
    std::vector<TagId> tags;
    bool hidden = false;
    int64_t from_ms = 0;
    int64_t until_ms = 0;
    std::string properties;  // packed

    bool HasWindow() const;
    bool AvailableAt(int64_t now_ms) const {
      return from_ms <= now_ms && now_ms < until_ms;
    }
    size_t bytes() const;
  };

  // What is known of an item but its tags.
  void Unlink(ItemIndex item, const Entry& entry)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Entry Link(ItemIndex item, const ItemRecord& record)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Replaces the tags of the item, `before`, if they are others.
  std::vector<TagId> ReplaceTags(ItemIndex item, std::vector<TagId> before,
                                 const std::vector<std::string>& after)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Hide(ItemIndex item, bool hidden) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CopyTagsOf(absl::Span<const ItemIndex> items, ItemTags* tags) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void Match(const TagFilter& filter, size_t num_items, Bitmap* matching) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void MatchOpen(const TagFilter& filter, size_t num_items,
                 Bitmap* eligible) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // Whether no window opens or closes between as_of_ms_ and now_ms.
  bool IsAsOf(int64_t now_ms) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void MoveTo(int64_t now_ms) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  absl::flat_hash_map<ItemIndex, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  TagIndex tags_ ABSL_GUARDED_BY(mutex_);
  ItemColumns columns_ ABSL_GUARDED_BY(mutex_);
  size_t entry_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t changes_ ABSL_GUARDED_BY(mutex_) = 0;
  Bitmap tagged_ ABSL_GUARDED_BY(mutex_);  // items with a tag
  Bitmap hidden_ ABSL_GUARDED_BY(mutex_);
  size_t num_hidden_ ABSL_GUARDED_BY(mutex_) = 0;
  // When which item becomes available, or is no longer.
  std::set<std::pair<int64_t, ItemIndex>> edges_ ABSL_GUARDED_BY(mutex_);
  // The items that are not available at as_of_ms_.
  mutable Bitmap closed_ ABSL_GUARDED_BY(mutex_);
  mutable int64_t as_of_ms_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace taud::model

#endif  // TAUD_MODEL_CATALOGUE_H_
