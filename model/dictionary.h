#ifndef TAUD_MODEL_DICTIONARY_H_
#define TAUD_MODEL_DICTIONARY_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "model/chunked_vector.h"

namespace taud::model {

// Ids as the outside knows them ↔ dense indices 0, 1, 2, … in order of first
// appearance. The persistent copy lives in `store`; this one answers.
//
// One thread inserts (the owner of the store); any thread looks up.
class Dictionary {
 public:
  Dictionary() = default;
  Dictionary(const Dictionary&) = delete;
  Dictionary& operator=(const Dictionary&) = delete;

  // The index of `id`, or nothing if it was never inserted. Any thread.
  std::optional<uint32_t> Find(std::string_view id) const;

  // The id of `index`; empty for an index that was never given. The view
  // lives as long as the dictionary. Any thread.
  std::string_view Name(uint32_t index) const;

  // The index of `id`, newly given (= size()) if it is new. One thread only.
  uint32_t Insert(std::string_view id);

  size_t size() const { return names_.size(); }

 private:
  static constexpr size_t kShards = 64;
  struct Shard {
    mutable absl::Mutex mutex;
    // Keys are views into names_, whose elements never move.
    absl::flat_hash_map<std::string_view, uint32_t> indices
        ABSL_GUARDED_BY(mutex);
  };
  static size_t ShardOf(std::string_view id);

  // Internally synchronised.
  ChunkedVector<std::string> names_;
  std::array<Shard, kShards> shards_;
};

}  // namespace taud::model

#endif  // TAUD_MODEL_DICTIONARY_H_
