#include "model/dictionary.h"

#include <algorithm>

#include "absl/hash/hash.h"

namespace taud::model {

size_t Dictionary::ShardOf(std::string_view id) {
  return absl::HashOf(id) % kShards;
}

std::optional<uint32_t> Dictionary::Find(std::string_view id) const {
  const Shard& shard = shards_[ShardOf(id)];
  absl::ReaderMutexLock lock(&shard.mutex);
  const auto it = shard.indices.find(id);
  if (it == shard.indices.end()) return std::nullopt;
  return it->second;
}

std::string_view Dictionary::Name(uint32_t index) const {
  if (index >= names_.size()) return {};
  return names_[index];
}

uint32_t Dictionary::Insert(std::string_view id) {
  if (const std::optional<uint32_t> known = Find(id)) return *known;
  const auto index = static_cast<uint32_t>(names_.size());
  names_.push_back(std::string(id));
  Shard& shard = shards_[ShardOf(id)];
  absl::MutexLock lock(&shard.mutex);
  shard.indices.emplace(names_[index], index);
  return index;
}

uint32_t Dictionary::InsertErased() {
  const auto index = static_cast<uint32_t>(names_.size());
  names_.push_back(std::string());
  absl::MutexLock lock(&erase_mutex_);
  erased_.push_back(index);
  is_erased_.insert(index);
  return index;
}

void Dictionary::Erase(uint32_t index) {
  // The index first: from then on nobody finds the id.
  {
    Shard& shard = shards_[ShardOf(names_[index])];
    absl::MutexLock lock(&shard.mutex);
    const auto it = shard.indices.find(names_[index]);
    if (it != shard.indices.end() && it->second == index) {
      shard.indices.erase(it);
    }
  }
  absl::MutexLock lock(&erase_mutex_);
  if (!is_erased_.insert(index).second) return;
  erased_.push_back(index);
  std::string& name = names_.Mutable(index);
  std::fill(name.begin(), name.end(), '\0');
  std::string().swap(name);
}

bool Dictionary::IsErased(uint32_t index) const {
  absl::ReaderMutexLock lock(&erase_mutex_);
  return is_erased_.contains(index);
}

std::vector<uint32_t> Dictionary::Erased() const {
  absl::ReaderMutexLock lock(&erase_mutex_);
  return erased_;
}

}  // namespace taud::model
