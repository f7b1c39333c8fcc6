#include "index/ivf_index.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "index/audit.h"
#include "index/block_scan.h"
#include "index/centroids.h"
#include "index/eligibility.h"
#include "index/guarded_search.h"
#include "index/quantised_rows.h"
#include "index/search_plan.h"

namespace taud::index {
namespace {

// Under a filter more lists are looked into, as far as this factor: where few
// items pass, the nearest that do stand in more distant lists.
constexpr size_t kMaxWidening = 16;

size_t NumLists(size_t items) {
  const auto lists =
      static_cast<size_t>(2 * std::sqrt(static_cast<double>(items)));
  return std::clamp<size_t>(lists, 1, std::max<size_t>(1, items));
}

class IvfIndex : public AuditedIndex {
 public:
  IvfIndex(const model::Snapshot& snapshot, model::Matrix* centroids)
      : matrix_(&snapshot.items), eligibility_(snapshot) {
    std::vector<uint32_t> items;
    eligibility_.indexed().ForEach(
        [&](size_t item) { items.push_back(static_cast<uint32_t>(item)); });
    centroids_ =
        FitCentroids(*matrix_, items, NumLists(items.size()), *centroids);
    *centroids = centroids_;
    std::vector<uint32_t> lists(centroids_.rows);
    std::iota(lists.begin(), lists.end(), 0);
    centroid_rows_ =
        std::make_unique<QuantisedRows>(centroids_, std::move(lists));
    rows_ = std::make_unique<QuantisedRows>(
        *matrix_,
        InLists(items, AssignToCentroids(centroids_, *matrix_, items)));
  }

  std::string device() const override { return "cpu"; }
  size_t size() const override { return eligibility_.size(); }
  size_t dim() const override { return matrix_->cols; }
  size_t num_lists() const { return centroids_.rows; }

  void set_probes(size_t probes) { probes_ = probes; }

  IndexReport report() const override {
    IndexReport report;
    report.kind = "ivf";
    report.kernel = ScoreKernelName();
    report.bytes = rows_->bytes() + centroid_rows_->bytes();
    ReportAudit(&report);
    report.lists = num_lists();
    report.probes = probes_;
    return report;
  }

  absl::Status Search(absl::Span<const Query> queries,
                      std::vector<std::vector<Hit>>* results) const override {
    return GuardedSearch("ivf", queries, [&] {
      SearchAll(queries, results);
      return absl::OkStatus();
    });
  }

  // All lists, whatever the number of probes.
  void SearchExactly(absl::Span<const Query> queries,
                     std::vector<std::vector<Hit>>* results) const {
    results->resize(queries.size());
    BlockScan scan(rows_.get(), matrix_, queries);
    scan.ScanAll(0, rows_->num_blocks());
    for (size_t q = 0; q < queries.size(); ++q) {
      scan.Finish(q, &(*results)[q]);
    }
  }

 private:
  // Items list by list, each list from the beginning of a block.
  std::vector<uint32_t> InLists(const std::vector<uint32_t>& items,
                                const std::vector<uint32_t>& assigned) {
    std::vector<size_t> count(num_lists(), 0);
    for (const uint32_t list : assigned) ++count[list];
    first_block_.assign(num_lists() + 1, 0);
    for (size_t l = 0; l < num_lists(); ++l) {
      first_block_[l + 1] =
          first_block_[l] + (count[l] + kBlockRows - 1) / kBlockRows;
    }
    std::vector<uint32_t> placed(first_block_.back() * kBlockRows,
                                 QuantisedRows::kNoItem);
    std::vector<size_t> next(num_lists());
    for (size_t l = 0; l < num_lists(); ++l) {
      next[l] = first_block_[l] * kBlockRows;
    }
    for (size_t i = 0; i < items.size(); ++i) {
      placed[next[assigned[i]]++] = items[i];
    }
    return placed;
  }

  size_t ProbesFor(size_t eligible) const {
    const size_t widening =
        std::clamp<size_t>(size() / eligible, 1, kMaxWidening);
    return std::min(num_lists(), probes_ * widening);
  }

