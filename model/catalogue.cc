#include "model/catalogue.h"

#include <algorithm>
#include <utility>

namespace taud::model {
namespace {

bool HasWindow(const ItemRecord& record) {
  return record.available_from_ms != std::numeric_limits<int64_t>::min() ||
         record.available_until_ms != std::numeric_limits<int64_t>::max();
}

void SetGrowing(Bitmap* bitmap, size_t i) {
  if (i >= bitmap->size()) bitmap->Resize(std::max(i + 1, 2 * bitmap->size()));
  bitmap->Set(i);
}

}  // namespace

void Catalogue::Upsert(ItemIndex item, ItemRecord record) {
  absl::MutexLock lock(&mutex_);
  const auto old = records_.find(item);
  if (old != records_.end()) Unlink(item, old->second);
  Link(item, record);
  records_.insert_or_assign(item, std::move(record));
}

void Catalogue::Delete(ItemIndex item) {
  absl::MutexLock lock(&mutex_);
  const auto old = records_.find(item);
  if (old != records_.end()) {
    Unlink(item, old->second);
    records_.erase(old);
  }
  SetGrowing(&hidden_, item);
  hidden_items_.insert(item);
}

void Catalogue::Unlink(ItemIndex item, const ItemRecord& record) {
  for (const std::string& tag : record.tags) {
    const auto it = items_by_tag_.find(tag);
    if (it != items_by_tag_.end()) it->second.Clear(item);
  }
  hidden_.Clear(item);
  hidden_items_.erase(item);
  windowed_.erase(item);
}

void Catalogue::Link(ItemIndex item, const ItemRecord& record) {
  for (const std::string& tag : record.tags) {
    SetGrowing(&items_by_tag_[tag], item);
  }
  if (record.hidden) {
    SetGrowing(&hidden_, item);
    hidden_items_.insert(item);
  }
  if (HasWindow(record)) windowed_.insert(item);
}

ItemRecord Catalogue::Get(ItemIndex item) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto it = records_.find(item);
  return it == records_.end() ? ItemRecord{} : it->second;
}

std::vector<std::string> Catalogue::Tags(ItemIndex item) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto it = records_.find(item);
  if (it == records_.end()) return {};
  return it->second.tags;
}

std::string Catalogue::Title(ItemIndex item) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto it = records_.find(item);
  return it == records_.end() ? std::string() : it->second.title;
}

bool Catalogue::Has(ItemIndex item) const {
  absl::ReaderMutexLock lock(&mutex_);
  return records_.contains(item);
}

void Catalogue::FillEligible(const TagFilter& tags, int64_t now_ms,
                             size_t num_items, Bitmap* eligible) const {
  absl::ReaderMutexLock lock(&mutex_);
  eligible->Assign(num_items, tags.any.empty());
  for (const std::string& tag : tags.any) {
    const auto it = items_by_tag_.find(tag);
    if (it != items_by_tag_.end()) eligible->Or(it->second);
  }
  for (const std::string& tag : tags.all) {
    const auto it = items_by_tag_.find(tag);
    if (it == items_by_tag_.end()) {
      eligible->Assign(num_items, false);
      return;
    }
    eligible->And(it->second);
  }
  for (const std::string& tag : tags.none) {
    const auto it = items_by_tag_.find(tag);
    if (it != items_by_tag_.end()) eligible->AndNot(it->second);
  }
  eligible->AndNot(hidden_);
  for (const ItemIndex item : windowed_) {
    const ItemRecord& record = records_.find(item)->second;
    if (now_ms < record.available_from_ms ||
        now_ms >= record.available_until_ms) {
      eligible->Clear(item);
    }
  }
}

bool Catalogue::Unrestricted() const {
  absl::ReaderMutexLock lock(&mutex_);
  return hidden_items_.empty() && windowed_.empty();
}

size_t Catalogue::num_records() const {
  absl::ReaderMutexLock lock(&mutex_);
  return records_.size();
}

}  // namespace taud::model
