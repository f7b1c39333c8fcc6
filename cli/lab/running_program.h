#ifndef TAUD_CLI_LAB_RUNNING_PROGRAM_H_
#define TAUD_CLI_LAB_RUNNING_PROGRAM_H_

#include "lab/experiment.h"

namespace taud::cli {

// The program that runs: tauctl, which starts in no time, or tauctl-lab, the
// same with LibTorch.
struct Program {
  char** argv = nullptr;
  lab::AutogradLearnerMaker tensors = nullptr;  // null in tauctl
};

}  // namespace taud::cli

#endif  // TAUD_CLI_LAB_RUNNING_PROGRAM_H_
