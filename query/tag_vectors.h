#ifndef TAUD_QUERY_TAG_VECTORS_H_
#define TAUD_QUERY_TAG_VECTORS_H_

#include <cstddef>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "model/catalogue.h"
#include "model/snapshot.h"
#include "model/types.h"

namespace taud::query {

// Where an item stands that nobody has come to, by its tags: at what the learnt
// items of the same tags have in common. A tag's vector is
//
//   m_t = Σ_{i ∈ t} w_i e_i / (Σ_{i ∈ t} w_i + 4),   w_i = D_i / (D_i + 4)
//
// with e_i the item's row and D_i its users. It is the shorter the less the
// items of the tag agree, the fewer they are, and the fewer users they have.
// For example, twenty well-known items that all lie in one direction make a
// vector of length .8, twenty that lie anywhere one of length .2. An item's
// vector is
//
//   m = Σ_t c_t m_t / Σ_t c_t,   c_t = r² / (1 − r²), r = |m_t|
//
// so that a tag that says much (a series) counts more than one that says little
// (in stock). The dot product of a unit query with m is the score to expect.
//
// Tags are worked out when they are asked for first and kept, as they were
// then. Thread-compatible; `snapshot` outlives it.
class TagVectors {
 public:
  // Items of a tag that are looked at; tags of an item that are.
  static constexpr size_t kMaxItems = 4096;
  static constexpr size_t kMaxTags = 16;

  explicit TagVectors(const model::Snapshot* snapshot) : snapshot_(snapshot) {}

  // Makes *row [dim] the vector of an item with `tags`; false if they say
  // nothing. Tags that are not known yet are worked out while *budget, items to
  // look at, is above 0, and count nothing otherwise.
  bool Mean(const model::Catalogue& catalogue,
            absl::Span<const model::TagId> tags, int64_t* budget,
            std::vector<float>* row);

  void Clear() { known_.clear(); }

 private:
  struct Tag {
    std::vector<float> mean;  // [dim]; empty: no learnt item
    float certainty = 0;      // c_t
  };

  Tag WorkOut(const model::Catalogue& catalogue, model::TagId tag,
              int64_t* budget) const;

  const model::Snapshot* const snapshot_;
  absl::flat_hash_map<model::TagId, Tag> known_;
};

}  // namespace taud::query

#endif  // TAUD_QUERY_TAG_VECTORS_H_
