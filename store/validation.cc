#include "store/validation.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace taud::store {
namespace {

constexpr size_t kMaxQuoted = 64;

// Text a stranger sent, fit for an error message.
std::string Quote(absl::string_view text) {
  const bool longer = text.size() > kMaxQuoted;
  return absl::StrCat("\"", absl::CHexEscape(text.substr(0, kMaxQuoted)),
                      longer ? "…\"" : "\"");
}

// The bytes of the sequence that `lead` begins; 0 if none begins with it.
size_t SequenceLength(unsigned char lead) {
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

// The second byte is where overlong forms, surrogates and code points beyond
// U+10FFFF show (Unicode, table 3-7).
bool IsSecondByte(unsigned char lead, unsigned char second) {
  switch (lead) {
    case 0xE0:
      return second >= 0xA0 && second <= 0xBF;
    case 0xED:
      return second >= 0x80 && second <= 0x9F;
    case 0xF0:
      return second >= 0x90 && second <= 0xBF;
    case 0xF4:
      return second >= 0x80 && second <= 0x8F;
    default:
      return second >= 0x80 && second <= 0xBF;
  }
}

absl::Status CheckText(absl::string_view field, absl::string_view text,
                       size_t limit) {
  if (text.size() > limit) {
    return absl::InvalidArgumentError(absl::StrCat(field, " has ", text.size(),
                                                   " bytes, at most ", limit,
                                                   " are allowed"));
  }
  if (!IsUtf8(text)) {
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
  return absl::OkStatus();
}

absl::Status At(const char* name, size_t position, const absl::Status& status) {
  return absl::Status(
      status.code(), absl::StrCat(name, "[", position, "].", status.message()));
}

}  // namespace

bool IsUtf8(absl::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const size_t length = SequenceLength(lead);
    if (length == 0 || length > text.size() - i) return false;
    if (!IsSecondByte(lead, static_cast<unsigned char>(text[i + 1]))) {
      return false;
    }
    for (size_t j = 2; j < length; ++j) {
      if ((static_cast<unsigned char>(text[i + j]) & 0xC0) != 0x80) {
        return false;
      }
    }
    i += length;
  }
  return true;
}

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

}  // namespace taud::store
