#ifndef TAUD_SERVER_LIFECYCLE_CONFIG_LOADER_H_
#define TAUD_SERVER_LIFECYCLE_CONFIG_LOADER_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/lifecycle/environment.h"
#include "taud/config/v1/config.pb.h"

// From YAML to the checked configuration and back. The schema,
// proto/taud/config/v1/config.proto, says what each key means, its default
// and its range; these functions only follow it. Plain functions, any thread.

namespace taud::server {

// Every key at its default.
config::v1::Config DefaultConfig();

// The configuration in `yaml`; absent keys get their defaults. In a text,
// ${NAME} stands for the variable of that name; $${NAME} for ${NAME}. Without
// an environment it stays as it is, for printing: what is in the environment is
// told nobody.
// INVALID_ARGUMENT, one line for each fault ("file:line: key: what is wrong;
// what is allowed"): not YAML, unknown key, key given twice, wrong type,
// out of range, a variable that is not set.
absl::StatusOr<config::v1::Config> ParseConfig(
    absl::string_view yaml, absl::string_view file_name,
    const Environment& environment = ProcessEnvironment);

// ParseConfig of a file. NOT_FOUND if it cannot be read.
absl::StatusOr<config::v1::Config> LoadConfig(
    const std::string& path,
    const Environment& environment = ProcessEnvironment);

// Sets one key, as "trainer.threads=2". INVALID_ARGUMENT as ParseConfig.
absl::Status OverrideConfig(absl::string_view assignment,
                            config::v1::Config* config);

// As YAML, every key with its meaning, unit, range and default as a comment.
// ParseConfig(PrintConfig(c)) is c, if no text of it has "${".
std::string PrintConfig(const config::v1::Config& config);

// INVALID_ARGUMENT if an address to listen on is not host:port (a library would
// choose a port by itself), or is open to strangers, or if what the sections
// tls, auth and audit say does not go together.
absl::Status CheckAddresses(const config::v1::Config& config);

}  // namespace taud::server

#endif  // TAUD_SERVER_LIFECYCLE_CONFIG_LOADER_H_
