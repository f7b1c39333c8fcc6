#ifndef TAUD_CLI_COMMANDS_PROPERTY_FLAGS_H_
#define TAUD_CLI_COMMANDS_PROPERTY_FLAGS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/map.h"
#include "taud/v1/types.pb.h"

// Properties as people write them. Pure.

namespace taud::cli {

using PropertyMap = google::protobuf::Map<std::string, v1::PropertyValue>;

// What `text` most likely is: a number, true or false, or a text.
v1::PropertyValue GuessProperty(const std::string& text);

// Adds "NAME=VALUE", the type guessed, or "NAME:TYPE=VALUE" with TYPE text,
// number, flag, time or list; a list has one value a flag. INVALID_ARGUMENT
// names the flag and what is wrong with it.
absl::Status AddProperty(const std::string& flag, PropertyMap* properties);

// "price = 3, genre = [comedy, satire]"; in the order of the names.
std::string ShowProperties(const PropertyMap& properties);

// What a response says of names that are unknown, for people; empty for none.
std::string ShowUnknown(const v1::UnknownNames& unknown);

}  // namespace taud::cli

#endif  // TAUD_CLI_COMMANDS_PROPERTY_FLAGS_H_
