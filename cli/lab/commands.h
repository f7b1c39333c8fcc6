#ifndef TAUD_CLI_LAB_COMMANDS_H_
#define TAUD_CLI_LAB_COMMANDS_H_

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "cli/client/client.h"
#include "cli/lab/running_program.h"
#include "lab/experiment.h"

// The sub-commands of `tauctl lab`, as cli/commands/commands.h has those of
// tauctl.

namespace taud::cli {

void AddLab(CLI::App* app, const Common* common, const Program* program,
            absl::Status* result);
// `lab` is the sub-command that AddLab makes.
void AddLabRun(CLI::App* lab, const Common* common, const Program* program,
               absl::Status* result);
void AddLabGrid(CLI::App* lab, const Common* common, const Program* program,
                absl::Status* result);
void AddLabTable(CLI::App* lab, const Common* common, const Program* program,
                 absl::Status* result);
void AddLabOnline(CLI::App* lab, const Common* common, absl::Status* result);

// Gives options->tensors what the experiment needs: in tauctl, starts
// tauctl-lab in its place, with the same command line, and returns only if
// that failed.
absl::Status UseTensors(const Program& program,
                        lab::ExperimentOptions* options);

}  // namespace taud::cli

#endif  // TAUD_CLI_LAB_COMMANDS_H_
