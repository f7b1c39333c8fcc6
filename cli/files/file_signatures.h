#ifndef TAUD_CLI_FILES_FILE_SIGNATURES_H_
#define TAUD_CLI_FILES_FILE_SIGNATURES_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace taud::cli {

// How many bytes CheckSignature wants to see, where there are so many.
inline constexpr size_t kSignatureBytes = 64;

// Tells by how it begins what is certainly no file of lines that tauctl reads:
// Parquet, zip, UTF-16, a web page, a Git LFS pointer, … INVALID_ARGUMENT says
// what it is and what to do. `beginning` is unpacked already. Pure.
absl::Status CheckSignature(absl::string_view beginning);

}  // namespace taud::cli

#endif  // TAUD_CLI_FILES_FILE_SIGNATURES_H_
