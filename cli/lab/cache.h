#ifndef TAUD_CLI_LAB_CACHE_H_
#define TAUD_CLI_LAB_CACHE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

// Results of experiments on disk, each under the hash of what it is a result
// of, so that no experiment is run twice.

namespace taud::cli {

// What a result is of: equal keys have equal results.
struct LabKey {
  nlohmann::json description;  // keys sorted: canonical
  std::string hash;            // of it, 16 hexadecimal digits
};

// `options` as Describe gives them, `data` as Dataset::Fingerprint. Where the
// data lies and how many threads learn make no difference.
LabKey MakeLabKey(const nlohmann::ordered_json& options, uint64_t data);

// A directory of files HASH.json: description, result, and the result's
// CRC32C. One thread's; several processes may share the directory.
class LabCache {
 public:
  // Makes the directory. The error names it.
  static absl::StatusOr<LabCache> Open(const std::string& directory);

  // The result, or nothing. DATA_LOSS, naming the file, if it is damaged or of
  // something else.
  absl::StatusOr<std::optional<nlohmann::ordered_json>> Find(
      const LabKey& key) const;

  // Replaces what there was: after a crash the old or the new is there whole.
  absl::Status Store(const LabKey& key,
                     const nlohmann::ordered_json& result) const;

  std::string PathOf(const LabKey& key) const;

 private:
  explicit LabCache(std::string directory) : directory_(std::move(directory)) {}

  std::string directory_;
};

}  // namespace taud::cli

#endif  // TAUD_CLI_LAB_CACHE_H_
