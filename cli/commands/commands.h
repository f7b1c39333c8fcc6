#ifndef TAUD_CLI_COMMANDS_COMMANDS_H_
#define TAUD_CLI_COMMANDS_COMMANDS_H_

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "cli/client/client.h"

// The sub-commands of tauctl that speak to a daemon or a data directory; those
// of `tauctl bench` and `tauctl lab` are in cli/bench/commands.h and
// cli/lab/commands.h. Each function adds its own to
// `app`; when the command line names it, it runs while CLI11 parses and leaves
// its outcome in *result. `common` is filled in by then. All three outlive the
// parsing.

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
// `tauctl pause` and `tauctl resume`.
void AddPause(CLI::App* app, const Common* common, absl::Status* result);
void AddDecisions(CLI::App* app, const Common* common, absl::Status* result);
void AddRollback(CLI::App* app, const Common* common, absl::Status* result);
void AddRetract(CLI::App* app, const Common* common, absl::Status* result);
void AddErasure(CLI::App* app, const Common* common, absl::Status* result);
void AddBackup(CLI::App* app, const Common* common, absl::Status* result);
void AddVerify(CLI::App* app, const Common* common, absl::Status* result);
// `tauctl token`, which asks no daemon.
void AddToken(CLI::App* app, const Common* common, absl::Status* result);
void AddExport(CLI::App* app, const Common* common, absl::Status* result);

}  // namespace taud::cli

#endif  // TAUD_CLI_COMMANDS_COMMANDS_H_
