#ifndef TAUD_CLI_TERMINAL_CONFIRM_H_
#define TAUD_CLI_TERMINAL_CONFIRM_H_

#include <istream>
#include <ostream>
#include <string>

#include "absl/status/status.h"

namespace taud::cli {

// Asks whether to do what cannot be undone. OK if `yes` says so already, or if
// a person at the terminal does; CANCELLED if they do not; FAILED_PRECONDITION
// that names --yes if nobody can be asked. `what` says what will be lost.
absl::Status Confirm(const std::string& what, bool yes);

// The same with the terminal, if there is one, passed in.
absl::Status ConfirmOn(const std::string& what, bool yes, bool terminal,
                       std::istream& in, std::ostream& out);

}  // namespace taud::cli

#endif  // TAUD_CLI_TERMINAL_CONFIRM_H_
