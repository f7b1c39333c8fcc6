#ifndef TAUD_CLI_LAB_TABLES_PLAN_H_
#define TAUD_CLI_LAB_TABLES_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/lab/options.h"
#include "cli/lab/tables/results.h"
#include "cli/lab/tables/spec.h"

// From a table and what a person asks for to its runs. Pure.

namespace taud::cli {

struct LabTableRequest {
  std::vector<LabDataSet> data;
  std::vector<uint64_t> seeds;
  // Labels, groups or both, in any case, as RowName gives them; empty: all
  // rows.
  std::vector<std::string> only;
  // Options of `tauctl lab run` for every run, which win over the row's.
  std::vector<std::string> words;
};

struct PlannedCell {
  LabCell cell;
  LabFlags flags;
  bool asked = true;  // for by `only`
};

// Every run of the table, data set by data set. INVALID_ARGUMENT naming the
// row that `only` names and the table lacks, an option that is none, or a data
// set that is there twice.
absl::StatusOr<std::vector<PlannedCell>> PlanLabTable(
    const LabTable& table, const LabTableRequest& request);

// "gowalla, MF Grid search τ, tau 0.1, seed 1".
std::string CellName(const LabTable& table, const LabTableRequest& request,
                     const LabCell& cell);

}  // namespace taud::cli

#endif  // TAUD_CLI_LAB_TABLES_PLAN_H_
