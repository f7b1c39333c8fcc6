#ifndef TAUD_INDEX_GUARDED_SEARCH_H_
#define TAUD_INDEX_GUARDED_SEARCH_H_

#include <exception>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "index/block_scan.h"
#include "index/search_index.h"

namespace taud::index {

// `search()`, which returns a status, within what SearchIndex::Search promises:
// INVALID_ARGUMENT for a query without a vector, before anything is done;
// INTERNAL, naming the index, for what a library throws.
template <typename SearchAll>
absl::Status GuardedSearch(const std::string& name,
                           absl::Span<const Query> queries, SearchAll search) {
  absl::Status status = CheckVectors(queries);
  if (!status.ok()) return status;
  try {
    return search();
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat(name, " index: ", e.what()));
  }
}

}  // namespace taud::index

#endif  // TAUD_INDEX_GUARDED_SEARCH_H_
