#ifndef TAUD_MODEL_TAG_INDEX_H_
#define TAUD_MODEL_TAG_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "model/bitmap.h"
#include "model/types.h"

namespace taud::model {

// A tag inside: dense, and given again when the last item of a tag is gone.
using TagId = uint32_t;

// The items of one tag: a short list, a compressed bitmap, or, where a tag has
// more than one item in 32, a plain one. So it takes at most about 8 bytes an
// item, and set algebra with a plain bitmap of n items costs about n / 32
// steps. Thread-compatible.
class ItemSet {
 public:
  ItemSet() = default;
  ItemSet(ItemSet&& other) noexcept = default;
  ItemSet& operator=(ItemSet&& other) noexcept = default;

  // False if it was there already, or was not there.
  bool Add(ItemIndex item);
  bool Remove(ItemIndex item);
  bool Has(ItemIndex item) const;
  size_t count() const { return count_; }
  size_t bytes() const;

  // Replaces *items by these, ascending; of more than `most` by every so
  // many-th. O(count).
  void CopySome(size_t most, std::vector<ItemIndex>* items) const;

  // *bits gains these items, or loses them; those beyond its size are left out.
  void OrInto(Bitmap* bits) const;
  void TakeFrom(Bitmap* bits) const;

 private:
  struct FreeRoaring {
    void operator()(void* bitmap) const;
  };
  template <typename Visit>
  void ForEach(Visit visit) const;
  void ToRoaring();

  size_t count_ = 0;
  std::vector<ItemIndex> few_;  // ascending; while the others are not used
  std::unique_ptr<void, FreeRoaring> many_;  // CRoaring's
  std::unique_ptr<Bitmap> dense_;
};

// The tags of a catalogue and the items of each. A tag of one item takes about
// 200 bytes and its name. Thread-compatible.
class TagIndex {
 public:
  // The tag's id, given if the tag is new.
  TagId Add(absl::string_view tag, ItemIndex item);
  // REQUIRES: the tag was added to the item. Forgets a tag without items.
  void Remove(TagId tag, ItemIndex item);

  std::optional<TagId> Find(absl::string_view tag) const;
  // REQUIRES: `tag` has items.
  const std::string& Name(TagId tag) const { return tags_[tag].name; }
  const ItemSet& Items(TagId tag) const { return tags_[tag].items; }
  bool Known(TagId tag) const {
    return tag < tags_.size() && tags_[tag].items.count() > 0;
  }

  size_t size() const { return ids_.size(); }
  // How often the id of a forgotten tag was given to another one.
  uint64_t reassigned() const { return reassigned_; }
  // About what it takes.
  size_t bytes() const { return bytes_; }

 private:
  struct Tag {
    std::string name;
    ItemSet items;
  };

  std::deque<Tag> tags_;  // elements never move: ids_ has views of the names
  std::vector<TagId> free_;
  absl::flat_hash_map<absl::string_view, TagId> ids_;
  size_t bytes_ = 0;
  uint64_t reassigned_ = 0;
};

}  // namespace taud::model

#endif  // TAUD_MODEL_TAG_INDEX_H_
