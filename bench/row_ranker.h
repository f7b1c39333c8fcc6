#ifndef TAUD_BENCH_ROW_RANKER_H_
#define TAUD_BENCH_ROW_RANKER_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace taud::index {

// Ranks rows by inner product and knows nothing of filters: what a GPU does.
// Immutable; calls from any thread wait for each other.
class RowRanker {
 public:
  virtual ~RowRanker() = default;

  // For each of n queries [n × dim] the `depth` rows of largest product, best
  // first, with their products, into [n × depth]; −1 behind the last row.
  // REQUIRES: depth <= max_depth(). Throws what its library throws.
  virtual void Rank(const float* queries, size_t n, size_t depth, float* scores,
                    int64_t* rows) const = 0;

  virtual size_t max_depth() const = 0;
  // "cpu" or "cuda:0".
  virtual std::string device() const = 0;
  // What scores: "cublas", …
  virtual std::string kernel() const = 0;
};

}  // namespace taud::index

#endif  // TAUD_BENCH_ROW_RANKER_H_
