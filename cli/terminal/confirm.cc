#include "cli/terminal/confirm.h"

#include <unistd.h>

#include <iostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "cli/terminal/output.h"

namespace taud::cli {

absl::Status Confirm(const std::string& what, bool yes) {
  const bool terminal = isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
  return ConfirmOn(what, yes, terminal, std::cin, std::cerr);
}

absl::Status ConfirmOn(const std::string& what, bool yes, bool terminal,
                       std::istream& in, std::ostream& out) {
  if (yes) return absl::OkStatus();
  if (!terminal) {
    return absl::FailedPreconditionError(
        absl::StrCat("nothing was done. Meant is: ", what, "? Then say --yes"));
  }
  out << InertLines(what) << ". Go on? [y/N] " << std::flush;
  std::string answer;
  std::getline(in, answer);
  answer = absl::AsciiStrToLower(absl::StripAsciiWhitespace(answer));
  if (answer == "y" || answer == "yes") return absl::OkStatus();
  return absl::CancelledError("nothing was done");
}

}  // namespace taud::cli
