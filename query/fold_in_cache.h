#ifndef TAUD_QUERY_FOLD_IN_CACHE_H_
#define TAUD_QUERY_FOLD_IN_CACHE_H_

#include <array>
#include <cstddef>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "model/types.h"

namespace taud::query {

// The folded-in vectors of users, as long as nothing about them changes. One
// belongs to one snapshot and goes with it, so that a new snapshot, and an
// erasure, forget them all.
//
// Thread-safe. Holds about `max_bytes`; what was not asked for longest goes
// first, roughly: entries live in two generations, and when the young one is
// full, the old one is dropped and the young one becomes it.
class FoldInCache {
 public:
  // What a vector was made of: it is valid while this is the same.
  struct Stamp {
    model::Sequence newest = 0;  // of the user's interactions
    size_t erased = 0;           // model::Interactions::num_erased
  };

  FoldInCache(size_t dim, size_t max_bytes);

  // Fills in *query [dim] and returns true if there is a valid one.
  bool Find(model::UserIndex user, const Stamp& stamp,
            std::vector<float>* query);
  void Put(model::UserIndex user, const Stamp& stamp,
           const std::vector<float>& query);
  // Vectors held now.
  size_t size() const;

 private:
  struct Entry {
    Stamp stamp;
    std::vector<float> query;
  };
  using Generation = absl::flat_hash_map<model::UserIndex, Entry>;
  struct Shard {
    mutable absl::Mutex mutex;
    Generation young ABSL_GUARDED_BY(mutex);
    Generation old ABSL_GUARDED_BY(mutex);
  };
  static constexpr size_t kShards = 16;

  void Put(model::UserIndex user, Entry entry, Shard* shard)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard->mutex);

  const size_t per_generation_;  // of a shard
  std::array<Shard, kShards> shards_;
};

}  // namespace taud::query

#endif  // TAUD_QUERY_FOLD_IN_CACHE_H_
