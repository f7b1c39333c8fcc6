#ifndef TAUD_CLI_BENCH_COMMANDS_H_
#define TAUD_CLI_BENCH_COMMANDS_H_

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "cli/client/client.h"

// `tauctl bench`; see cli/commands/commands.h for how these are called.

namespace taud::cli {

void AddBench(CLI::App* app, const Common* common, absl::Status* result);
// Of `bench`.
void AddBenchFreshness(CLI::App* bench, const Common* common,
                       absl::Status* result);

}  // namespace taud::cli

#endif  // TAUD_CLI_BENCH_COMMANDS_H_
