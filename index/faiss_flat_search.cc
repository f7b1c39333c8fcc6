#include "index/faiss_flat_search.h"

#include "faiss/IndexFlat.h"
#include "faiss/utils/distances.h"

namespace taud::index {

void PreferBlas() {
  // Below this number of queries FAISS scores with a loop, from there on with
  // BLAS, which with vector kernels is faster even for a lone query
  // (bench/flat_search_bench.cc; FAISS' default is 20).
  static const bool set_once = [] {
    faiss::distance_compute_blas_threshold = 1;
    return true;
  }();
  (void)set_once;
}

struct FaissFlatSearch::Impl {
  explicit Impl(const model::Matrix& items)
      : index(static_cast<int64_t>(items.cols)) {
    index.add(static_cast<int64_t>(items.rows), items.values.data());
  }
  faiss::IndexFlatIP index;
};

FaissFlatSearch::FaissFlatSearch(const model::Matrix& items)
    : impl_(std::make_unique<const Impl>(items)) {
  PreferBlas();
}

FaissFlatSearch::~FaissFlatSearch() = default;

void FaissFlatSearch::Search(const float* queries, size_t n, size_t k,
                             float* scores, int64_t* rows) const {
  impl_->index.search(static_cast<int64_t>(n), queries, static_cast<int64_t>(k),
                      scores, rows);
}

}  // namespace taud::index
