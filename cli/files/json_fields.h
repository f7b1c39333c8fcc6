#ifndef TAUD_CLI_FILES_JSON_FIELDS_H_
#define TAUD_CLI_FILES_JSON_FIELDS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace taud::cli {

// A value of a JSON object. A number is kept as it is written: as a double, two
// ids of 21 digits would become one.
struct JsonField {
  enum class Type { kNull, kBool, kNumber, kString, kStrings, kOther };
  Type type = Type::kNull;
  std::string text;                  // true, false, the number, the string
  std::vector<std::string> strings;  // kStrings: a list of nothing else
};

using JsonFields = std::vector<std::pair<std::string, JsonField>>;

// The fields of one JSON object, in their order. INVALID_ARGUMENT if `line` is
// something else, is not UTF-8, or has a name twice. Pure.
absl::StatusOr<JsonFields> ParseJsonFields(absl::string_view line);

}  // namespace taud::cli

#endif  // TAUD_CLI_FILES_JSON_FIELDS_H_
