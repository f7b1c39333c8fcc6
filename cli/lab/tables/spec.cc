#include "cli/lab/tables/spec.h"

#include "absl/strings/str_cat.h"

namespace taud::cli {

std::vector<LabColumn> RankingColumns() {
  return {{"recall@20", "Recall@20"}, {"ndcg@20", "NDCG@20"}};
}

std::vector<double> TauGrid() {
  return {.04, .06, .08, .10, .12, .14, .16, .18, .20, .22, .24};
}

std::string RowName(const LabRow& row) {
  return row.group.empty() ? row.label
                           : absl::StrCat(row.group, " ", row.label);
}

const std::vector<LabTable>& AllLabTables() {
  static const auto& tables = *[] {
    auto* all = new std::vector<LabTable>;
    for (const auto& some :
         {AdapTauTables(), AdapTauFigures(), SsmTables(), SsmFigures()}) {
      all->insert(all->end(), some.begin(), some.end());
    }
    return all;
  }();
  return tables;
}

const LabTable* FindLabTable(const std::string& name) {
  for (const LabTable& table : AllLabTables()) {
    if (table.name == name) return &table;
  }
  return nullptr;
}

}  // namespace taud::cli
