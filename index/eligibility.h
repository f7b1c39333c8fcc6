#ifndef TAUD_INDEX_ELIGIBILITY_H_
#define TAUD_INDEX_ELIGIBILITY_H_

#include <cstddef>

#include "index/search_index.h"
#include "model/bitmap.h"
#include "model/snapshot.h"

namespace taud::index {

// The items of a snapshot that can be found, and what of them a query allows.
// Immutable; any thread.
class Eligibility {
 public:
  explicit Eligibility(const model::Snapshot& snapshot)
      : indexed_(snapshot.items.rows, false) {
    for (size_t i = 0; i < snapshot.items.rows; ++i) {
      if (snapshot.item_popularity[i] == 0) continue;
      indexed_.Set(i);
      ++size_;
    }
  }

  size_t size() const { return size_; }
  const model::Bitmap& indexed() const { return indexed_; }

  bool Allows(const Query& query, model::ItemIndex item) const;
  // The items themselves.
  model::Bitmap Allowed(const Query& query) const;

  // How many items each of several queries allows. Queries that share a set
  // of eligible items, one behind the other, have it counted once.
  class Counter {
   public:
    explicit Counter(const Eligibility* eligibility)
        : eligibility_(eligibility) {}
    size_t Count(const Query& query);

   private:
    const Eligibility* const eligibility_;
    const model::Bitmap* counted_ = nullptr;
    size_t count_ = 0;
  };

 private:
  model::Bitmap indexed_;  // by item
  size_t size_ = 0;
};

}  // namespace taud::index

#endif  // TAUD_INDEX_ELIGIBILITY_H_