  void SearchAll(absl::Span<const Query> queries,
                 std::vector<std::vector<Hit>>* results) const {
    results->resize(queries.size());
    std::vector<Query> scanned;
    std::vector<size_t> position;
    std::vector<size_t> eligible;
    Eligibility::Counter counter(&eligibility_);
    const size_t fewest = size() * probes_ / std::max<size_t>(1, num_lists());
    for (size_t q = 0; q < queries.size(); ++q) {
      (*results)[q].clear();
      const size_t allowed = counter.Count(queries[q]);
      switch (ChooseScanPath(fewest, allowed, queries[q].k)) {
        case ScanPath::kEmpty:
          break;
        case ScanPath::kDirect:
          TopOfFew(*matrix_, queries[q].vector, queries[q].k,
                   eligibility_.Allowed(queries[q]), &(*results)[q]);
          break;
        case ScanPath::kScan:
          scanned.push_back(queries[q]);
          position.push_back(q);
          eligible.push_back(allowed);
          break;
      }
    }
    if (!scanned.empty()) SearchLists(scanned, eligible, position, results);
  }

  void SearchLists(const std::vector<Query>& queries,
                   const std::vector<size_t>& eligible,
                   const std::vector<size_t>& position,
                   std::vector<std::vector<Hit>>* results) const {
    // The nearest centroids are a search of their own.
    std::vector<Query> nearest(queries.size());
    for (size_t q = 0; q < queries.size(); ++q) {
      nearest[q].vector = queries[q].vector;
      nearest[q].k = ProbesFor(eligible[q]);
    }
    BlockScan centroid_scan(centroid_rows_.get(), &centroids_, nearest);
    centroid_scan.ScanAll(0, centroid_rows_->num_blocks());
    std::vector<std::pair<uint32_t, uint32_t>> visits;  // list, query
    std::vector<Hit> hits;
    for (size_t q = 0; q < queries.size(); ++q) {
      centroid_scan.Finish(q, &hits);
      for (const Hit& hit : hits) {
        visits.emplace_back(hit.item, static_cast<uint32_t>(q));
      }
    }
    // Queries that look into the same list share the reading of it.
    std::sort(visits.begin(), visits.end());
    BlockScan scan(rows_.get(), matrix_, queries);
    std::vector<uint32_t> which;
    for (size_t v = 0; v < visits.size();) {
      const uint32_t list = visits[v].first;
      which.clear();
      for (; v < visits.size() && visits[v].first == list; ++v) {
        which.push_back(visits[v].second);
      }
      scan.ScanSome(first_block_[list], first_block_[list + 1], which);
    }
    for (size_t q = 0; q < queries.size(); ++q) {
      std::vector<Hit>& result = (*results)[position[q]];
      scan.Finish(q, &result);
      if (result.size() == std::min(queries[q].k, eligible[q])) continue;
      std::vector<std::vector<Hit>> exact;
      SearchExactly({&queries[q], 1}, &exact);
      result = std::move(exact[0]);
    }
  }

  const model::Matrix* const matrix_;  // the snapshot's
  const Eligibility eligibility_;
  model::Matrix centroids_;
  std::unique_ptr<const QuantisedRows> centroid_rows_;
  std::unique_ptr<const QuantisedRows> rows_;
  std::vector<size_t> first_block_;  // [lists + 1]
  size_t probes_ = 1;
};

// Sets the least number of probes that finds enough.
absl::Status TuneProbes(const model::Snapshot& snapshot, double min_recall,
                        IvfIndex* index) {
  const std::vector<Query> queries = AuditQueries(snapshot);
  std::vector<std::vector<Hit>> exact;
  index->SearchExactly(queries, &exact);
  const size_t most = std::max<size_t>(1, index->num_lists() / 4);
  Audit audit(min_recall, &queries, &exact);
  // Lists with enough items that the audit does not fall back on all of them.
  const size_t enough =
      (4 * kAuditDepth * index->num_lists() + index->size() - 1) /
      index->size();
  for (size_t probes =
           std::min(most, std::max(enough, index->num_lists() / 128));
       ; probes = std::min(most, probes + (probes + 1) / 2)) {
    index->set_probes(probes);
    const absl::StatusOr<bool> enough_found = audit.Passes(index);
    if (!enough_found.ok()) return enough_found.status();
    if (*enough_found) return absl::OkStatus();
    if (probes >= most) break;
  }
  return audit.NotEnough(
      "ivf", absl::StrCat(most, " of ", index->num_lists(), " lists"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<SearchIndex>> BuildIvfIndex(
    const model::Snapshot& snapshot, double min_recall,
    model::Matrix* centroids) {
  try {
    if (Eligibility(snapshot).size() == 0) {
      return absl::FailedPreconditionError("ivf: no item is trained");
    }
    auto index = std::make_unique<IvfIndex>(snapshot, centroids);
    absl::Status status = TuneProbes(snapshot, min_recall, index.get());
    if (!status.ok()) return status;
    return index;
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("ivf index: ", e.what()));
  }
}

}  // namespace taud::index
