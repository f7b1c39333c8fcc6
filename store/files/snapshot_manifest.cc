#include "store/files/snapshot_manifest.h"

#include <cmath>
#include <exception>
#include <limits>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "store/files/checked_json.h"

namespace taud::store {
namespace {

using Json = nlohmann::json;

Json MetricToJson(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

double MetricFromJson(const Json& json) {
  return json.is_null() ? std::numeric_limits<double>::quiet_NaN()
                        : json.get<double>();
}

Json ToJson(const SnapshotManifest& manifest) {
  const SnapshotInfo& info = manifest.info;
  Json metrics = Json::object();
  for (const auto& [name, value] : info.metrics) {
    metrics[name] = MetricToJson(value);
  }
  return {{"format_version", kSnapshotFormatVersion},
          {"version", info.version},
          {"trained_through", info.trained_through},
          {"created_ms", info.created_ms},
          {"users", info.users},
          {"items", info.items},
          {"dim", info.dim},
          {"tau0", manifest.tau0},
          {"metrics", metrics},
          {"files", ToJson(manifest.files)}};
}

// Throws what the library throws.
SnapshotManifest FromJson(const Json& json) {
  SnapshotManifest manifest;
  SnapshotInfo& info = manifest.info;
  info.version = json.at("version").get<uint64_t>();
  info.trained_through = json.at("trained_through").get<uint64_t>();
  info.created_ms = json.at("created_ms").get<int64_t>();
  info.users = json.at("users").get<uint64_t>();
  info.items = json.at("items").get<uint64_t>();
  info.dim = json.at("dim").get<uint64_t>();
  manifest.tau0 = json.at("tau0").get<float>();
  for (const auto& [name, value] : json.at("metrics").items()) {
    info.metrics[name] = MetricFromJson(value);
  }
  manifest.files = FileDigestsFrom(json.at("files"));
  return manifest;
}

// Throws what the library throws.
std::string Format(const SnapshotManifest& manifest) {
  return FormatChecked(ToJson(manifest));
}

// Throws what the library throws.
absl::Status CheckFormatVersion(const Json& json) {
  const int version = json.at("format_version").get<int>();
  if (version == kSnapshotFormatVersion) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("has format version ", version, ", this taud knows ",
                   kSnapshotFormatVersion, "; use the taud that wrote it"));
}

}  // namespace

absl::StatusOr<std::string> FormatManifest(const SnapshotManifest& manifest) {
  try {
    return Format(manifest);
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("manifest cannot be written: ", error.what()));
  }
}

absl::StatusOr<SnapshotManifest> ParseManifest(const std::string& text) {
  try {
    Json json = Json::parse(text);
    // First, so that a damaged version is not taken for another one.
    absl::Status status = TakeChecksum(&json);
    if (status.ok()) status = CheckFormatVersion(json);
    if (!status.ok()) return status;
    SnapshotManifest manifest = FromJson(json);
    if (Format(manifest) != text) {
      return absl::DataLossError("is not as it was written");
    }
    return manifest;
  } catch (const std::exception& error) {
    return absl::DataLossError(absl::StrCat("cannot be read: ", error.what()));
  }
}

}  // namespace taud::store
