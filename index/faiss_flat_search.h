#ifndef TAUD_INDEX_FAISS_FLAT_SEARCH_H_
#define TAUD_INDEX_FAISS_FLAT_SEARCH_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "model/snapshot.h"

namespace taud::index {

// FAISS' flat inner-product index as it comes, on its faster path (BLAS):
// exact, no filter. index_builder times it beside our own scan and `auto` takes
// the quicker; the lab and the tests compare with it. Any number of threads may
// search.
class FaissFlatSearch {
 public:
  explicit FaissFlatSearch(const model::Matrix& items);
  ~FaissFlatSearch();

  // `queries` [n × dim]; writes [n × k] scores and rows, best first.
  void Search(const float* queries, size_t n, size_t k, float* scores,
              int64_t* rows) const;

 private:
  struct Impl;
  const std::unique_ptr<const Impl> impl_;
};

// Makes FAISS use BLAS from the first query on; it is a variable of the
// library, set once before any search.
void PreferBlas();

}  // namespace taud::index

#endif  // TAUD_INDEX_FAISS_FLAT_SEARCH_H_
