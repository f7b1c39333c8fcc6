#ifndef TAUD_INDEX_FAISS_BASELINE_H_
#define TAUD_INDEX_FAISS_BASELINE_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "model/snapshot.h"

namespace taud::index {

// FAISS' flat inner-product index as it comes, on its faster path (BLAS): what
// ours is measured against. Any number of threads may search.
class FaissBaseline {
 public:
  explicit FaissBaseline(const model::Matrix& items);
  ~FaissBaseline();

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

#endif  // TAUD_INDEX_FAISS_BASELINE_H_
