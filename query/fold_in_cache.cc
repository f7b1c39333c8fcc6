#include "query/fold_in_cache.h"

#include <algorithm>
#include <utility>

namespace taud::query {

FoldInCache::FoldInCache(size_t dim, size_t max_bytes)
    : per_generation_(std::max<size_t>(
          1, max_bytes /
                 (2 * kShards * (dim * sizeof(float) + 2 * sizeof(Entry))))) {}

bool FoldInCache::Find(model::UserIndex user, const Stamp& stamp,
                       std::vector<float>* query) {
  Shard& shard = shards_[user % kShards];
  absl::MutexLock lock(&shard.mutex);
  auto it = shard.young.find(user);
  if (it == shard.young.end()) {
    const auto aged = shard.old.find(user);
    if (aged == shard.old.end()) return false;
    Entry entry = std::move(aged->second);
    shard.old.erase(aged);
    Put(user, std::move(entry), &shard);
    it = shard.young.find(user);
  }
  const Entry& entry = it->second;
  if (entry.stamp.newest != stamp.newest ||
      entry.stamp.erased != stamp.erased) {
    return false;
  }
  *query = entry.query;
  return true;
}

void FoldInCache::Put(model::UserIndex user, const Stamp& stamp,
                      const std::vector<float>& query) {
  Shard& shard = shards_[user % kShards];
  absl::MutexLock lock(&shard.mutex);
  Put(user, Entry{stamp, query}, &shard);
}

void FoldInCache::Put(model::UserIndex user, Entry entry, Shard* shard) {
  if (shard->young.size() >= per_generation_ && !shard->young.contains(user)) {
    shard->old = std::move(shard->young);
    shard->young.clear();
  }
  shard->young[user] = std::move(entry);
}

size_t FoldInCache::size() const {
  size_t size = 0;
  for (const Shard& shard : shards_) {
    absl::MutexLock lock(&shard.mutex);
    size += shard.young.size() + shard.old.size();
  }
  return size;
}

}  // namespace taud::query
