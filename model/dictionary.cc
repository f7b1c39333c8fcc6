#include "model/dictionary.h"

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

}  // namespace taud::model
