#ifndef TAUD_INDEX_QUANTISED_ROWS_H_
#define TAUD_INDEX_QUANTISED_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "index/score_kernels.h"
#include "model/snapshot.h"
#include "model/types.h"

namespace taud::index {

// A query in bytes: value ≈ scale · byte.
struct QueryCode {
  float scale = 1;
  float norm = 0;      // of scale · bytes, rounded up
  float error = 0;     // norm of what quantising lost, rounded up
  int32_t offset = 0;  // 128 · Σ bytes: what ScanBlock adds to every dot
};

// Vectors as bytes in the blocks that ScanBlock reads, a quarter of their size
// as floats, with the error of every block known: for a row r of block b and a
// query q,
//
//   |q·r − scale_q · scale_b · (dot − offset_q)| <= Bound(q, b)
//
// because q·r − q̂·r̂ = (q − q̂)·r + q̂·(r − r̂), and each term is at most the
// product of its norms (Cauchy–Schwarz), which are measured when quantising.
//
// Immutable after construction; any thread. Owns the bytes, not the floats.
class QuantisedRows {
 public:
  static constexpr uint32_t kNoItem = UINT32_MAX;

  // Rows of `matrix` in the order of `items`; kNoItem leaves a gap that is
  // never found. Throws std::bad_alloc.
  QuantisedRows(const model::Matrix& matrix, std::vector<uint32_t> items);

  size_t dim() const { return dim_; }
  size_t groups() const { return groups_; }
  size_t num_blocks() const { return scales_.size(); }
  const uint8_t* Block(size_t b) const {
    return bytes_.get() + b * BlockBytes(groups_);
  }
  float scale(size_t b) const { return scales_[b]; }
  // kNoItem for a gap, and for the rows after the last.
  uint32_t item(size_t row) const { return items_[row]; }
  size_t bytes() const;

  // Writes the bytes of a query [dim] to `code` [groups() · 4].
  QueryCode Encode(const float* query, int8_t* code) const;

  // The part of Bound that is the same for all blocks (with the rounding of
  // the float arithmetic), and the block's factor of QueryCode::norm.
  float CommonBound(const QueryCode& query) const {
    return (query.error + slack_ * (query.norm + query.error)) * max_norm_;
  }
  float error(size_t b) const { return errors_[b]; }
  float Bound(const QueryCode& query, size_t b) const {
    return CommonBound(query) + query.norm * errors_[b];
  }

 private:
  struct Free {
    void operator()(uint8_t* bytes) const;
  };
  void EncodeBlock(const model::Matrix& matrix, size_t b);

  size_t dim_ = 0;
  size_t groups_ = 0;
  float max_norm_ = 0;  // of any row, rounded up
  float slack_ = 0;
  std::vector<uint32_t> items_;  // [num_blocks · kBlockRows]
  std::vector<float> scales_;    // by block
  std::vector<float> errors_;    // by block: norm of what quantising lost
  std::unique_ptr<uint8_t[], Free> bytes_;
};

}  // namespace taud::index

#endif  // TAUD_INDEX_QUANTISED_ROWS_H_
