// tauctl-lab: tauctl with LibTorch, for the experiments that need it. tauctl
// starts it by itself.

#include "cli/program.h"

int main(int argc, char** argv) {
  return taud::cli::RunProgram(argc,
                               {argv, taud::trainer::MakeAutogradLearner});
}
