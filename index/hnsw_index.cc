#include "index/hnsw_index.h"

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "faiss/IndexHNSW.h"
#include "index/audit.h"
#include "index/block_scan.h"
#include "index/eligibility.h"
#include "index/guarded_search.h"

namespace taud::index {
namespace {

constexpr int kNeighbours = 32;
constexpr int kLeastEffort = 128;
constexpr int kMostEffort = 1024;
// Deeper searches, and filters that forbid more, go to the scan.
constexpr size_t kDeepest = 256;

class HnswIndex : public AuditedIndex {
 public:
  HnswIndex(const model::Snapshot& snapshot, std::unique_ptr<SearchIndex> exact)
      : matrix_(&snapshot.items),
        eligibility_(snapshot),
        exact_(std::move(exact)),
        graph_(static_cast<int>(snapshot.dim()), kNeighbours,
               faiss::METRIC_INNER_PRODUCT) {
    std::vector<float> rows;
    rows.reserve(eligibility_.size() * snapshot.dim());
    eligibility_.indexed().ForEach([&](size_t item) {
      item_of_node_.push_back(static_cast<model::ItemIndex>(item));
      const float* row = matrix_->Row(item);
      rows.insert(rows.end(), row, row + matrix_->cols);
    });
    graph_.add(static_cast<int64_t>(item_of_node_.size()), rows.data());
  }

  std::string device() const override { return "cpu"; }
  size_t size() const override { return item_of_node_.size(); }
  size_t dim() const override { return matrix_->cols; }
  const SearchIndex& exact() const { return *exact_; }

  void set_effort(int effort) { effort_ = effort; }

  IndexReport report() const override {
    IndexReport report;
    report.kind = "hnsw";
    report.kernel = "faiss";
    report.bytes =
        exact_->report().bytes +
        size() * (dim() * sizeof(float) + 2 * kNeighbours * sizeof(int32_t));
    ReportAudit(&report);
    report.probes = static_cast<size_t>(effort_);
    return report;
  }

  absl::Status Search(absl::Span<const Query> queries,
                      std::vector<std::vector<Hit>>* results) const override {
    return GuardedSearch("hnsw", queries,
                         [&] { return SearchAll(queries, results); });
  }

 private:
  absl::Status SearchAll(absl::Span<const Query> queries,
                         std::vector<std::vector<Hit>>* results) const {
    results->resize(queries.size());
    std::vector<Query> rest;
    std::vector<size_t> position;
    Eligibility::Counter counter(&eligibility_);
    for (size_t q = 0; q < queries.size(); ++q) {
      const size_t eligible = counter.Count(queries[q]);
      const size_t wanted = std::min(queries[q].k, eligible);
      const size_t depth = wanted + (size() - eligible);
      (*results)[q].clear();
      if (wanted == 0) continue;
      if (depth <= kDeepest) SearchGraph(queries[q], depth, &(*results)[q]);
      if ((*results)[q].size() == wanted) continue;
      rest.push_back(queries[q]);
      position.push_back(q);
    }
    std::vector<std::vector<Hit>> exact;
    absl::Status status = exact_->Search(rest, &exact);
    if (!status.ok()) return status;
    for (size_t r = 0; r < rest.size(); ++r) {
      (*results)[position[r]] = std::move(exact[r]);
    }
    return absl::OkStatus();
  }

  void SearchGraph(const Query& query, size_t depth,
                   std::vector<Hit>* hits) const {
    faiss::SearchParametersHNSW parameters;
    parameters.efSearch = std::max(effort_, static_cast<int>(depth));
    std::vector<float> scores(depth);
    std::vector<int64_t> nodes(depth);
    graph_.search(1, query.vector, static_cast<int64_t>(depth), scores.data(),
                  nodes.data(), &parameters);
    for (const int64_t node : nodes) {
      if (node < 0) continue;
      const model::ItemIndex item = item_of_node_[static_cast<size_t>(node)];
      if (!eligibility_.Allows(query, item)) continue;
      hits->push_back(
          {item, ExactDot(query.vector, matrix_->Row(item), dim())});
    }
    std::sort(hits->begin(), hits->end(), BetterHit);
    if (hits->size() > query.k) hits->resize(query.k);
  }

  const model::Matrix* const matrix_;  // the snapshot's
  const Eligibility eligibility_;
  const std::unique_ptr<const SearchIndex> exact_;
  faiss::IndexHNSWFlat graph_;
  std::vector<model::ItemIndex> item_of_node_;
  int effort_ = kLeastEffort;
};

absl::Status TuneEffort(const model::Snapshot& snapshot, double min_recall,
                        HnswIndex* index) {
  const std::vector<Query> queries = AuditQueries(snapshot);
  std::vector<std::vector<Hit>> exact;
  absl::Status status = index->exact().Search(queries, &exact);
  if (!status.ok()) return status;
  Audit audit(min_recall, &queries, &exact);
  for (int effort = kLeastEffort; effort <= kMostEffort; effort *= 2) {
    index->set_effort(effort);
    const absl::StatusOr<bool> enough = audit.Passes(index);
    if (!enough.ok()) return enough.status();
    if (*enough) return absl::OkStatus();
  }
  return audit.NotEnough("hnsw", absl::StrCat("effort ", kMostEffort));
}

}  // namespace

absl::StatusOr<std::unique_ptr<SearchIndex>> BuildHnswIndex(
    const model::Snapshot& snapshot, double min_recall) {
  try {
    auto exact = BuildQuantisedIndex(snapshot);
    if (!exact.ok()) return exact.status();
    auto index = std::make_unique<HnswIndex>(snapshot, *std::move(exact));
    absl::Status status = TuneEffort(snapshot, min_recall, index.get());
    if (!status.ok()) return status;
    return index;
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("hnsw index: ", e.what()));
  }
}

}  // namespace taud::index
