#include "model/catalogue.h"

#include <algorithm>
#include <utility>

namespace taud::model {
namespace {

constexpr int64_t kAlways = std::numeric_limits<int64_t>::min();
constexpr int64_t kForEver = std::numeric_limits<int64_t>::max();
// Of an item's entry in the map, besides what it points to.
constexpr size_t kSlotBytes = 24;

void SetGrowing(Bitmap* bitmap, size_t i) {
  if (i >= bitmap->size()) bitmap->Resize(std::max(i + 1, 2 * bitmap->size()));
  bitmap->Set(i);
}

Properties Unpacked(const std::string& packed) {
  if (packed.empty()) return {};
  auto properties = UnpackProperties(packed);
  return properties.ok() ? *std::move(properties) : Properties();
}

}  // namespace

bool Catalogue::Entry::HasWindow() const {
  return from_ms != kAlways || until_ms != kForEver;
}

size_t Catalogue::Entry::bytes() const {
  return sizeof(Entry) + kSlotBytes + title.capacity() +
         tags.capacity() * sizeof(TagId) + properties.capacity();
}

void Catalogue::Upsert(ItemIndex item, ItemRecord record) {
  absl::MutexLock lock(&mutex_);
  const auto old = entries_.find(item);
  Properties before;
  std::vector<TagId> tags;
  if (old != entries_.end()) {
    before = Unpacked(old->second.properties);
    Unlink(item, old->second);
    tags = old->second.tags;
  }
  columns_.Set(item, before, record.properties);
  Entry entry = Link(item, record);
  entry.tags = ReplaceTags(item, std::move(tags), record.tags);
  entry.title = std::move(record.title);
  if (!record.properties.empty()) {
    PackProperties(record.properties, &entry.properties);
    entry.properties.shrink_to_fit();
  }
  entry_bytes_ += entry.bytes();
  entries_.insert_or_assign(item, std::move(entry));
}

void Catalogue::Delete(ItemIndex item) {
  absl::MutexLock lock(&mutex_);
  const auto old = entries_.find(item);
  if (old != entries_.end()) {
    columns_.Set(item, Unpacked(old->second.properties), {});
    Unlink(item, old->second);
    ReplaceTags(item, old->second.tags, {});
    entries_.erase(old);
  }
  Hide(item, true);
}

void Catalogue::Hide(ItemIndex item, bool hidden) {
  if (hidden_.Test(item) == hidden) return;
  if (hidden) {
    SetGrowing(&hidden_, item);
    ++num_hidden_;
  } else {
    hidden_.Clear(item);
    --num_hidden_;
  }
}

void Catalogue::Unlink(ItemIndex item, const Entry& entry) {
  entry_bytes_ -= entry.bytes();
  Hide(item, false);
  if (!entry.HasWindow()) return;
  edges_.erase({entry.from_ms, item});
  edges_.erase({entry.until_ms, item});
  closed_.Clear(item);
}

Catalogue::Entry Catalogue::Link(ItemIndex item, const ItemRecord& record) {
  Entry entry;
  entry.hidden = record.hidden;
  entry.from_ms = record.available_from_ms;
  entry.until_ms = record.available_until_ms;
  Hide(item, record.hidden);
  if (!entry.HasWindow()) return entry;
  if (entry.from_ms != kAlways) edges_.insert({entry.from_ms, item});
  if (entry.until_ms != kForEver) edges_.insert({entry.until_ms, item});
  if (!entry.AvailableAt(as_of_ms_)) SetGrowing(&closed_, item);
  return entry;
}

std::vector<TagId> Catalogue::ReplaceTags(
    ItemIndex item, std::vector<TagId> before,
    const std::vector<std::string>& after) {
  const bool same =
      std::equal(before.begin(), before.end(), after.begin(), after.end(),
                 [this](TagId id, const std::string& tag) {
                   mutex_.AssertHeld();
                   return tags_.Name(id) == tag;
                 });
  // Prices change all the time, and tags do not.
  if (same) return before;
  ++changes_;
  for (const TagId tag : before) tags_.Remove(tag, item);
  std::vector<TagId> ids;
  ids.reserve(after.size());
  for (const std::string& tag : after) ids.push_back(tags_.Add(tag, item));
  if (ids.empty()) {
    tagged_.Clear(item);
  } else {
    SetGrowing(&tagged_, item);
  }
  return ids;
}

ItemRecord Catalogue::Get(ItemIndex item) const {
  absl::ReaderMutexLock lock(&mutex_);
  ItemRecord record;
  const auto it = entries_.find(item);
  if (it == entries_.end()) return record;
  const Entry& entry = it->second;
  record.title = entry.title;
  for (const TagId tag : entry.tags) record.tags.push_back(tags_.Name(tag));
  record.hidden = entry.hidden;
  record.available_from_ms = entry.from_ms;
  record.available_until_ms = entry.until_ms;
  record.properties = Unpacked(entry.properties);
  return record;
}

std::string Catalogue::Title(ItemIndex item) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto it = entries_.find(item);
  return it == entries_.end() ? std::string() : it->second.title;
}

