#ifndef TAUD_STORE_FILES_NUMBER_FILE_H_
#define TAUD_STORE_FILES_NUMBER_FILE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace taud::store {

// A small file that holds one number and its checksum, as text:
// "42 1a2b3c4d\n". Plain functions; one process at a time per file.

// Nothing if the file does not exist. DATA_LOSS, naming the file, if it does
// not hold a number and the end of a line. A number without a checksum is
// taken, too: older versions wrote that, and so do people.
absl::StatusOr<std::optional<uint64_t>> ReadNumberFile(const std::string& path);
// After a crash it is the old file or the new one; durable when it returns.
absl::Status WriteNumberFile(const std::string& path, uint64_t number);
// Durable, too. A missing file is fine.
absl::Status RemoveFile(const std::string& path);

// The number in the text of such a file; nothing if it is none. Pure.
std::optional<uint64_t> ParseNumberFile(absl::string_view text);

}  // namespace taud::store

#endif  // TAUD_STORE_FILES_NUMBER_FILE_H_
