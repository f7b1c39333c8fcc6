#include "store/log/validation.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "model/utf8.h"

namespace taud::store {
namespace {

constexpr size_t kMaxQuoted = 64;

// Text a stranger sent, fit for an error message.
std::string Quote(absl::string_view text) {
  const bool longer = text.size() > kMaxQuoted;
  return absl::StrCat("\"", absl::CHexEscape(text.substr(0, kMaxQuoted)),
                      longer ? "…\"" : "\"");
}

absl::Status CheckText(absl::string_view field, absl::string_view text,
                       size_t limit) {
  if (text.size() > limit) {
    return absl::InvalidArgumentError(absl::StrCat(field, " has ", text.size(),
                                                   " bytes, at most ", limit,
                                                   " are allowed"));
  }
  if (!model::IsUtf8(text)) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, " is not UTF-8: ", Quote(text)));
  }
  return absl::OkStatus();
}

absl::Status CheckInteraction(const NewInteraction& interaction) {
  absl::Status status = CheckId("user_id", interaction.user_id);
  if (status.ok()) status = CheckId("item_id", interaction.item_id);
  if (status.ok()) {
    status = CheckText("event_id", interaction.event_id, model::kMaxIdBytes);
  }
  if (!status.ok()) return status;
  const float weight = interaction.weight;
  // Written so that NaN fails.
  if (!(weight > 0 && weight <= model::kMaxInteractionWeight)) {
    return absl::InvalidArgumentError(
        absl::StrCat("weight is ", weight, ", expected above 0 and at most ",
                     model::kMaxInteractionWeight));
  }
  const auto kind = static_cast<int>(interaction.kind);
  if (kind < 1 || kind > model::kNumInteractionKinds) {
    return absl::InvalidArgumentError(absl::StrCat(
        "kind is ", kind, ", expected 1 to ", model::kNumInteractionKinds));
  }
  return absl::OkStatus();
}

absl::Status CheckAllProperties(const model::Properties& properties) {
  absl::Status status = model::CheckProperties(properties);
  if (status.ok()) return status;
  return absl::InvalidArgumentError(
      absl::StrCat("properties: ", status.message()));
}

absl::Status CheckItem(const NewItem& item) {
  absl::Status status = CheckId("id", item.id);
  if (status.ok()) {
    status = CheckText("title", item.record.title, model::kMaxTitleBytes);
  }
  if (!status.ok()) return status;
  const std::vector<std::string>& tags = item.record.tags;
  if (tags.size() > model::kMaxTagsPerItem) {
    return absl::InvalidArgumentError(
        absl::StrCat("tags has ", tags.size(), " values, at most ",
                     model::kMaxTagsPerItem, " are allowed"));
  }
  for (size_t t = 0; t < tags.size(); ++t) {
    const std::string field = absl::StrCat("tags[", t, "]");
    if (tags[t].empty()) {
      return absl::InvalidArgumentError(absl::StrCat(field, " is empty"));
    }
    status = CheckText(field, tags[t], model::kMaxTagBytes);
    if (!status.ok()) return status;
    if (std::find(tags.begin(), tags.begin() + static_cast<ptrdiff_t>(t),
                  tags[t]) != tags.begin() + static_cast<ptrdiff_t>(t)) {
      return absl::InvalidArgumentError(
          absl::StrCat(field, " is there twice: ", Quote(tags[t])));
    }
  }
  return CheckAllProperties(item.record.properties);
}

absl::Status At(const char* name, size_t position, const absl::Status& status) {
  return absl::Status(
      status.code(), absl::StrCat(name, "[", position, "].", status.message()));
}

}  // namespace

absl::Status CheckId(absl::string_view field, absl::string_view id) {
  if (id.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(field, " is empty"));
  }
  return CheckText(field, id, model::kMaxIdBytes);
}

absl::Status CheckInteractions(const std::vector<NewInteraction>& batch) {
  for (size_t i = 0; i < batch.size(); ++i) {
    absl::Status status = CheckInteraction(batch[i]);
    if (!status.ok()) return At("interactions", i, status);
  }
  return absl::OkStatus();
}

absl::Status CheckItems(const std::vector<NewItem>& batch) {
  for (size_t i = 0; i < batch.size(); ++i) {
    absl::Status status = CheckItem(batch[i]);
    if (!status.ok()) return At("items", i, status);
  }
  return absl::OkStatus();
}

absl::Status CheckUsers(const std::vector<NewUser>& batch) {
  absl::flat_hash_set<absl::string_view> distinct;
  for (size_t u = 0; u < batch.size(); ++u) {
    absl::Status status = CheckId("id", batch[u].id);
    if (status.ok()) status = CheckAllProperties(batch[u].properties);
    if (status.ok() && !distinct.insert(batch[u].id).second) {
      status = absl::InvalidArgumentError("id is there twice");
    }
    if (!status.ok()) return At("users", u, status);
  }
  return absl::OkStatus();
}

}  // namespace taud::store
