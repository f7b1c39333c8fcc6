#ifndef TAUD_CLI_COMMANDS_AWAIT_LEARNED_H_
#define TAUD_CLI_COMMANDS_AWAIT_LEARNED_H_

#include <cstdint>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "cli/client/client.h"

namespace taud::cli {

// The option --wait of a command that writes: the seconds that AwaitLearned
// gets, finite and above 0; 0 if it is not to be called.
void AddWait(CLI::App* command, double* seconds);

// Waits until a snapshot serves that has learnt from everything up to
// `sequence` (0: up to the end of the log as it is now), at most `seconds`, and
// shows how far it is. DEADLINE_EXCEEDED, which says where it stands;
// FAILED_PRECONDITION at once if nothing is learnt: paused, or failed. Needs
// the role observe where credentials are asked for.
absl::Status AwaitLearned(const Common& common, uint64_t sequence,
                          double seconds);

}  // namespace taud::cli

#endif  // TAUD_CLI_COMMANDS_AWAIT_LEARNED_H_
