#ifndef TAUD_INDEX_BLOCK_SCAN_H_
#define TAUD_INDEX_BLOCK_SCAN_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "index/candidates.h"
#include "index/quantised_rows.h"
#include "index/search_index.h"
#include "model/snapshot.h"

namespace taud::index {

// One search of a batch of queries over quantised rows: scans blocks, keeps
// the candidates whose bounds allow them to be among the best, and scores
// those exactly at the end. Filters are asked about rows that reach the
// threshold only, so that their cost follows the number of results, not of
// rows. One thread's; `rows`, `matrix` and `queries` outlive it.
class BlockScan {
 public:
  // REQUIRES: every query has a vector and k > 0.
  BlockScan(const QuantisedRows* rows, const model::Matrix* matrix,
            absl::Span<const Query> queries);

  // Scores all queries against the blocks [begin, end).
  void ScanAll(size_t begin, size_t end);
  // The same for some of them, by position.
  void ScanSome(size_t begin, size_t end, absl::Span<const uint32_t> which);

  // Replaces *hits by the k best of what was scanned, best first, ties by
  // item, with exact scores. Once for each query.
  void Finish(size_t query, std::vector<Hit>* hits);

 private:
  // Scans with `queries` as position → query; codes and columns are in the
  // order of positions.
  struct Lane {
    std::vector<int8_t> codes;  // [n × groups · 4]
    std::vector<float> reach, norm, inverse_scale, offset;
    std::vector<int32_t> least;
    std::vector<uint32_t> query;
    void Resize(size_t n, size_t code_bytes);
  };
  void Load(uint32_t query, size_t position, Lane* lane) const;
  void Scan(size_t begin, size_t end, Lane* lane);
  bool Eligible(const Query& query, uint32_t item) const;

  const QuantisedRows* const rows_;
  const model::Matrix* const matrix_;
  const absl::Span<const Query> queries_;
  std::vector<QueryCode> codes_;
  std::vector<Candidates> candidates_;
  std::vector<BlockHit> hits_;
  Lane all_;
  Lane some_;
};

// The k best of the set bits of `allowed` by exact score: for few of them.
void TopOfFew(const model::Matrix& matrix, const float* vector, size_t k,
              const model::Bitmap& allowed, std::vector<Hit>* hits);

// INVALID_ARGUMENT naming the query that has none.
absl::Status CheckVectors(absl::Span<const Query> queries);

// Best first, ties by item.
inline bool BetterHit(const Hit& a, const Hit& b) {
  return a.score != b.score ? a.score > b.score : a.item < b.item;
}

}  // namespace taud::index

#endif  // TAUD_INDEX_BLOCK_SCAN_H_
