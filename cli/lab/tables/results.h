#ifndef TAUD_CLI_LAB_TABLES_RESULTS_H_
#define TAUD_CLI_LAB_TABLES_RESULTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/lab/chart.h"
#include "cli/lab/tables/spec.h"
#include "nlohmann/json.hpp"

// From the results of a table's runs to what is printed and drawn. Pure.

namespace taud::cli {

// A data set as it is given.
struct LabDataSet {
  std::string name;  // as the papers' figures are listed under
  std::string directory;
};

// `[NAME=]DIRECTORY`. Without a name it is that of the directory, in small
// letters and by what the papers' data sets are also called.
// INVALID_ARGUMENT without a directory.
absl::StatusOr<LabDataSet> ParseDataSet(const std::string& text);

// One run of a table.
struct LabCell {
  size_t data = 0, row = 0;
  size_t value = 0;  // of the swept option; 0 if there is none
  uint64_t seed = 0;

  std::tuple<size_t, size_t, size_t, uint64_t> order() const {
    return {data, row, value, seed};
  }
  bool operator<(const LabCell& other) const { return order() < other.order(); }
};

struct LabTableResults {
  const LabTable* table = nullptr;
  std::vector<LabDataSet> data;
  std::vector<uint64_t> seeds;
  // What `tauctl lab run` gives, of the runs that are done.
  std::map<LabCell, nlohmann::ordered_json> done;
  std::map<LabCell, std::string> failed;  // why

  // The run that the row stands for: of a sweep the best, by the validation
  // slice unless the protocol is another. Null if none is done.
  const nlohmann::ordered_json* Find(size_t data, size_t row, uint64_t seed,
                                     size_t* value = nullptr) const;
};

// What is shown, each figure beside the paper's.
nlohmann::ordered_json TableJson(const LabTableResults& results);

// The same for a person, from that object; `images` are shown below.
std::string TableMarkdown(const nlohmann::ordered_json& json,
                          const std::vector<std::string>& images);

// The drawings, of the first seed. Those without any point are left out.
std::vector<Chart> TableCharts(const LabTableResults& results);

}  // namespace taud::cli

#endif  // TAUD_CLI_LAB_TABLES_RESULTS_H_
