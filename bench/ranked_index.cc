#include "bench/ranked_index.h"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "index/block_scan.h"
#include "index/eligibility.h"
#include "index/guarded_search.h"
#include "index/overfetch.h"

namespace taud::index {
namespace {

using model::ItemIndex;

// A row that is scored alone costs about this many times a scanned one.
constexpr size_t kGatherCost = 8;
// Rows that a ranker is asked for beyond what is probably enough.
constexpr size_t kRankSlack = 32;

// Where a ranker that knows no filter returns `max_depth` rows at most: to ask
// it for 2^depth rows, enough that k of the `eligible` ones are probably among
// them; −1: to score the eligible ones instead. Pure.
// REQUIRES: k > 0, eligible > 0.
int ChooseRankDepth(size_t rows, size_t eligible, size_t k, size_t max_depth) {
  if (eligible * kGatherCost <= rows) return -1;
  const size_t wanted = std::min(k, eligible);
  // So many are certainly enough; where the filter is blind to the scores, the
  // eligible ones are spread evenly, and half as many again are nearly always.
  const size_t certain = wanted + (rows - eligible);
  const size_t probable =
      wanted * rows / eligible + wanted * rows / eligible / 2 + kRankSlack;
  const size_t depth = std::min({certain, probable, rows});
  if (depth > max_depth) return -1;
  int log2 = 0;
  while ((size_t{1} << log2) < depth) ++log2;
  return log2;
}

class RankedIndex : public SearchIndex {
 public:
  RankedIndex(const model::Snapshot& snapshot, std::vector<ItemIndex> items,
              std::unique_ptr<RowRanker> ranker)
      : matrix_(&snapshot.items),
        eligibility_(snapshot),
        item_of_row_(std::move(items)),
        ranker_(std::move(ranker)) {}

  std::string device() const override { return ranker_->device(); }
  IndexReport report() const override {
    IndexReport report;
    report.kind = "flat";
    report.kernel = ranker_->kernel();
    report.bytes = size() * (dim() * sizeof(float) + sizeof(ItemIndex));
    return report;
  }
  size_t size() const override { return item_of_row_.size(); }
  size_t dim() const override { return matrix_->cols; }

  absl::Status Search(absl::Span<const Query> queries,
                      std::vector<std::vector<Hit>>* results) const override {
    return GuardedSearch(device(), queries, [&] {
      results->assign(queries.size(), {});
      SearchAll(queries, results);
      return absl::OkStatus();
    });
  }

 private:
  void SearchAll(absl::Span<const Query> queries,
                 std::vector<std::vector<Hit>>* results) const {
    // Queries of one depth go together: a power of two, so that they are few.
    std::vector<std::vector<size_t>> by_depth;
    std::vector<size_t> eligible(queries.size());
    std::vector<size_t> direct;
    Eligibility::Counter counter(&eligibility_);
    for (size_t q = 0; q < queries.size(); ++q) {
      eligible[q] = counter.Count(queries[q]);
      const size_t wanted = std::min(queries[q].k, eligible[q]);
      if (wanted == 0) continue;
      const int depth = ChooseRankDepth(size(), eligible[q], queries[q].k,
                                        ranker_->max_depth());
      if (depth < 0) {
        direct.push_back(q);
        continue;
      }
      by_depth.resize(std::max<size_t>(by_depth.size(), depth + 1));
      by_depth[depth].push_back(q);
    }
    for (size_t depth = 0; depth < by_depth.size(); ++depth) {
      Rank(queries, by_depth[depth], size_t{1} << depth, results);
      for (const size_t q : by_depth[depth]) {
        if ((*results)[q].size() >= std::min(queries[q].k, eligible[q])) {
          continue;
        }
        direct.push_back(q);
      }
    }
    for (const size_t q : direct) {
      (*results)[q].clear();
      TopOfFew(*matrix_, queries[q].vector, queries[q].k,
               eligibility_.Allowed(queries[q]), &(*results)[q]);
    }
  }

  // The best of the first `depth` rows that each query allows.
  void Rank(absl::Span<const Query> queries, const std::vector<size_t>& chosen,
            size_t depth, std::vector<std::vector<Hit>>* results) const {
    if (chosen.empty()) return;
    depth = std::min({depth, size(), ranker_->max_depth()});
    const std::vector<float> vectors = GatherVectors(queries, chosen, dim());
    std::vector<float> scores(chosen.size() * depth);
    std::vector<int64_t> rows(chosen.size() * depth);
    ranker_->Rank(vectors.data(), chosen.size(), depth, scores.data(),
                  rows.data());
    for (size_t i = 0; i < chosen.size(); ++i) {
      TakeAllowed(queries[chosen[i]], eligibility_, item_of_row_,
                  absl::MakeConstSpan(scores).subspan(i * depth, depth),
                  absl::MakeConstSpan(rows).subspan(i * depth, depth),
                  &(*results)[chosen[i]]);
    }
  }

  const model::Matrix* const matrix_;  // the snapshot's
  const Eligibility eligibility_;
  const std::vector<ItemIndex> item_of_row_;  // ascending
  const std::unique_ptr<RowRanker> ranker_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<SearchIndex>> BuildRankedIndex(
    const model::Snapshot& snapshot, const RankerMaker& make) {
  try {
    const Eligibility eligibility(snapshot);
    std::vector<ItemIndex> items;
    model::Matrix rows(eligibility.size(), snapshot.dim());
    eligibility.indexed().ForEach([&](size_t item) {
      const float* row = snapshot.items.Row(item);
      std::copy(row, row + snapshot.dim(), rows.Row(items.size()));
      items.push_back(static_cast<ItemIndex>(item));
    });
    auto ranker = make(rows);
    if (!ranker.ok()) return ranker.status();
    return std::make_unique<RankedIndex>(snapshot, std::move(items),
                                         *std::move(ranker));
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("building an index of ",
                                            snapshot.items.rows, " x ",
                                            snapshot.dim(), ": ", e.what()));
  }
}

}  // namespace taud::index
