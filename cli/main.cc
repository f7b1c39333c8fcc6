// tauctl: everything a person does with taud.

#include "cli/commands.h"

int main(int argc, char** argv) {
  return taud::cli::RunProgram(argc, {argv, nullptr});
}
