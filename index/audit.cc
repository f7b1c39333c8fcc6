#include "index/audit.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace taud::index {
namespace {

void AddRows(const model::Matrix& matrix, const std::vector<uint32_t>& weight,
             std::vector<Query>* queries) {
  const size_t rows = std::min(matrix.rows, weight.size());
  const size_t step = std::max<size_t>(1, rows / kAuditQueries);
  for (size_t r = 0; r < rows && queries->size() < kAuditQueries; r += step) {
    if (weight[r] == 0) continue;
    Query query;
    query.vector = matrix.Row(r);
    query.k = kAuditDepth;
    queries->push_back(query);
  }
}

}  // namespace

std::vector<Query> AuditQueries(const model::Snapshot& snapshot) {
  std::vector<Query> queries;
  AddRows(snapshot.users, snapshot.user_degree, &queries);
  if (queries.empty()) {
    AddRows(snapshot.items, snapshot.item_popularity, &queries);
  }
  return queries;
}

absl::StatusOr<bool> Audit::Passes(AuditedIndex* index) {
  std::vector<std::vector<Hit>> found;
  absl::Status status = index->Search(*queries_, &found);
  if (!status.ok()) return status;
  recall_ = Recall(*exact_, found);
  index->set_audit(recall_, queries_->size());
  return recall_ >= min_recall_;
}

absl::Status Audit::NotEnough(absl::string_view kind,
                              absl::string_view most) const {
  return absl::FailedPreconditionError(
      absl::StrCat(kind, ": recall@", kAuditDepth, " is ", recall_, " with ",
                   most, ", below ", min_recall_, " (serving.min_recall)"));
}

double Recall(const std::vector<std::vector<Hit>>& exact,
              const std::vector<std::vector<Hit>>& found) {
  size_t wanted = 0;
  size_t met = 0;
  for (size_t q = 0; q < exact.size(); ++q) {
    absl::flat_hash_set<model::ItemIndex> items;
    for (const Hit& hit : found[q]) items.insert(hit.item);
    wanted += exact[q].size();
    for (const Hit& hit : exact[q]) met += items.contains(hit.item);
  }
  return wanted == 0 ? 1
                     : static_cast<double>(met) / static_cast<double>(wanted);
}

}  // namespace taud::index
