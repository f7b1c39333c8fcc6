// tauctl: everything a person does with taud.

#include "cli/program.h"

int main(int argc, char** argv) {
  return taud::cli::RunProgram(argc, {argv, nullptr});
}
