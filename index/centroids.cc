#include "index/centroids.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "index/block_scan.h"
#include "index/quantised_rows.h"
#include "model/unit_norm.h"

namespace taud::index {
namespace {

constexpr int kColdPasses = 8;
constexpr int kWarmPasses = 1;
constexpr size_t kRowsPerCentroid = 64;  // that a pass looks at
constexpr size_t kBatch = 256;

// At most `wanted` of `items`, at equal distances.
std::vector<uint32_t> Sample(absl::Span<const uint32_t> items, size_t wanted) {
  if (items.size() <= wanted) return {items.begin(), items.end()};
  std::vector<uint32_t> sample(wanted);
  for (size_t i = 0; i < wanted; ++i) {
    sample[i] = items[i * items.size() / wanted];
  }
  return sample;
}

// The normalised mean of the rows that belong to each centroid; one that has
// none stays where it was.
void MoveToMeans(const model::Matrix& matrix, absl::Span<const uint32_t> items,
                 absl::Span<const uint32_t> assigned,
                 model::Matrix* centroids) {
  model::Matrix sums(centroids->rows, centroids->cols);
  for (size_t i = 0; i < items.size(); ++i) {
    float* sum = sums.Row(assigned[i]);
    const float* row = matrix.Row(items[i]);
    for (size_t c = 0; c < sums.cols; ++c) sum[c] += row[c];
  }
  for (size_t l = 0; l < sums.rows; ++l) {
    if (!model::Normalise(sums.Row(l), sums.cols)) continue;
    std::copy_n(sums.Row(l), sums.cols, centroids->Row(l));
  }
}

}  // namespace

std::vector<uint32_t> AssignToCentroids(const model::Matrix& centroids,
                                        const model::Matrix& matrix,
                                        absl::Span<const uint32_t> items) {
  std::vector<uint32_t> lists(centroids.rows);
  std::iota(lists.begin(), lists.end(), 0);
  const QuantisedRows rows(centroids, std::move(lists));
  std::vector<uint32_t> assigned(items.size());
  std::vector<Query> queries;
  std::vector<Hit> hits;
  for (size_t begin = 0; begin < items.size(); begin += kBatch) {
    const size_t end = std::min(begin + kBatch, items.size());
    queries.clear();
    for (size_t i = begin; i < end; ++i) {
      Query query;
      query.vector = matrix.Row(items[i]);
      query.k = 1;
      queries.push_back(query);
    }
    BlockScan scan(&rows, &centroids, queries);
    scan.ScanAll(0, rows.num_blocks());
    for (size_t i = begin; i < end; ++i) {
      scan.Finish(i - begin, &hits);
      assigned[i] = hits.empty() ? 0 : hits[0].item;
    }
  }
  return assigned;
}

model::Matrix FitCentroids(const model::Matrix& matrix,
                           absl::Span<const uint32_t> items, size_t lists,
                           const model::Matrix& start) {
  const bool warm = start.rows == lists && start.cols == matrix.cols;
  model::Matrix centroids = warm ? start : model::Matrix(lists, matrix.cols);
  if (!warm) {
    for (size_t l = 0; l < lists; ++l) {
      const float* row = matrix.Row(items[l * items.size() / lists]);
      std::copy(row, row + matrix.cols, centroids.Row(l));
    }
  }
  const std::vector<uint32_t> sample = Sample(items, lists * kRowsPerCentroid);
  for (int pass = 0; pass < (warm ? kWarmPasses : kColdPasses); ++pass) {
    MoveToMeans(matrix, sample, AssignToCentroids(centroids, matrix, sample),
                &centroids);
  }
  return centroids;
}

}  // namespace taud::index
