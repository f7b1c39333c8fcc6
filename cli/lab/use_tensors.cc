#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "cli/lab/commands.h"

namespace taud::cli {

absl::Status UseTensors(const Program& program,
                        lab::ExperimentOptions* options) {
  if (!lab::NeedsTensors(*options)) return absl::OkStatus();
  options->tensors = program.tensors;
  if (options->tensors != nullptr) return absl::OkStatus();
  std::error_code error;
  const std::filesystem::path self =
      std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path other = self.parent_path() / "tauctl-lab";
  // Spinning threads would take the time of those that work.
  setenv("OMP_WAIT_POLICY", "PASSIVE", /*overwrite=*/0);
  execv(other.c_str(), program.argv);
  return absl::FailedPreconditionError(
      absl::StrCat("this needs LibTorch, and so the program ", other.string(),
                   ", which cannot be started: ", std::strerror(errno)));
}

}  // namespace taud::cli
