#ifndef TAUD_TESTS_E2E_SHELL_H_
#define TAUD_TESTS_E2E_SHELL_H_

#include <sys/wait.h>

#include <cstdio>
#include <string>

namespace taud::e2e {

struct Output {
  int code = -1;     // the exit status; -1: it did not run
  std::string text;  // what it wrote, errors too
};

// Runs a command line of the shell and waits for its end.
inline Output Shell(const std::string& command) {
  Output output;
  FILE* pipe = popen(("{ " + command + "; } 2>&1").c_str(), "r");
  if (pipe == nullptr) return output;
  char buffer[4096];
  while (const size_t n = fread(buffer, 1, sizeof(buffer), pipe)) {
    output.text.append(buffer, n);
  }
  output.code = WEXITSTATUS(pclose(pipe));
  return output;
}

}  // namespace taud::e2e

#endif  // TAUD_TESTS_E2E_SHELL_H_
