#include "server/api/properties.h"

#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/rpc/errors.h"

namespace taud::server {
namespace {

absl::StatusOr<model::PropertyValue> ValueOf(const v1::PropertyValue& given) {
  switch (given.value_case()) {
    case v1::PropertyValue::kText:
      return model::PropertyValue(given.text());
    case v1::PropertyValue::kNumber:
      return model::PropertyValue(given.number());
    case v1::PropertyValue::kFlag:
      return model::PropertyValue(given.flag());
    case v1::PropertyValue::kTexts:
      return model::PropertyValue(std::vector<std::string>(
          given.texts().values().begin(), given.texts().values().end()));
    case v1::PropertyValue::kTimeMs:
      return model::PropertyValue(model::PropertyTime{given.time_ms()});
    case v1::PropertyValue::VALUE_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError(
      "has no value; allowed: text, number, flag, texts or time_ms (a "
      "property is removed by naming it in update_mask)");
}

}  // namespace

absl::StatusOr<model::Properties> CheckProperties(const PropertyMap& given) {
  model::Properties checked;
  if (given.size() > model::kMaxProperties) {
    return FieldError("properties",
                      absl::StrCat("has ", given.size(), " entries; at most ",
                                   model::kMaxProperties));
  }
  for (const auto& [name, value] : given) {
    const std::string field = absl::StrCat(
        "properties.",
        absl::CHexEscape(name.substr(0, model::kMaxPropertyNameBytes)));
    absl::Status status = model::CheckPropertyName(name);
    if (!status.ok()) return FieldError(field, status.message());
    auto converted = ValueOf(value);
    if (converted.ok()) {
      status = model::CheckPropertyValue(*converted);
    } else {
      status = converted.status();
    }
    if (!status.ok()) return FieldError(field, status.message());
    checked.emplace(name, *std::move(converted));
  }
  return checked;
}

void FillProperties(const model::Properties& properties, PropertyMap* filled) {
  for (const auto& [name, value] : properties) {
    v1::PropertyValue& to = (*filled)[name];
    if (const auto* text = std::get_if<std::string>(&value)) {
      to.set_text(*text);
    } else if (const auto* number = std::get_if<double>(&value)) {
      to.set_number(*number);
    } else if (const auto* flag = std::get_if<bool>(&value)) {
      to.set_flag(*flag);
    } else if (const auto* texts =
                   std::get_if<std::vector<std::string>>(&value)) {
      to.mutable_texts()->mutable_values()->Assign(texts->begin(),
                                                   texts->end());
    } else {
      to.set_time_ms(std::get<model::PropertyTime>(value).unix_ms);
    }
  }
}

}  // namespace taud::server
