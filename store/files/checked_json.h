#ifndef TAUD_STORE_FILES_CHECKED_JSON_H_
#define TAUD_STORE_FILES_CHECKED_JSON_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "nlohmann/json.hpp"
#include "store/files/synced_file.h"

// Manifests: JSON objects with a CRC32C of all the rest under "crc32c", which
// may name files with their sizes and checksums. Plain functions, any thread.
// All throw what the library throws: for a text that is no JSON, for a field
// that is missing or of another type.

namespace taud::store {

// The text of the object, with the checksum put in.
std::string FormatChecked(nlohmann::json json);

// Takes the checksum out of *json; DATA_LOSS if it does not match.
absl::Status TakeChecksum(nlohmann::json* json);

using FileDigests = std::map<std::string, FileDigest>;  // by name
nlohmann::json ToJson(const FileDigests& files);
FileDigests FileDigestsFrom(const nlohmann::json& json);

}  // namespace taud::store

#endif  // TAUD_STORE_FILES_CHECKED_JSON_H_
