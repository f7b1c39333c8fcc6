#ifndef TAUD_MODEL_DICTIONARY_H_
#define TAUD_MODEL_DICTIONARY_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "model/chunked_vector.h"

namespace taud::model {

// Ids as the outside knows them ↔ dense indices 0, 1, 2, … in order of first
// appearance. An erased id leaves its index behind without a name; the id, if
// it comes again, gets a new index. The persistent copy lives in `store`; this
// one answers.
//
// One thread inserts and erases (the owner of the store); any thread looks up.
class Dictionary {
 public:
  Dictionary() = default;
  Dictionary(const Dictionary&) = delete;
  Dictionary& operator=(const Dictionary&) = delete;

  // The index of `id`, or nothing if it was never inserted. Any thread.
  std::optional<uint32_t> Find(std::string_view id) const;

  // The id of `index`; empty for an index that was never given or was erased.
  // The view lives as long as the dictionary, or until its id is erased: hold
  // a NamesLock where that could happen meanwhile. Any thread.
  std::string_view Name(uint32_t index) const;

  // While one lives, no id is erased and every view stays good. Short: an
  // erasure waits for it. Not to be held twice by one thread.
  class ABSL_SCOPED_LOCKABLE NamesLock {
   public:
    explicit NamesLock(const Dictionary& dictionary)
        ABSL_SHARED_LOCK_FUNCTION(dictionary.erase_mutex_)
        : mutex_(&dictionary.erase_mutex_) {
      mutex_->ReaderLock();
    }
    ~NamesLock() ABSL_UNLOCK_FUNCTION() { mutex_->ReaderUnlock(); }
    NamesLock(const NamesLock&) = delete;
    NamesLock& operator=(const NamesLock&) = delete;

   private:
    absl::Mutex* const mutex_;
  };

  // The index of `id`, newly given (= size()) if it is new. One thread only.
  uint32_t Insert(std::string_view id);
  // Gives the next index without a name: one that was erased before a restart.
  // The inserting thread only.
  uint32_t InsertErased();
  // Forgets the id of `index`, its bytes overwritten. The index stays.
  // Idempotent. REQUIRES: index < size(). The inserting thread only.
  void Erase(uint32_t index);

  bool IsErased(uint32_t index) const;
  // The erased indices, in order of erasure. Any thread.
  std::vector<uint32_t> Erased() const;

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

  // Internally synchronised, except that Erase changes an element of names_
  // under erase_mutex_.
  ChunkedVector<std::string> names_;
  std::array<Shard, kShards> shards_;

  mutable absl::Mutex erase_mutex_;
  std::vector<uint32_t> erased_ ABSL_GUARDED_BY(erase_mutex_);
  absl::flat_hash_set<uint32_t> is_erased_ ABSL_GUARDED_BY(erase_mutex_);
};

}  // namespace taud::model

#endif  // TAUD_MODEL_DICTIONARY_H_
