#ifndef TAUD_CLI_COMMANDS_H_
#define TAUD_CLI_COMMANDS_H_

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "cli/client.h"
#include "lab/experiment.h"

// The sub-commands of tauctl. Each function adds its own to `app`; when the
// command line names it, it runs while CLI11 parses and leaves its outcome in
// *result. `common` is filled in by then. All three outlive the parsing.

namespace taud::cli {

void AddRecommend(CLI::App* app, const Common* common, absl::Status* result);
void AddSimilar(CLI::App* app, const Common* common, absl::Status* result);
void AddIngest(CLI::App* app, const Common* common, absl::Status* result);
void AddItems(CLI::App* app, const Common* common, absl::Status* result);
void AddUsers(CLI::App* app, const Common* common, absl::Status* result);
void AddSimulate(CLI::App* app, const Common* common, absl::Status* result);
void AddStatus(CLI::App* app, const Common* common, absl::Status* result);
void AddSnapshots(CLI::App* app, const Common* common, absl::Status* result);
void AddPublish(CLI::App* app, const Common* common, absl::Status* result);
void AddRollback(CLI::App* app, const Common* common, absl::Status* result);
void AddErasure(CLI::App* app, const Common* common, absl::Status* result);
void AddBackup(CLI::App* app, const Common* common, absl::Status* result);
void AddVerify(CLI::App* app, const Common* common, absl::Status* result);
void AddExport(CLI::App* app, const Common* common, absl::Status* result);
void AddBench(CLI::App* app, const Common* common, absl::Status* result);

// The program that runs: tauctl, which starts in no time, or tauctl-lab, the
// same with LibTorch.
struct Program {
  char** argv = nullptr;
  lab::AutogradLearnerMaker tensors = nullptr;  // null in tauctl
};
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

// Parses the command line and does what it says; the exit status.
int RunProgram(int argc, Program program);

}  // namespace taud::cli

#endif  // TAUD_CLI_COMMANDS_H_
