#include "store/files/checked_json.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "store/files/crc32c.h"

namespace taud::store {
namespace {

constexpr char kChecksumKey[] = "crc32c";

uint32_t ChecksumOf(const nlohmann::json& json) {
  const std::string text = json.dump();
  return ComputeCrc32c(text.data(), text.size());
}

}  // namespace

std::string FormatChecked(nlohmann::json json) {
  json[kChecksumKey] = ChecksumOf(json);
  return absl::StrCat(json.dump(2), "\n");
}

absl::Status TakeChecksum(nlohmann::json* json) {
  const auto expected = json->at(kChecksumKey).get<uint32_t>();
  json->erase(kChecksumKey);
  if (ChecksumOf(*json) == expected) return absl::OkStatus();
  return absl::DataLossError("does not match its checksum");
}

nlohmann::json ToJson(const FileDigests& files) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [name, digest] : files) {
    json[name] = {{"bytes", digest.bytes}, {"crc32c", digest.crc32c}};
  }
  return json;
}

FileDigests FileDigestsFrom(const nlohmann::json& json) {
  FileDigests files;
  for (const auto& [name, value] : json.items()) {
    files[name] = {value.at("bytes").get<uint64_t>(),
                   value.at("crc32c").get<uint32_t>()};
  }
  return files;
}

}  // namespace taud::store
