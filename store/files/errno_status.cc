#include "store/files/errno_status.h"

#include <cerrno>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace taud::store {

absl::Status ErrnoStatus(int error, absl::string_view what,
                         absl::string_view path) {
  const std::string reason = absl::StrCat(
      "cannot ", what, " ", path, ": ", std::generic_category().message(error));
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return absl::ResourceExhaustedError(
          absl::StrCat(reason, "; free disk space and try again"));
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(absl::StrCat(
          reason,
          "; give taud's user write permission or choose another data "
          "directory"));
    case ENOENT:
      return absl::NotFoundError(reason);
    case ENOTDIR:
    case EISDIR:
    case EEXIST:
      return absl::FailedPreconditionError(
          absl::StrCat(reason, "; choose another data directory"));
    default:
      return absl::UnavailableError(reason);
  }
}

}  // namespace taud::store
