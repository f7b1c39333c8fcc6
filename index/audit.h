#ifndef TAUD_INDEX_AUDIT_H_
#define TAUD_INDEX_AUDIT_H_

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "index/search_index.h"
#include "model/snapshot.h"

namespace taud::index {

// Results an audit compares, and users it asks for.
inline constexpr size_t kAuditDepth = 100;
inline constexpr size_t kAuditQueries = 200;

// An approximate index, with what its audit found.
class AuditedIndex : public SearchIndex {
 public:
  void set_audit(double recall, size_t queries) {
    recall_ = recall;
    audited_ = queries;
  }

 protected:
  void ReportAudit(IndexReport* report) const {
    report->recall = recall_;
    report->audited = audited_;
  }

 private:
  double recall_ = 0;
  size_t audited_ = 0;
};

// Trained users at equal distances, as queries of depth kAuditDepth; items if
// no user is trained. At most kAuditQueries.
std::vector<Query> AuditQueries(const model::Snapshot& snapshot);

// While an approximate index is tuned: tells whether it finds enough as it is
// set now. Thread-compatible; owns nothing, and what it is given outlives it.
class Audit {
 public:
  // `exact`: what an exact search finds for `queries`.
  Audit(double min_recall, const std::vector<Query>* queries,
        const std::vector<std::vector<Hit>>* exact)
      : min_recall_(min_recall), queries_(queries), exact_(exact) {}

  // Searches, and tells the index what was found (set_audit). Returns whether
  // it is enough, or the search's error.
  absl::StatusOr<bool> Passes(AuditedIndex* index);

  // FAILED_PRECONDITION, with the recall of the last search; `kind` names the
  // index, `most` how it was set.
  absl::Status NotEnough(absl::string_view kind, absl::string_view most) const;

 private:
  const double min_recall_;
  const std::vector<Query>* const queries_;
  const std::vector<std::vector<Hit>>* const exact_;
  double recall_ = 0;
};

// The share of the exact hits that were found, over all queries; 1 if there
// are none. Pure.
double Recall(const std::vector<std::vector<Hit>>& exact,
              const std::vector<std::vector<Hit>>& found);

}  // namespace taud::index

#endif  // TAUD_INDEX_AUDIT_H_
