#include "store/log/record_update.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace taud::store {
namespace {

void MergeProperties(const model::Properties& update, const PropertyMask& mask,
                     model::Properties* properties) {
  if (mask.all) {
    *properties = update;
    return;
  }
  for (const std::string& name : mask.names) {
    const auto given = update.find(name);
    if (given == update.end()) {
      properties->erase(name);
    } else {
      properties->insert_or_assign(name, given->second);
    }
  }
}

absl::Status CheckCount(const model::Properties& properties) {
  if (properties.size() <= model::kMaxProperties) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "properties would be ", properties.size(), " with those it has; at most ",
      model::kMaxProperties, " are allowed: remove some, by update_mask"));
}

absl::Status At(const char* list, size_t place, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat(list, "[", place, "].", status.message()));
}

}  // namespace

absl::StatusOr<model::ItemRecord> Merge(model::ItemRecord old,
                                        const NewItem& update) {
  const ItemMask& mask = update.mask;
  if (mask.title) old.title = update.record.title;
  if (mask.tags) old.tags = update.record.tags;
  if (mask.hidden) old.hidden = update.record.hidden;
  if (mask.available_from) {
    old.available_from_ms = update.record.available_from_ms;
  }
  if (mask.available_until) {
    old.available_until_ms = update.record.available_until_ms;
  }
  MergeProperties(update.record.properties, mask.properties, &old.properties);
  absl::Status status = CheckCount(old.properties);
  if (!status.ok()) return status;
  if (old.available_from_ms >= old.available_until_ms) {
    return absl::InvalidArgumentError(
        absl::StrCat("available_until_ms: would be ", old.available_until_ms,
                     ", not after available_from_ms, ", old.available_from_ms));
  }
  return old;
}

absl::StatusOr<model::Properties> Merge(model::Properties old,
                                        const NewUser& update) {
  MergeProperties(update.properties, update.mask, &old);
  absl::Status status = CheckCount(old);
  if (!status.ok()) return status;
  return old;
}

absl::Status RecordPlanner::CheckNames(
    const model::Properties& properties,
    absl::flat_hash_set<std::string>* added) const {
  for (const auto& [name, value] : properties) {
    if (new_names_.contains(name) || added->contains(name) ||
        state_->catalogue.HasProperty(name)) {
      continue;
    }
    added->insert(name);
    const size_t names =
        state_->catalogue.num_properties() + new_names_.size() + added->size();
    if (names <= model::kMaxPropertyNames) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("properties: \"", name, "\" would be the name number ",
                     names, " of all items together; at most ",
                     model::kMaxPropertyNames, " are allowed"));
  }
  return absl::OkStatus();
}

absl::Status RecordPlanner::Plan(const std::vector<NewItem>& items,
                                 std::vector<model::ItemRecord>* merged) {
  merged->clear();
  absl::flat_hash_map<std::string_view, size_t> here;
  absl::flat_hash_set<std::string> names;
  for (size_t i = 0; i < items.size(); ++i) {
    const NewItem& item = items[i];
    model::ItemRecord old;
    if (const auto earlier = here.find(item.id); earlier != here.end()) {
      old = (*merged)[earlier->second];
    } else if (const auto it = items_.find(item.id); it != items_.end()) {
      old = it->second;
    } else if (const auto index = state_->items.Find(item.id)) {
      old = state_->catalogue.Get(*index);
    }
    auto record = Merge(std::move(old), item);
    absl::Status status = record.status();
    if (status.ok()) status = CheckNames(record->properties, &names);
    if (!status.ok()) return At("items", i, status);
    here[item.id] = i;
    merged->push_back(*std::move(record));
  }
  for (size_t i = 0; i < items.size(); ++i) {
    items_.insert_or_assign(items[i].id, (*merged)[i]);
  }
  new_names_.insert(names.begin(), names.end());
  return absl::OkStatus();
}

absl::Status RecordPlanner::Plan(const std::vector<NewUser>& users,
                                 std::vector<model::Properties>* merged) {
  merged->clear();
  for (size_t u = 0; u < users.size(); ++u) {
    const NewUser& user = users[u];
    model::Properties old;
    if (const auto it = users_.find(user.id); it != users_.end()) {
      old = it->second;
    } else if (const auto index = state_->users.Find(user.id)) {
      old = state_->user_properties.Get(*index);
    }
    auto properties = Merge(std::move(old), user);
    if (!properties.ok()) return At("users", u, properties.status());
    merged->push_back(*std::move(properties));
  }
  // The users of a batch are distinct.
  for (size_t u = 0; u < users.size(); ++u) {
    users_.insert_or_assign(users[u].id, (*merged)[u]);
  }
  return absl::OkStatus();
}

}  // namespace taud::store
