#ifndef TAUD_CLI_LAB_REPORT_H_
#define TAUD_CLI_LAB_REPORT_H_

#include <string>

#include "absl/status/statusor.h"
#include "cli/lab/options.h"
#include "cli/terminal/progress.h"
#include "lab/experiment.h"
#include "nlohmann/json.hpp"

// Running an experiment of the lab from the command line, and what is printed
// of its outcome.

namespace taud::cli {

// From now on the first SIGINT or SIGTERM asks experiments to stop, the next
// one ends the process.
void StopExperimentsOnSignals();
bool ExperimentsStopped();

// What was measured, and of what (Describe). Numbers are as computed.
nlohmann::ordered_json ToJson(const LabFlags& flags, const LabData& data,
                              const lab::ExperimentOptions& options,
                              const lab::ExperimentResult& result,
                              double seconds);

// The same for a person, from that object.
std::string ToText(const nlohmann::ordered_json& json);

// Runs it with progress on standard error, each line after `label`.
absl::StatusOr<nlohmann::ordered_json> RunReported(
    const LabFlags& flags, const LabData& data,
    const lab::ExperimentOptions& options, const std::string& label,
    Progress* progress);

}  // namespace taud::cli

#endif  // TAUD_CLI_LAB_REPORT_H_
