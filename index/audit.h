#ifndef TAUD_INDEX_AUDIT_H_
#define TAUD_INDEX_AUDIT_H_

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
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

// The share of the exact hits that were found, over all queries; 1 if there
// are none. Pure.
double Recall(const std::vector<std::vector<Hit>>& exact,
              const std::vector<std::vector<Hit>>& found);

}  // namespace taud::index

#endif  // TAUD_INDEX_AUDIT_H_
