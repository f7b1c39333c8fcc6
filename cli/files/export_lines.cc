#include "cli/files/export_lines.h"

#include "absl/strings/str_cat.h"
#include "cli/files/csv.h"
#include "cli/files/field_values.h"
#include "nlohmann/json.hpp"

namespace taud::cli {

namespace {

std::string Field(std::string_view text) {
  return CsvField(absl::string_view(text.data(), text.size()));
}

}  // namespace

std::string ExportCsvLine(const store::ExportedEvent& event) {
  const model::Interaction& one = event.interaction;
  return absl::StrCat(Field(event.user_id), ",", Field(event.item_id), ",",
                      one.time_ms, ",", KindName(one.kind), ",",
                      WeightText(one.weight), ",", Field(event.event_id), ",",
                      one.sequence, "\n");
}

std::string ExportJsonLine(const store::ExportedEvent& event) {
  const model::Interaction& one = event.interaction;
  nlohmann::ordered_json json;
  json["user_id"] = event.user_id;
  json["item_id"] = event.item_id;
  json["time_ms"] = one.time_ms;
  json["kind"] = KindName(one.kind);
  json["weight"] = one.weight;
  if (!event.event_id.empty()) json["event_id"] = event.event_id;
  json["sequence"] = one.sequence;
  return absl::StrCat(json.dump(), "\n");
}

}  // namespace taud::cli
