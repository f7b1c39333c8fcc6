#ifndef TAUD_CLI_PROGRAM_H_
#define TAUD_CLI_PROGRAM_H_

#include "cli/lab/running_program.h"

namespace taud::cli {

// Parses the command line and does what it says; the exit status.
int RunProgram(int argc, Program program);

}  // namespace taud::cli

#endif  // TAUD_CLI_PROGRAM_H_
