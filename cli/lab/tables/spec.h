#ifndef TAUD_CLI_LAB_TABLES_SPEC_H_
#define TAUD_CLI_LAB_TABLES_SPEC_H_

#include <map>
#include <string>
#include <vector>

// The papers' tables and figures as data: what to run for each row, what to
// show of it, and what the paper printed there.
//
// To add one, add a LabTable to the list of one of the files beside this; the
// tests check that its options are options.

namespace taud::cli {

// A number of a result, by its key in the JSON of `tauctl lab run`.
struct LabColumn {
  std::string key;
  std::string heading;
  int digits = 4;
};

struct LabRow {
  std::string group;    // rows that belong together, such as the backbone
  std::string label;    // as the paper names it; with the group, unique
  std::string options;  // of `tauctl lab run`, without --data
  // What the paper printed: data set → a number for each column.
  std::map<std::string, std::vector<double>> published;
  // If not empty, an option that takes each of `values`, a run each.
  std::string swept = {};
  std::vector<double> values = {};
};

struct LabDrawing {
  enum class Kind {
    // `key` over the swept option: a curve for each row that sweeps, a level
    // for each that does not.
    kSweep,
    kRelativeSweep,  // one curve a data set, divided by its best
    kSweepAndTau,    // kSweep, and the distribution of tau_u of the levels
    kByPopularity,   // bars of `key`, a number for each popularity group
    kByEpoch,        // `key` of each epoch
    kByEpochAndPopularity,  // of the first row: a curve a group
    kTauByNoiseGroup,       // distributions of tau_u, of the first row
  };
  Kind kind;
  std::string name;  // ends the file's name
  std::string key;
  std::string title, x_label, y_label;
  bool log_x = false;
  std::vector<std::string> labels = {};  // rows to draw; empty: all
};

struct LabTable {
  std::string name;  // as the command line has it
  std::string paper;
  std::string title;
  std::string note;                    // what differs from the paper
  std::vector<std::string> data_sets;  // the paper's, by DataSetName
  std::vector<LabColumn> columns;
  std::vector<LabRow> rows;
  std::vector<LabDrawing> drawings = {};
};

// A row that sweeps stands in the table for its best run.
inline bool Sweeps(const LabRow& row) { return !row.swept.empty(); }

// What most tables show.
std::vector<LabColumn> RankingColumns();

// The sweep of one temperature for all users: the papers' grid search.
std::vector<double> TauGrid();

// Group and label in one.
std::string RowName(const LabRow& row);

// All of them; the names are unique.
const std::vector<LabTable>& AllLabTables();
// Or null.
const LabTable* FindLabTable(const std::string& name);

// One file each.
std::vector<LabTable> AdapTauTables();
std::vector<LabTable> AdapTauFigures();
std::vector<LabTable> SsmTables();
std::vector<LabTable> SsmFigures();

}  // namespace taud::cli

#endif  // TAUD_CLI_LAB_TABLES_SPEC_H_
