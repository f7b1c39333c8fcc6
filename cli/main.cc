// tauctl: everything a person does with taud.

#include <algorithm>
#include <cstring>

#include "cli/commands.h"
#include "lab/search_limit.h"

int main(int argc, char** argv) {
  // `bench` searches in this process, and should be as quick as taud.
  const bool measures = std::any_of(argv, argv + argc, [](const char* word) {
    return std::strcmp(word, "bench") == 0;
  });
  if (measures) taud::lab::RestartWithVectorInstructions(argv);
  return taud::cli::RunProgram(argc, {argv, nullptr});
}
