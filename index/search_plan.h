#ifndef TAUD_INDEX_SEARCH_PLAN_H_
#define TAUD_INDEX_SEARCH_PLAN_H_

#include <cstddef>

namespace taud::index {

// How a filtered exact search is carried out.
enum class SearchPath {
  // Nothing can come back: k or the number of eligible rows is 0.
  kEmpty,
  // Search all rows for k plus the number of forbidden ones, drop those.
  // Exact, because at most that many of the best can be forbidden. Queries
  // share one matrix product.
  kOverfetch,
  // Score only the few eligible rows.
  kDirect,
  // Scan all rows, testing each against the filter.
  kSelector,
};

// Rows that an over-fetching search may ask for at most: beyond it the result
// heap costs more than the scan.
inline constexpr size_t kMaxOverfetch = 1024;

// Chooses by cost. `rows`: indexed rows; `eligible`: rows that pass the
// filter. Pure.
SearchPath ChoosePath(size_t rows, size_t eligible, size_t k);

// The same choice where a scan asks the filter only about rows that are good
// enough, so that it needs no over-fetching: kEmpty, kDirect or kScan.
// `fewest_scanned`: rows that a scan reads at least.
enum class ScanPath { kEmpty, kDirect, kScan };
ScanPath ChooseScanPath(size_t fewest_scanned, size_t eligible, size_t k);

}  // namespace taud::index

#endif  // TAUD_INDEX_SEARCH_PLAN_H_
