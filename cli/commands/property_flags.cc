#include "cli/commands/property_flags.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "cli/files/field_values.h"
#include "cli/terminal/output.h"

namespace taud::cli {
namespace {

absl::Status Wrong(const std::string& flag, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("--property ", Inert(flag), ": ", why));
}

std::string Show(const v1::PropertyValue& value) {
  switch (value.value_case()) {
    case v1::PropertyValue::kText:
      return value.text();
    case v1::PropertyValue::kNumber:
      return absl::StrCat(value.number());
    case v1::PropertyValue::kFlag:
      return value.flag() ? "true" : "false";
    case v1::PropertyValue::kTexts:
      return absl::StrCat("[", absl::StrJoin(value.texts().values(), ", "),
                          "]");
    case v1::PropertyValue::kTimeMs:
      return TimeOf(value.time_ms());
    case v1::PropertyValue::VALUE_NOT_SET:
      break;
  }
  return "";
}

}  // namespace

v1::PropertyValue GuessProperty(const std::string& text) {
  v1::PropertyValue value;
  double number = 0;
  // "nan" and "inf" are words here.
  if (absl::SimpleAtod(text, &number) && std::isfinite(number)) {
    value.set_number(number);
  } else if (text == "true" || text == "false") {
    value.set_flag(text == "true");
  } else {
    value.set_text(text);
  }
  return value;
}

absl::Status AddProperty(const std::string& flag, PropertyMap* properties) {
  const size_t equals = flag.find('=');
  if (equals == std::string::npos || equals == 0) {
    return Wrong(flag, "is not NAME=VALUE or NAME:TYPE=VALUE");
  }
  std::string name = flag.substr(0, equals);
  const std::string text = flag.substr(equals + 1);
  std::string type;
  if (const size_t colon = name.find(':'); colon != std::string::npos) {
    type = name.substr(colon + 1);
    name.resize(colon);
  }
  v1::PropertyValue& value = (*properties)[name];
  if (type.empty()) {
    value = GuessProperty(text);
  } else if (type == "text") {
    value.set_text(text);
  } else if (type == "number") {
    double number = 0;
    if (!absl::SimpleAtod(text, &number)) return Wrong(flag, "is no number");
    value.set_number(number);
  } else if (type == "flag") {
    const auto parsed = ParseBool(text);
    if (!parsed.ok()) return Wrong(flag, parsed.status().message());
    value.set_flag(*parsed);
  } else if (type == "time") {
    // A date may be before 1970, where times of interactions begin.
    absl::Time day;
    std::string error;
    if (absl::ParseTime("%Y-%m-%d", text, &day, &error)) {
      value.set_time_ms(absl::ToUnixMillis(day));
      return absl::OkStatus();
    }
    const auto parsed = ParseTimeMs(text);
    if (!parsed.ok()) return Wrong(flag, parsed.status().message());
    value.set_time_ms(*parsed);
  } else if (type == "list") {
    value.mutable_texts()->add_values(text);
  } else {
    return Wrong(flag, absl::StrCat("\"", Inert(type),
                                    "\" is no type; allowed: text, number, "
                                    "flag, time, list"));
  }
  return absl::OkStatus();
}

std::string ShowProperties(const PropertyMap& properties) {
  std::map<std::string, std::string> sorted;
  for (const auto& [name, value] : properties) sorted[name] = Show(value);
  return absl::StrJoin(sorted, ", ", [](std::string* out, const auto& one) {
    absl::StrAppend(out, one.first, " = ", one.second);
  });
}

std::string ShowUnknown(const v1::UnknownNames& unknown) {
  if (unknown.count() == 0) return "";
  std::string text = "unknown:";
  const struct {
    const char* what;
    const google::protobuf::RepeatedPtrField<std::string>& names;
  } kinds[] = {{" items ", unknown.item_ids()},
               {" tags ", unknown.tags()},
               {" properties ", unknown.properties()}};
  uint32_t named = 0;
  for (const auto& kind : kinds) {
    if (kind.names.empty()) continue;
    absl::StrAppend(&text, named > 0 ? ";" : "", kind.what,
                    absl::StrJoin(kind.names, ", "));
    named += static_cast<uint32_t>(kind.names.size());
  }
  if (named < unknown.count()) {
    absl::StrAppend(&text, " and ", unknown.count() - named, " more");
  }
  return Inert(text);
}

}  // namespace taud::cli
