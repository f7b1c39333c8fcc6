#include "cli/lab/cache.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/files/replace_file.h"
#include "lab/experiment.h"
#include "store/files/crc32c.h"

namespace taud::cli {
namespace {

// FNV-1a. The description is compared as well, so a collision costs a run.
std::string Hash(const std::string& text) {
  uint64_t hash = 14695981039346656037ull;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  }
  return absl::StrFormat("%016x", hash);
}

uint32_t Checksum(const nlohmann::ordered_json& result) {
  const std::string text = result.dump();
  return store::ComputeCrc32c(text.data(), text.size());
}

absl::Status Damaged(const std::string& path, const std::string& how) {
  return absl::DataLossError(absl::StrCat(path, " ", how));
}

}  // namespace

LabKey MakeLabKey(const nlohmann::ordered_json& options, uint64_t data) {
  LabKey key;
  for (const auto& [name, value] : options.items()) {
    if (name != "data" && name != "threads") key.description[name] = value;
  }
  key.description["data_fingerprint"] = absl::StrFormat("%016x", data);
  key.description["results_version"] = lab::kResultsVersion;
  key.hash = Hash(key.description.dump());
  return key;
}

absl::StatusOr<LabCache> LabCache::Open(const std::string& directory) {
  absl::Status status = MakeDirectories(directory);
  if (!status.ok()) return status;
  if (access(directory.c_str(), W_OK) != 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        "cannot write into ", directory, ": ", std::strerror(errno)));
  }
  return LabCache(directory);
}

std::string LabCache::PathOf(const LabKey& key) const {
  return absl::StrCat(directory_, "/", key.hash, ".json");
}

absl::StatusOr<std::optional<nlohmann::ordered_json>> LabCache::Find(
    const LabKey& key) const {
  const std::string path = PathOf(key);
  std::ifstream file(path);
  if (!file) return std::nullopt;
  std::stringstream text;
  text << file.rdbuf();
  const auto stored = nlohmann::ordered_json::parse(text.str(), /*cb=*/nullptr,
                                                    /*allow_exceptions=*/false);
  if (!stored.is_object() || !stored.contains("description") ||
      !stored.contains("result") || !stored.contains("crc32c")) {
    return Damaged(path, "is not a whole result");
  }
  if (stored["crc32c"] != Checksum(stored["result"])) {
    return Damaged(path, "does not agree with its checksum");
  }
  if (nlohmann::json(stored["description"]) != key.description) {
    return Damaged(path, "is the result of something else");
  }
  return stored["result"];
}

absl::Status LabCache::Store(const LabKey& key,
                             const nlohmann::ordered_json& result) const {
  nlohmann::ordered_json stored;
  stored["description"] = key.description;
  stored["crc32c"] = Checksum(result);
  stored["result"] = result;
  return ReplaceFile(PathOf(key), stored.dump(1) + "\n");
}

}  // namespace taud::cli
