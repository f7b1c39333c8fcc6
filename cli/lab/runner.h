#ifndef TAUD_CLI_LAB_RUNNER_H_
#define TAUD_CLI_LAB_RUNNER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "cli/lab/cache.h"
#include "cli/lab/options.h"
#include "cli/terminal/progress.h"
#include "lab/experiment.h"
#include "nlohmann/json.hpp"

namespace taud::cli {

// One experiment to run.
struct LabRun {
  LabFlags flags;
  lab::ExperimentOptions options;
  LabKey key;
};

// Runs the experiments that are not in the cache yet, and keeps what they
// give. Reads each data set once. One thread's.
class LabRunner {
 public:
  // Keeps results in DIRECTORY/runs.
  static absl::StatusOr<LabRunner> Open(const std::string& directory);

  // What the flags ask for, as Resolve says. Errors of Resolve and of reading
  // the data.
  absl::StatusOr<LabRun> Plan(const LabFlags& flags);

  // The result, if it is there. One that is damaged is not, and said so on
  // standard error.
  std::optional<nlohmann::ordered_json> Find(const LabRun& run,
                                             Progress* progress) const;

  // Runs it, with progress after `label`, and keeps the result.
  absl::StatusOr<nlohmann::ordered_json> Run(const LabRun& run,
                                             const std::string& label,
                                             Progress* progress);

 private:
  explicit LabRunner(LabCache cache) : cache_(std::move(cache)) {}
  absl::Status Load(const LabFlags& flags);

  LabCache cache_;
  std::map<std::string, uint64_t> fingerprints_;  // by directory
  std::string loaded_;                            // of what data_ is
  LabData data_;
};

}  // namespace taud::cli

#endif  // TAUD_CLI_LAB_RUNNER_H_
