#ifndef TAUD_SERVER_API_PROPERTIES_H_
#define TAUD_SERVER_API_PROPERTIES_H_

#include <string>

#include "absl/status/statusor.h"
#include "google/protobuf/map.h"
#include "model/property.h"
#include "taud/v1/types.pb.h"

// Properties of items and users as the API spells them. Pure.

namespace taud::server {

using PropertyMap = google::protobuf::Map<std::string, v1::PropertyValue>;

// INVALID_ARGUMENT names properties.NAME, and what is allowed.
absl::StatusOr<model::Properties> CheckProperties(const PropertyMap& given);

void FillProperties(const model::Properties& properties, PropertyMap* filled);

}  // namespace taud::server

#endif  // TAUD_SERVER_API_PROPERTIES_H_
