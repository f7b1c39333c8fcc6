#include "server/api/unknown_names.h"

#include <algorithm>
#include <vector>

namespace taud::server {

void UnknownNames::Add(const std::string& name,
                       google::protobuf::RepeatedPtrField<std::string>* to) {
  if (std::find(to->begin(), to->end(), name) != to->end()) return;
  names_.set_count(names_.count() + 1);
  if (to->size() < kMaxUnknownNamed) *to->Add() = name;
}

void UnknownNames::AddItem(const std::string& id) {
  Add(id, names_.mutable_item_ids());
}

void UnknownNames::CheckTag(const std::string& tag) {
  if (!catalogue_->HasTag(tag)) Add(tag, names_.mutable_tags());
}

void UnknownNames::CheckExpression(const model::Expression& expression) {
  std::vector<std::string> properties;
  std::vector<std::string> tags;
  model::CollectNames(expression, &properties, &tags);
  for (const std::string& tag : tags) CheckTag(tag);
  for (const std::string& name : properties) {
    if (!catalogue_->HasProperty(name)) {
      Add(name, names_.mutable_properties());
    }
  }
}

}  // namespace taud::server