Properties Catalogue::PropertiesOf(ItemIndex item) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto it = entries_.find(item);
  return it == entries_.end() ? Properties() : Unpacked(it->second.properties);
}

bool Catalogue::Has(ItemIndex item) const {
  absl::ReaderMutexLock lock(&mutex_);
  return entries_.contains(item);
}

void Catalogue::CopyTags(absl::Span<const ItemIndex> items,
                         ItemTags* tags) const {
  absl::ReaderMutexLock lock(&mutex_);
  CopyTagsOf(items, tags);
}

void Catalogue::CopyTagsOf(absl::Span<const ItemIndex> items,
                           ItemTags* tags) const {
  tags->tags.clear();
  tags->ends.clear();
  tags->ends.reserve(items.size());
  for (const ItemIndex item : items) {
    const auto it = entries_.find(item);
    if (it != entries_.end()) {
      const std::vector<TagId>& own = it->second.tags;
      tags->tags.insert(tags->tags.end(), own.begin(), own.end());
    }
    tags->ends.push_back(tags->tags.size());
  }
}

void Catalogue::CopyTagged(const Bitmap& without, size_t most,
                           std::vector<ItemIndex>* items,
                           ItemTags* tags) const {
  items->clear();
  absl::ReaderMutexLock lock(&mutex_);
  const std::vector<uint64_t>& words = tagged_.words();
  for (size_t w = words.size(); w-- > 0 && items->size() < most;) {
    uint64_t bits = words[w];
    if (w < without.words().size()) bits &= ~without.words()[w];
    while (bits != 0 && items->size() < most) {
      const auto bit = static_cast<size_t>(63 - __builtin_clzll(bits));
      bits &= ~(uint64_t{1} << bit);
      items->push_back(static_cast<ItemIndex>(w * 64 + bit));
    }
  }
  std::reverse(items->begin(), items->end());
  CopyTagsOf(*items, tags);
}

void Catalogue::CopyItemsOf(TagId tag, size_t most,
                            std::vector<ItemIndex>* items) const {
  items->clear();
  absl::ReaderMutexLock lock(&mutex_);
  if (tags_.Known(tag)) tags_.Items(tag).CopySome(most, items);
}

CatalogueStamp Catalogue::stamp() const {
  absl::ReaderMutexLock lock(&mutex_);
  return {changes_, tags_.reassigned()};
}

void Catalogue::MatchEach(const Expression& expression,
                          absl::Span<const ItemIndex> items,
                          std::vector<char>* matches) const {
  absl::ReaderMutexLock lock(&mutex_);
  columns_.MatchEach(expression, tags_, items, matches);
}

