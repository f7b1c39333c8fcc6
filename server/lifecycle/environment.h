#ifndef TAUD_SERVER_LIFECYCLE_ENVIRONMENT_H_
#define TAUD_SERVER_LIFECYCLE_ENVIRONMENT_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// What the environment gives to the configuration, secrets among it: errors
// name variables and never tell a value. Plain functions, any thread while no
// variable is changed.

namespace taud::server {

// The value of a variable; nothing if it is not set.
using Environment =
    std::function<std::optional<std::string>(const std::string& name)>;
// Of this process.
std::optional<std::string> ProcessEnvironment(const std::string& name);

// `text` with the values of the variables in place of ${NAME}, and "${" in
// place of "$${". What a value has in it is not looked at again.
// INVALID_ARGUMENT naming the variable that is not set, or if there is no name
// and "}" behind "${".
absl::StatusOr<std::string> ExpandVariables(absl::string_view text,
                                            const Environment& environment);

}  // namespace taud::server

#endif  // TAUD_SERVER_LIFECYCLE_ENVIRONMENT_H_
