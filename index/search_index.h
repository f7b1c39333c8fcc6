#ifndef TAUD_INDEX_SEARCH_INDEX_H_
#define TAUD_INDEX_SEARCH_INDEX_H_

#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "model/bitmap.h"
#include "model/snapshot.h"
#include "model/types.h"

namespace taud::index {

// One search: the k items of largest inner product with `vector`.
struct Query {
  const float* vector = nullptr;  // [dim], unit norm
  size_t k = 0;
  // Items that may be returned, by item index; null: all. Not owned.
  const model::Bitmap* eligible = nullptr;
  // Items that may not, ascending and distinct, whatever `eligible` says.
  absl::Span<const model::ItemIndex> excluded;
  // Items of a smaller inner product are of no use: they may be left out, which
  // saves work where bytes are scanned. An approximate index does not know
  // whether it has found enough if it is asked so.
  float floor = -std::numeric_limits<float>::infinity();
};

struct Hit {
  model::ItemIndex item = 0;
  float score = 0;  // inner product; the cosine, as rows have unit norm
};

// What the two exact paths need for a batch of this many queries here.
struct PathTiming {
  size_t batch = 0;
  double quantised_us = 0;  // a query
  double flat_us = 0;       // a query
};

// How an index came to be and what it is, for people.
struct IndexReport {
  std::string kind;    // "flat", "flat_quantised", "ivf", "hnsw"
  std::string kernel;  // what scores: "openblas", "avx512-vnni", …
  size_t bytes = 0;    // held besides the snapshot
  double recall = 1;   // against exact search, measured when it was built
  size_t audited = 0;  // queries of that measurement; 0: exact by nature
  size_t lists = 0;    // of an inverted file
  size_t probes = 0;   // lists looked into
  std::string reason;  // why this kind, if another could have been expected
  std::vector<PathTiming> timings;  // of the calibration, if there was one
};

// The trained items of one snapshot, searchable.
//
// Immutable after it was built: Search may be called from any number of
// threads at a time (on a GPU they wait for each other). May read the snapshot
// it was built of, which must outlive it.
class SearchIndex {
 public:
  virtual ~SearchIndex() = default;

  // Replaces (*results)[q] by the hits of queries[q], best first, ties by
  // item index: exactly min(k, eligible trained items) of them, whatever the
  // filter; with a floor at least those of them that reach it. INVALID_ARGUMENT
  // for a null vector; INTERNAL if the library failed. Nothing is thrown.
  virtual absl::Status Search(absl::Span<const Query> queries,
                              std::vector<std::vector<Hit>>* results) const = 0;

  // "cpu" or "cuda:0".
  virtual std::string device() const = 0;
  virtual IndexReport report() const = 0;
  // Items that can be found (the trained ones), and their dimension.
  virtual size_t size() const = 0;
  virtual size_t dim() const = 0;
};

// Exact search on the CPU over the items of `snapshot` with popularity > 0, by
// FAISS and OpenBLAS. INTERNAL if FAISS or memory fails, as for the others.
absl::StatusOr<std::unique_ptr<SearchIndex>> BuildFlatIndex(
    const model::Snapshot& snapshot);

// The same results from a first pass over bytes and exact scores for what may
// be among the best (quantised_rows.h): several times as fast.
absl::StatusOr<std::unique_ptr<SearchIndex>> BuildQuantisedIndex(
    const model::Snapshot& snapshot);

}  // namespace taud::index

#endif  // TAUD_INDEX_SEARCH_INDEX_H_
