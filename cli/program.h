#ifndef TAUD_CLI_PROGRAM_H_
#define TAUD_CLI_PROGRAM_H_

#include "lab/experiment.h"

namespace taud::cli {

// The program that runs: tauctl, which starts in no time, or tauctl-lab, the
// same with LibTorch.
struct Program {
  char** argv = nullptr;
  lab::AutogradLearnerMaker tensors = nullptr;  // null in tauctl
};

// Parses the command line and does what it says; the exit status.
int RunProgram(int argc, Program program);

}  // namespace taud::cli

#endif  // TAUD_CLI_PROGRAM_H_
