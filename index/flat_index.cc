#include <algorithm>
#include <cstdint>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "faiss/IndexFlat.h"
#include "faiss/impl/IDSelector.h"
#include "index/block_scan.h"
#include "index/eligibility.h"
#include "index/faiss_flat_search.h"
#include "index/guarded_search.h"
#include "index/overfetch.h"
#include "index/search_index.h"
#include "index/search_plan.h"

namespace taud::index {
namespace {

using model::ItemIndex;

// Queries that are searched together, all as deep as the deepest of them.
struct Overfetched {
  std::vector<size_t> queries;
  size_t depth = 0;

  void Add(size_t query, size_t its_depth) {
    queries.push_back(query);
    depth = std::max(depth, its_depth);
  }
};

// Deeper searches go apart: keeping a long list of results costs more than
// the scores, and the others need not pay for it.
constexpr size_t kShallow = 128;

// FAISS rows are numbered densely; items without a vector have none.
class FlatIndex : public SearchIndex {
 public:
  explicit FlatIndex(const model::Snapshot& snapshot)
      : matrix_(&snapshot.items),
        faiss_(static_cast<int64_t>(snapshot.dim())),
        eligibility_(snapshot) {
    eligibility_.indexed().ForEach([&](size_t item) {
      item_of_row_.push_back(static_cast<ItemIndex>(item));
    });
    if (item_of_row_.size() == snapshot.items.rows) {
      faiss_.add(static_cast<int64_t>(snapshot.items.rows),
                 snapshot.items.values.data());
      return;
    }
    row_of_item_.assign(snapshot.items.rows, 0);
    std::vector<float> rows(item_of_row_.size() * snapshot.dim());
    for (size_t r = 0; r < item_of_row_.size(); ++r) {
      const float* row = snapshot.items.Row(item_of_row_[r]);
      std::copy(row, row + snapshot.dim(), &rows[r * snapshot.dim()]);
      row_of_item_[item_of_row_[r]] = static_cast<uint32_t>(r);
    }
    faiss_.add(static_cast<int64_t>(item_of_row_.size()), rows.data());
  }

  std::string device() const override { return "cpu"; }
  IndexReport report() const override {
    IndexReport report;
    report.kind = "flat";
    report.kernel = "openblas";
    report.bytes = size() * (dim() * sizeof(float) + sizeof(ItemIndex)) +
                   row_of_item_.size() * sizeof(uint32_t);
    return report;
  }
  size_t size() const override { return item_of_row_.size(); }
  size_t dim() const override { return static_cast<size_t>(faiss_.d); }

  absl::Status Search(absl::Span<const Query> queries,
                      std::vector<std::vector<Hit>>* results) const override {
    return GuardedSearch("flat", queries, [&] {
      results->assign(queries.size(), {});
      SearchAll(queries, results);
      return absl::OkStatus();
    });
  }

 private:
  void SearchAll(absl::Span<const Query> queries,
                 std::vector<std::vector<Hit>>* results) const {
    Overfetched shallow;
    Overfetched deep;
    Eligibility::Counter counter(&eligibility_);
    for (size_t q = 0; q < queries.size(); ++q) {
      const Query& query = queries[q];
      const size_t eligible = counter.Count(query);
      switch (ChoosePath(size(), eligible, query.k)) {
        case SearchPath::kEmpty:
          break;
        case SearchPath::kOverfetch: {
          const size_t depth = query.k + (size() - eligible);
          (depth <= kShallow ? shallow : deep).Add(q, depth);
          break;
        }
        case SearchPath::kDirect:
          TopOfFew(*matrix_, query.vector, query.k, eligibility_.Allowed(query),
                   &(*results)[q]);
          break;
        case SearchPath::kSelector:
          SearchSelected(query, eligibility_.Allowed(query), eligible,
                         &(*results)[q]);
          break;
      }
    }
    SearchOverfetched(queries, shallow, results);
    SearchOverfetched(queries, deep, results);
  }

  size_t RowOf(ItemIndex item) const {
    return row_of_item_.empty() ? item : row_of_item_[item];
  }

  void SearchOverfetched(absl::Span<const Query> queries,
                         const Overfetched& overfetched,
                         std::vector<std::vector<Hit>>* results) const {
    const std::vector<size_t>& chosen = overfetched.queries;
    if (chosen.empty()) return;
    const size_t depth = std::min(overfetched.depth, size());
    const std::vector<float> vectors = GatherVectors(queries, chosen, dim());
    std::vector<float> scores(chosen.size() * depth);
    std::vector<int64_t> rows(chosen.size() * depth);
    faiss_.search(static_cast<int64_t>(chosen.size()), vectors.data(),
                  static_cast<int64_t>(depth), scores.data(), rows.data());
    for (size_t i = 0; i < chosen.size(); ++i) {
      TakeAllowed(queries[chosen[i]], eligibility_, item_of_row_,
                  absl::MakeConstSpan(scores).subspan(i * depth, depth),
                  absl::MakeConstSpan(rows).subspan(i * depth, depth),
                  &(*results)[chosen[i]]);
    }
  }

  void SearchSelected(const Query& query, const model::Bitmap& allowed,
                      size_t eligible, std::vector<Hit>* hits) const {
    // FAISS tests row numbers, eight to a byte.
    std::vector<uint8_t> bits((size() + 7) / 8, 0);
    allowed.ForEach([&](size_t item) {
      const size_t row = RowOf(static_cast<ItemIndex>(item));
      bits[row / 8] = static_cast<uint8_t>(bits[row / 8] | (1u << (row % 8)));
    });
    faiss::IDSelectorBitmap selector(size(), bits.data());
    faiss::SearchParameters parameters;
    parameters.sel = &selector;
    const size_t k = std::min(query.k, eligible);
    std::vector<float> scores(k);
    std::vector<int64_t> rows(k);
    faiss_.search(1, query.vector, static_cast<int64_t>(k), scores.data(),
                  rows.data(), &parameters);
    for (size_t j = 0; j < k && rows[j] >= 0; ++j) {
      hits->push_back({item_of_row_[static_cast<size_t>(rows[j])], scores[j]});
    }
    std::sort(hits->begin(), hits->end(), BetterHit);
  }

  const model::Matrix* const matrix_;  // the snapshot's
  faiss::IndexFlatIP faiss_;
  const Eligibility eligibility_;
  std::vector<ItemIndex> item_of_row_;  // ascending
  std::vector<uint32_t> row_of_item_;   // empty: the identity
};

}  // namespace

absl::StatusOr<std::unique_ptr<SearchIndex>> BuildFlatIndex(
    const model::Snapshot& snapshot) {
  PreferBlas();
  try {
    return std::make_unique<FlatIndex>(snapshot);
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("building a flat index of ",
                                            snapshot.items.rows, " x ",
                                            snapshot.dim(), ": ", e.what()));
  }
}

}  // namespace taud::index
