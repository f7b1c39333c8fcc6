#include "cli/files/json_fields.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "model/utf8.h"
#include "nlohmann/json.hpp"

namespace taud::cli {
namespace {

using nlohmann::json;
using Type = JsonField::Type;

// Collects the values right inside the outermost object; of what is further
// inside only that a list is one of strings.
class Collector : public nlohmann::json_sax<json> {
 public:
  bool null() override { return Value(Type::kNull, ""); }
  bool boolean(bool value) override {
    return Value(Type::kBool, value ? "true" : "false");
  }
  bool number_integer(number_integer_t value) override {
    return Value(Type::kNumber, absl::StrCat(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    return Value(Type::kNumber, absl::StrCat(value));
  }
  bool number_float(number_float_t, const std::string& text) override {
    return Value(Type::kNumber, text);
  }
  bool string(std::string& value) override {
    return Value(Type::kString, std::move(value));
  }
  bool binary(binary_t&) override { return false; }

  bool start_object(size_t) override {
    if (depth_ == 0) {
      ++depth_;
      return true;
    }
    Nest(Type::kOther);
    return true;
  }
  bool start_array(size_t) override {
    if (depth_ == 0) return false;
    Nest(Type::kStrings);
    return true;
  }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool key(std::string& name) override {
    if (depth_ > 1) return true;
    const auto same = [&name](const auto& field) {
      return field.first == name;
    };
    if (std::any_of(fields.begin(), fields.end(), same)) {
      twice = name;
      return false;
    }
    fields.emplace_back(std::move(name), JsonField());
    return true;
  }
  bool parse_error(size_t, const std::string&,
                   const json::exception&) override {
    return false;
  }

  JsonFields fields;
  std::string twice;

 private:
  bool Value(Type type, std::string text) {
    if (depth_ == 0) return false;  // a value alone, no object
    JsonField& field = fields.back().second;
    if (depth_ == 1) {
      field.type = type;
      field.text = std::move(text);
    } else if (field.type == Type::kStrings) {
      if (depth_ == 2 && type == Type::kString) {
        field.strings.push_back(std::move(text));
      } else {
        field.type = Type::kOther;
      }
    }
    return true;
  }

  void Nest(Type type) {
    fields.back().second.type = depth_ == 1 ? type : Type::kOther;
    ++depth_;
  }

  int depth_ = 0;
};

}  // namespace

absl::StatusOr<JsonFields> ParseJsonFields(absl::string_view line) {
  Collector collector;
  if (json::sax_parse(line.begin(), line.end(), &collector)) {
    return std::move(collector.fields);
  }
  if (!model::IsUtf8(line)) return absl::InvalidArgumentError("is not UTF-8");
  if (!collector.twice.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("has the field \"", collector.twice, "\" twice"));
  }
  return absl::InvalidArgumentError("is not a JSON object");
}

}  // namespace taud::cli
