#include "model/tag_index.h"

#include <algorithm>
#include <new>
#include <utility>

#include "roaring/roaring.h"

namespace taud::model {
namespace {

constexpr size_t kFew = 8;
// A plain bitmap pays where a tag has more than one item in so many; it is
// given up where it has become one in twice as many.
constexpr size_t kDenseShare = 32;
constexpr size_t kFewestDense = 4096;
// Of a tag, besides its name and its items.
constexpr size_t kTagBytes = 160;

roaring_bitmap_t* Roaring(void* bitmap) {
  return static_cast<roaring_bitmap_t*>(bitmap);
}

}  // namespace

void ItemSet::FreeRoaring::operator()(void* bitmap) const {
  roaring_bitmap_free(Roaring(bitmap));
}

template <typename Visit>
void ItemSet::ForEach(Visit visit) const {
  if (dense_ != nullptr) return dense_->ForEach(visit);
  if (many_ == nullptr) {
    for (const ItemIndex item : few_) visit(size_t{item});
    return;
  }
  roaring_iterate(
      Roaring(many_.get()),
      [](uint32_t item, void* visitor) {
        (*static_cast<Visit*>(visitor))(size_t{item});
        return true;
      },
      &visit);
}

void ItemSet::ToRoaring() {
  std::unique_ptr<void, FreeRoaring> made(roaring_bitmap_create());
  if (made == nullptr) throw std::bad_alloc();
  ForEach([&](size_t item) {
    roaring_bitmap_add(Roaring(made.get()), static_cast<uint32_t>(item));
  });
  many_ = std::move(made);
  dense_ = nullptr;
  few_ = {};
}

bool ItemSet::Add(ItemIndex item) {
  if (Has(item)) return false;
  ++count_;
  const size_t range = size_t{item} + 1;
  if (dense_ != nullptr && range > 2 * kDenseShare * count_ &&
      range > dense_->size()) {
    ToRoaring();
  }
  if (dense_ != nullptr) {
    if (range > dense_->size()) dense_->Resize(range + range / 8);
    dense_->Set(item);
  } else if (many_ != nullptr) {
    roaring_bitmap_add(Roaring(many_.get()), item);
    if (count_ >= kFewestDense && range <= kDenseShare * count_ &&
        roaring_bitmap_maximum(Roaring(many_.get())) < kDenseShare * count_) {
      auto dense = std::make_unique<Bitmap>(
          roaring_bitmap_maximum(Roaring(many_.get())) + size_t{1}, false);
      OrInto(dense.get());
      dense_ = std::move(dense);
      many_ = nullptr;
    }
  } else {
    few_.insert(std::lower_bound(few_.begin(), few_.end(), item), item);
    if (few_.size() > kFew) ToRoaring();
  }
  return true;
}

bool ItemSet::Remove(ItemIndex item) {
  if (!Has(item)) return false;
  --count_;
  if (dense_ != nullptr) {
    dense_->Clear(item);
    if (dense_->size() > 4 * kDenseShare * count_) ToRoaring();
  } else if (many_ != nullptr) {
    roaring_bitmap_remove(Roaring(many_.get()), item);
  } else {
    few_.erase(std::lower_bound(few_.begin(), few_.end(), item));
  }
  return true;
}

bool ItemSet::Has(ItemIndex item) const {
  if (dense_ != nullptr) return dense_->Test(item);
  if (many_ != nullptr)
    return roaring_bitmap_contains(Roaring(many_.get()), item);
  return std::binary_search(few_.begin(), few_.end(), item);
}

size_t ItemSet::bytes() const {
  if (dense_ != nullptr) return dense_->words().capacity() * sizeof(uint64_t);
  if (many_ != nullptr) return 64 + 3 * count_;
  return few_.capacity() * sizeof(ItemIndex);
}

void ItemSet::CopySome(size_t most, std::vector<ItemIndex>* items) const {
  items->clear();
  if (most == 0) return;
  const size_t stride = (count_ + most - 1) / most;
  size_t at = 0;
  ForEach([&](size_t item) {
    if (at++ % stride == 0) items->push_back(static_cast<ItemIndex>(item));
  });
}

void ItemSet::OrInto(Bitmap* bits) const {
  if (dense_ != nullptr) return bits->Or(*dense_);
  ForEach([bits](size_t item) {
    if (item < bits->size()) bits->Set(item);
  });
}

void ItemSet::TakeFrom(Bitmap* bits) const {
  if (dense_ != nullptr) return bits->AndNot(*dense_);
  ForEach([bits](size_t item) { bits->Clear(item); });
}

TagId TagIndex::Add(absl::string_view tag, ItemIndex item) {
  const auto known = ids_.find(tag);
  TagId id = 0;
  if (known != ids_.end()) {
    id = known->second;
  } else if (!free_.empty()) {
    id = free_.back();
    free_.pop_back();
    ++reassigned_;
  } else {
    id = static_cast<TagId>(tags_.size());
    tags_.emplace_back();
  }
  Tag& entry = tags_[id];
  if (known == ids_.end()) {
    entry.name = std::string(tag);
    ids_.emplace(entry.name, id);
    bytes_ += kTagBytes + tag.size();
  }
  bytes_ -= entry.items.bytes();
  entry.items.Add(item);
  bytes_ += entry.items.bytes();
  return id;
}

void TagIndex::Remove(TagId tag, ItemIndex item) {
  Tag& entry = tags_[tag];
  bytes_ -= entry.items.bytes();
  entry.items.Remove(item);
  bytes_ += entry.items.bytes();
  if (entry.items.count() > 0) return;
  bytes_ -= entry.items.bytes() + kTagBytes + entry.name.size();
  ids_.erase(entry.name);
  entry = Tag();
  free_.push_back(tag);
}

std::optional<TagId> TagIndex::Find(absl::string_view tag) const {
  const auto it = ids_.find(tag);
  if (it == ids_.end()) return std::nullopt;
  return it->second;
}

}  // namespace taud::model