void Catalogue::Match(const TagFilter& filter, size_t num_items,
                      Bitmap* matching) const {
  matching->Assign(num_items, filter.any.empty());
  for (const std::string& tag : filter.any) {
    if (const auto id = tags_.Find(tag)) tags_.Items(*id).OrInto(matching);
  }
  for (const std::string& tag : filter.all) {
    const auto id = tags_.Find(tag);
    Bitmap with(num_items, false);
    if (id.has_value()) tags_.Items(*id).OrInto(&with);
    matching->And(with);
  }
  for (const std::string& tag : filter.none) {
    if (const auto id = tags_.Find(tag)) tags_.Items(*id).TakeFrom(matching);
  }
}

void Catalogue::FillMatching(const TagFilter& filter, size_t num_items,
                             Bitmap* matching) const {
  absl::ReaderMutexLock lock(&mutex_);
  Match(filter, num_items, matching);
  if (filter.expression == nullptr) return;
  columns_.Keep(*filter.expression, tags_, matching);
}

void Catalogue::MatchOpen(const TagFilter& filter, size_t num_items,
                          Bitmap* eligible) const {
  Match(filter, num_items, eligible);
  eligible->AndNot(hidden_);
  eligible->AndNot(closed_);
  if (filter.expression == nullptr) return;
  columns_.Keep(*filter.expression, tags_, eligible);
}

bool Catalogue::IsAsOf(int64_t now_ms) const {
  const auto next = edges_.upper_bound(
      {std::min(now_ms, as_of_ms_), std::numeric_limits<ItemIndex>::max()});
  return next == edges_.end() || next->first > std::max(now_ms, as_of_ms_);
}

void Catalogue::MoveTo(int64_t now_ms) const {
  const int64_t last = std::max(now_ms, as_of_ms_);
  auto edge = edges_.upper_bound(
      {std::min(now_ms, as_of_ms_), std::numeric_limits<ItemIndex>::max()});
  for (; edge != edges_.end() && edge->first <= last; ++edge) {
    const ItemIndex item = edge->second;
    if (entries_.find(item)->second.AvailableAt(now_ms)) {
      closed_.Clear(item);
    } else {
      SetGrowing(&closed_, item);
    }
  }
  as_of_ms_ = now_ms;
}

void Catalogue::FillEligible(const TagFilter& filter, int64_t now_ms,
                             size_t num_items, Bitmap* eligible) const {
  {
    absl::ReaderMutexLock lock(&mutex_);
    if (IsAsOf(now_ms)) return MatchOpen(filter, num_items, eligible);
  }
  absl::MutexLock lock(&mutex_);
  MoveTo(now_ms);
  MatchOpen(filter, num_items, eligible);
}

void Catalogue::TakeTagged(absl::Span<const TagId> tags, Bitmap* items) const {
  absl::ReaderMutexLock lock(&mutex_);
  for (const TagId tag : tags) {
    if (tags_.Known(tag)) tags_.Items(tag).TakeFrom(items);
  }
}

bool Catalogue::Unrestricted() const {
  absl::ReaderMutexLock lock(&mutex_);
  return num_hidden_ == 0 && edges_.empty();
}

bool Catalogue::HasTag(absl::string_view tag) const {
  absl::ReaderMutexLock lock(&mutex_);
  return tags_.Find(tag).has_value();
}

bool Catalogue::HasProperty(absl::string_view name) const {
  absl::ReaderMutexLock lock(&mutex_);
  return columns_.HasName(name);
}

size_t Catalogue::num_records() const {
  absl::ReaderMutexLock lock(&mutex_);
  return entries_.size();
}

size_t Catalogue::num_properties() const {
  absl::ReaderMutexLock lock(&mutex_);
  return columns_.num_names();
}

size_t Catalogue::bytes() const {
  absl::ReaderMutexLock lock(&mutex_);
  return entry_bytes_ + tags_.bytes() + columns_.bytes();
}

}  // namespace taud::model
