#ifndef TAUD_CLI_FILES_REPLACE_FILE_H_
#define TAUD_CLI_FILES_REPLACE_FILE_H_

#include <string>

#include "absl/status/status.h"

namespace taud::cli {

// Makes a directory with its parents. FAILED_PRECONDITION names it.
absl::Status MakeDirectories(const std::string& path);

// Writes a file beside, syncs it and renames it to `path`: whatever happens,
// the old one or the new one is there whole. The error names the file. Any
// thread; several processes may replace the same file.
absl::Status ReplaceFile(const std::string& path, const std::string& content);

}  // namespace taud::cli

#endif  // TAUD_CLI_FILES_REPLACE_FILE_H_
