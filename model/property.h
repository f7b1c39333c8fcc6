#ifndef TAUD_MODEL_PROPERTY_H_
#define TAUD_MODEL_PROPERTY_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// Properties of a user's own, of items and users: a name and a typed value.
// Plain types and pure functions.

namespace taud::model {

struct PropertyTime {
  int64_t unix_ms = 0;
};
inline bool operator==(PropertyTime a, PropertyTime b) {
  return a.unix_ms == b.unix_ms;
}

// The order of the types is on disk: append, never reorder.
using PropertyValue = std::variant<std::string, double, bool,
                                   std::vector<std::string>, PropertyTime>;
using Properties = std::map<std::string, PropertyValue, std::less<>>;

// Limits on what a stranger may send.
inline constexpr size_t kMaxProperties = 64;       // of an item, of a user
inline constexpr size_t kMaxPropertyNames = 1024;  // of all items together
inline constexpr size_t kMaxPropertyNameBytes = 64;
inline constexpr size_t kMaxPropertyTextBytes = 1024;
inline constexpr size_t kMaxPropertyTexts = 64;     // of a list
inline constexpr size_t kMaxListedTextBytes = 256;  // of a text in a list

// INVALID_ARGUMENT, saying what is wrong with it and what is allowed.
absl::Status CheckPropertyName(absl::string_view name);
absl::Status CheckPropertyValue(const PropertyValue& value);
// Names, values and how many there are; the message begins with the name.
absl::Status CheckProperties(const Properties& properties);

// As bytes, appended to *bytes. Unpack trusts nothing: DATA_LOSS for what Pack
// does not make.
void PackProperties(const Properties& properties, std::string* bytes);
absl::StatusOr<Properties> UnpackProperties(absl::string_view bytes);

}  // namespace taud::model

#endif  // TAUD_MODEL_PROPERTY_H_
