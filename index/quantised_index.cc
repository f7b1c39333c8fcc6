#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "index/block_scan.h"
#include "index/eligibility.h"
#include "index/guarded_search.h"
#include "index/quantised_rows.h"
#include "index/search_index.h"
#include "index/search_plan.h"

namespace taud::index {
namespace {

std::vector<uint32_t> ItemsOf(const Eligibility& eligibility) {
  std::vector<uint32_t> items;
  items.reserve(eligibility.size());
  eligibility.indexed().ForEach(
      [&](size_t item) { items.push_back(static_cast<uint32_t>(item)); });
  return items;
}

class QuantisedIndex : public SearchIndex {
 public:
  explicit QuantisedIndex(const model::Snapshot& snapshot)
      : matrix_(&snapshot.items),
        eligibility_(snapshot),
        rows_(snapshot.items, ItemsOf(eligibility_)) {}

  std::string device() const override { return "cpu"; }
  size_t size() const override { return eligibility_.size(); }
  size_t dim() const override { return matrix_->cols; }

  IndexReport report() const override {
    IndexReport report;
    report.kind = "flat_quantised";
    report.kernel = ScoreKernelName();
    report.bytes = rows_.bytes();
    return report;
  }

  absl::Status Search(absl::Span<const Query> queries,
                      std::vector<std::vector<Hit>>* results) const override {
    return GuardedSearch("quantised", queries, [&] {
      SearchAll(queries, results);
      return absl::OkStatus();
    });
  }

 private:
  void SearchAll(absl::Span<const Query> queries,
                 std::vector<std::vector<Hit>>* results) const {
    results->resize(queries.size());
    std::vector<Query> scanned;
    std::vector<size_t> position;
    Eligibility::Counter counter(&eligibility_);
    for (size_t q = 0; q < queries.size(); ++q) {
      (*results)[q].clear();
      const Query& query = queries[q];
      switch (ChooseScanPath(size(), counter.Count(query), query.k)) {
        case ScanPath::kEmpty:
          break;
        case ScanPath::kDirect:
          TopOfFew(*matrix_, query.vector, query.k, eligibility_.Allowed(query),
                   &(*results)[q]);
          break;
        case ScanPath::kScan:
          scanned.push_back(query);
          position.push_back(q);
          break;
      }
    }
    if (scanned.empty()) return;
    BlockScan scan(&rows_, matrix_, scanned);
    scan.ScanAll(0, rows_.num_blocks());
    for (size_t i = 0; i < scanned.size(); ++i) {
      scan.Finish(i, &(*results)[position[i]]);
    }
  }

  const model::Matrix* const matrix_;  // the snapshot's
  const Eligibility eligibility_;
  const QuantisedRows rows_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<SearchIndex>> BuildQuantisedIndex(
    const model::Snapshot& snapshot) {
  try {
    return std::make_unique<QuantisedIndex>(snapshot);
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("quantised index: ", e.what()));
  }
}

}  // namespace taud::index
