#ifndef TAUD_INDEX_OVERFETCH_H_
#define TAUD_INDEX_OVERFETCH_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "index/eligibility.h"
#include "index/search_index.h"
#include "model/types.h"

namespace taud::index {

// What it takes to ask for more rows than are wanted and drop some. Pure.

// The vectors of queries[chosen[0]], queries[chosen[1]], …: [chosen × dim].
std::vector<float> GatherVectors(absl::Span<const Query> queries,
                                 const std::vector<size_t>& chosen, size_t dim);

// Of rows ranked by a library, best first and −1 behind the last, the first
// query.k that the query allows; best first, ties by item.
void TakeAllowed(const Query& query, const Eligibility& eligibility,
                 const std::vector<model::ItemIndex>& item_of_row,
                 absl::Span<const float> scores, absl::Span<const int64_t> rows,
                 std::vector<Hit>* hits);

}  // namespace taud::index

#endif  // TAUD_INDEX_OVERFETCH_H_
