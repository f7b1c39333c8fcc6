#include "model/property.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "model/number_bits.h"
#include "model/utf8.h"

namespace taud::model {
namespace {

// Words that an expression, or an item, has for something else.
constexpr std::array<absl::string_view, 10> kReserved = {
    "and", "or", "not", "in", "exists", "true", "false", "id", "title", "tags"};

absl::Status CheckText(absl::string_view text, size_t max) {
  if (text.size() > max) {
    return absl::InvalidArgumentError(absl::StrCat(
        "has ", text.size(), " bytes; at most ", max, " are allowed"));
  }
  if (!IsUtf8(text)) return absl::InvalidArgumentError("is not UTF-8");
  return absl::OkStatus();
}

void AppendNumber(uint64_t value, size_t bytes, std::string* to) {
  for (size_t b = 0; b < bytes; ++b) {
    to->push_back(static_cast<char>(value >> (8 * b)));
  }
}

void AppendText(absl::string_view text, std::string* to) {
  AppendNumber(text.size(), 4, to);
  to->append(text.data(), text.size());
}

// Reads what Append… wrote; after the first piece that is not there, zeros.
class Reader {
 public:
  explicit Reader(absl::string_view bytes) : left_(bytes) {}

  uint64_t Number(size_t bytes) {
    const absl::string_view piece = Take(bytes);
    uint64_t value = 0;
    for (size_t b = piece.size(); b-- > 0;) {
      value = value << 8 | static_cast<unsigned char>(piece[b]);
    }
    return value;
  }
  std::string Text() { return std::string(Take(Number(4))); }
  bool ok() const { return ok_; }
  bool at_end() const { return left_.empty(); }

 private:
  absl::string_view Take(size_t bytes) {
    ok_ = ok_ && bytes <= left_.size();
    if (!ok_) return {};
    const absl::string_view piece = left_.substr(0, bytes);
    left_.remove_prefix(bytes);
    return piece;
  }

  absl::string_view left_;
  bool ok_ = true;
};

absl::StatusOr<PropertyValue> ReadValue(Reader* reader) {
  switch (reader->Number(1)) {
    case 0:
      return PropertyValue(reader->Text());
    case 1:
      return PropertyValue(NumberOf(reader->Number(8)));
    case 2:
      return PropertyValue(reader->Number(1) != 0);
    case 3: {
      const uint64_t count = reader->Number(4);
      std::vector<std::string> texts;
      for (uint64_t t = 0; t < count && reader->ok(); ++t) {
        texts.push_back(reader->Text());
      }
      return PropertyValue(std::move(texts));
    }
    case 4:
      return PropertyValue(
          PropertyTime{static_cast<int64_t>(reader->Number(8))});
    default:
      return absl::DataLossError("a property has an unknown type");
  }
}

}  // namespace

absl::Status CheckPropertyName(absl::string_view name) {
  const bool word = !name.empty() && name.size() <= kMaxPropertyNameBytes &&
                    (absl::ascii_isalpha(name[0]) || name[0] == '_') &&
                    std::all_of(name.begin(), name.end(), [](char c) {
                      return absl::ascii_isalnum(c) || c == '_';
                    });
  if (!word) {
    return absl::InvalidArgumentError(absl::StrCat(
        "is no name of a property; allowed: a letter or _, then letters, "
        "digits and _ (ASCII), at most ",
        kMaxPropertyNameBytes, " bytes"));
  }
  const std::string lower = absl::AsciiStrToLower(name);
  if (std::find(kReserved.begin(), kReserved.end(), lower) != kReserved.end()) {
    return absl::InvalidArgumentError(
        "means something else in expressions; choose another name");
  }
  return absl::OkStatus();
}

absl::Status CheckPropertyValue(const PropertyValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    return CheckText(*text, kMaxPropertyTextBytes);
  }
  if (const auto* number = std::get_if<double>(&value)) {
    if (std::isfinite(*number)) return absl::OkStatus();
    return absl::InvalidArgumentError("is not a finite number");
  }
  const auto* texts = std::get_if<std::vector<std::string>>(&value);
  if (texts == nullptr) return absl::OkStatus();
  if (texts->size() > kMaxPropertyTexts) {
    return absl::InvalidArgumentError(
        absl::StrCat("has ", texts->size(), " texts; at most ",
                     kMaxPropertyTexts, " are allowed"));
  }
  for (const std::string& text : *texts) {
    if (text.empty()) {
      return absl::InvalidArgumentError("has an empty text in its list");
    }
    absl::Status status = CheckText(text, kMaxListedTextBytes);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CheckProperties(const Properties& properties) {
  if (properties.size() > kMaxProperties) {
    return absl::InvalidArgumentError(
        absl::StrCat("has ", properties.size(), " entries; at most ",
                     kMaxProperties, " are allowed"));
  }
  for (const auto& [name, value] : properties) {
    absl::Status status = CheckPropertyName(name);
    if (status.ok()) status = CheckPropertyValue(value);
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", name.substr(0, kMaxPropertyNameBytes), "\" ",
                       status.message()));
    }
  }
  return absl::OkStatus();
}

void PackProperties(const Properties& properties, std::string* bytes) {
  AppendNumber(properties.size(), 4, bytes);
  for (const auto& [name, value] : properties) {
    AppendText(name, bytes);
    AppendNumber(value.index(), 1, bytes);
    if (const auto* text = std::get_if<std::string>(&value)) {
      AppendText(*text, bytes);
    } else if (const auto* number = std::get_if<double>(&value)) {
      AppendNumber(BitsOf(*number), 8, bytes);
    } else if (const auto* flag = std::get_if<bool>(&value)) {
      AppendNumber(*flag ? 1 : 0, 1, bytes);
    } else if (const auto* texts =
                   std::get_if<std::vector<std::string>>(&value)) {
      AppendNumber(texts->size(), 4, bytes);
      for (const std::string& one : *texts) AppendText(one, bytes);
    } else {
      AppendNumber(static_cast<uint64_t>(std::get<PropertyTime>(value).unix_ms),
                   8, bytes);
    }
  }
}

absl::StatusOr<Properties> UnpackProperties(absl::string_view bytes) {
  Reader reader(bytes);
  const uint64_t count = reader.Number(4);
  Properties properties;
  for (uint64_t p = 0; p < count && reader.ok(); ++p) {
    std::string name = reader.Text();
    auto value = ReadValue(&reader);
    if (!value.ok()) return value.status();
    properties.insert_or_assign(std::move(name), *std::move(value));
  }
  if (!reader.ok() || !reader.at_end()) {
    return absl::DataLossError("properties are truncated or too long");
  }
  absl::Status status = CheckProperties(properties);
  if (!status.ok()) {
    return absl::DataLossError(absl::StrCat("properties: ", status.message()));
  }
  return properties;
}

}  // namespace taud::model
