#include "server/api/validation.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/utf8.h"
#include "server/rpc/errors.h"

namespace taud::server {
namespace {

using Strings = google::protobuf::RepeatedPtrField<std::string>;

absl::Status CheckText(absl::string_view field, absl::string_view text,
                       size_t min_bytes, size_t max_bytes) {
  if (text.size() < min_bytes) {
    return FieldError(field, absl::StrCat("is empty; allowed: ", min_bytes,
                                          " to ", max_bytes, " bytes"));
  }
  if (text.size() > max_bytes) {
    return FieldError(
        field, absl::StrCat("has ", text.size(), " bytes; allowed: ", min_bytes,
                            " to ", max_bytes));
  }
  if (!model::IsUtf8(text)) return FieldError(field, "is not UTF-8");
  return absl::OkStatus();
}

absl::Status CheckCount(absl::string_view field, size_t count, size_t max) {
  if (count <= max) return absl::OkStatus();
  return FieldError(field,
                    absl::StrCat("has ", count, " entries; at most ", max));
}

absl::StatusOr<std::vector<std::string>> CheckTags(absl::string_view field,
                                                   const Strings& tags) {
  absl::Status status = CheckCount(field, tags.size(), kMaxFilterTags);
  if (!status.ok()) return status;
  for (const std::string& tag : tags) {
    status = CheckText(field, tag, 1, model::kMaxTagBytes);
    if (!status.ok()) return status;
  }
  return std::vector<std::string>(tags.begin(), tags.end());
}

// Ids to indices; an unknown one is skipped.
absl::StatusOr<std::vector<model::ItemIndex>> Resolve(
    absl::string_view field, const Strings& ids, size_t max,
    const model::Dictionary& items) {
  absl::Status status = CheckCount(field, ids.size(), max);
  if (!status.ok()) return status;
  std::vector<model::ItemIndex> indices;
  for (const std::string& id : ids) {
    status = CheckId(field, id);
    if (!status.ok()) return status;
    if (const auto index = items.Find(id)) indices.push_back(*index);
  }
  return indices;
}

absl::StatusOr<model::InteractionKind> CheckKind(v1::InteractionKind kind) {
  if (kind == v1::INTERACTION_KIND_UNSPECIFIED) {
    return model::InteractionKind::kView;
  }
  if (kind < 0 || kind > model::kNumInteractionKinds) {
    return FieldError("kind", absl::StrCat(static_cast<int>(kind),
                                           " is unknown; allowed: 0 to ",
                                           model::kNumInteractionKinds));
  }
  return static_cast<model::InteractionKind>(kind);
}

}  // namespace

absl::Status CheckId(absl::string_view field, absl::string_view id) {
  return CheckText(field, id, 1, model::kMaxIdBytes);
}

absl::StatusOr<store::NewInteraction> CheckInteraction(
    const v1::Interaction& interaction, int64_t now_ms) {
  absl::Status status = CheckId("user_id", interaction.user_id());
  if (status.ok()) status = CheckId("item_id", interaction.item_id());
  if (status.ok()) {
    status =
        CheckText("event_id", interaction.event_id(), 0, model::kMaxIdBytes);
  }
  if (!status.ok()) return status;

  const auto kind = CheckKind(interaction.kind());
  if (!kind.ok()) return kind.status();

  const float weight = interaction.weight() == 0 ? 1.0f : interaction.weight();
  // The comparison is false for NaN.
  if (!(weight > 0 && weight <= model::kMaxInteractionWeight)) {
    return FieldError("weight",
                      absl::StrCat(weight, " is not allowed; > 0 and <= ",
                                   model::kMaxInteractionWeight, " (0: 1)"));
  }
  const int64_t time_ms = interaction.time_ms();
  if (time_ms < 0 || time_ms > now_ms + kMaxFutureMs) {
    return FieldError(
        "time_ms", absl::StrCat(time_ms,
                                " is not allowed; Unix milliseconds from 0 to "
                                "one day after now (",
                                now_ms, ")"));
  }
  store::NewInteraction checked;
  checked.user_id = interaction.user_id();
  checked.item_id = interaction.item_id();
  checked.event_id = interaction.event_id();
  checked.time_ms = time_ms == 0 ? now_ms : time_ms;
  checked.kind = *kind;
  checked.weight = weight;
  return checked;
}

absl::StatusOr<store::NewItem> CheckItem(const v1::Item& item) {
  absl::Status status = CheckId("id", item.id());
  if (status.ok()) {
    status = CheckText("title", item.title(), 0, model::kMaxTitleBytes);
  }
  if (status.ok()) {
    status = CheckCount("tags", item.tags_size(), model::kMaxTagsPerItem);
  }
  if (!status.ok()) return status;
  std::set<absl::string_view> distinct;
  for (const std::string& tag : item.tags()) {
    status = CheckText("tags", tag, 1, model::kMaxTagBytes);
    if (!status.ok()) return status;
    if (!distinct.insert(tag).second) {
      return FieldError("tags", absl::StrCat("\"", tag, "\" is given twice"));
    }
  }
  store::NewItem checked;
  checked.id = item.id();
  checked.record.title = item.title();
  checked.record.tags.assign(item.tags().begin(), item.tags().end());
  checked.record.hidden = item.hidden();
  if (item.has_available_from_ms()) {
    checked.record.available_from_ms = item.available_from_ms();
  }
  if (item.has_available_until_ms()) {
    checked.record.available_until_ms = item.available_until_ms();
  }
  if (checked.record.available_from_ms >= checked.record.available_until_ms) {
    return FieldError("available_until_ms",
                      absl::StrCat(checked.record.available_until_ms,
                                   " is not after available_from_ms (",
                                   checked.record.available_from_ms, ")"));
  }
  return checked;
}

absl::Status CheckK(int32_t k) {
  if (k >= 1 && k <= kMaxK) return absl::OkStatus();
  return FieldError("k",
                    absl::StrCat(k, " is not allowed; allowed: 1 to ", kMaxK));
}

absl::StatusOr<ItemFilter> CheckFilter(const v1::Filter& filter,
                                       const model::Dictionary& items) {
  ItemFilter checked;
  checked.exclude_seen = !filter.has_exclude_seen() || filter.exclude_seen();
  auto excluded = Resolve("filter.exclude_ids", filter.exclude_ids(),
                          kMaxExcludedIds, items);
  if (!excluded.ok()) return excluded.status();
  checked.excluded = *std::move(excluded);
  if (!filter.only_ids().empty()) {
    auto only =
        Resolve("filter.only_ids", filter.only_ids(), kMaxExcludedIds, items);
    if (!only.ok()) return only.status();
    checked.only_some = true;
    checked.only = *std::move(only);
  }
  const struct {
    const char* field;
    const Strings& tags;
    std::vector<std::string>* checked;
  } lists[] = {
      {"filter.any_tags", filter.any_tags(), &checked.tags.any},
      {"filter.all_tags", filter.all_tags(), &checked.tags.all},
      {"filter.no_tags", filter.no_tags(), &checked.tags.none},
  };
  for (const auto& list : lists) {
    auto tags = CheckTags(list.field, list.tags);
    if (!tags.ok()) return tags.status();
    *list.checked = *std::move(tags);
  }
  return checked;
}

absl::StatusOr<RankingRules> CheckRules(const v1::Rules& rules) {
  RankingRules checked;
  checked.max_per_tag = rules.max_per_tag();
  absl::Status status =
      CheckCount("rules.boosts", rules.boosts_size(), kMaxBoosts);
  if (!status.ok()) return status;
  for (const v1::TagBoost& boost : rules.boosts()) {
    status = CheckText("rules.boosts.tag", boost.tag(), 1, model::kMaxTagBytes);
    if (!status.ok()) return status;
    if (!(boost.amount() >= -1 && boost.amount() <= 1)) {
      return FieldError(
          "rules.boosts.amount",
          absl::StrCat(boost.amount(), " is not allowed; allowed: -1 to 1"));
    }
    checked.boosts.emplace_back(boost.tag(), boost.amount());
  }
  const float weight = rules.popularity_weight();
  if (!(weight >= 0 && weight <= 1)) {
    return FieldError("rules.popularity_weight",
                      absl::StrCat(weight, " is not allowed; allowed: 0 to 1"));
  }
  checked.popularity_weight = weight;
  return checked;
}

absl::StatusOr<v1::Exploration> CheckExploration(
    const v1::Exploration& exploration) {
  if (!(exploration.share() >= 0 && exploration.share() <= kMaxExploration)) {
    return FieldError(
        "exploration.share",
        absl::StrCat(exploration.share(), " is not allowed; allowed: 0 to ",
                     kMaxExploration));
  }
  v1::Exploration checked = exploration;
  if (checked.share() > 0 && checked.seed() == 0) {
    thread_local std::mt19937_64 random(std::random_device{}());
    checked.set_seed(random() | 1);
  }
  return checked;
}

absl::StatusOr<std::vector<model::ItemIndex>> CheckContext(
    const Strings& ids, const model::Dictionary& items) {
  return Resolve("context_item_ids", ids, kMaxContextItems, items);
}

absl::Status CheckAfterSequence(uint64_t after, model::Sequence last,
                                bool replaying) {
  if (after <= last) return absl::OkStatus();
  if (replaying) {
    return absl::UnavailableError(
        absl::StrCat("after_sequence: ", after,
                     " is not in memory yet, the log has been "
                     "read through ",
                     last, "; retry"));
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "after_sequence: ", after, " is beyond the log, which ends at ", last,
      "; use the sequence of an acknowledgement of this server"));
}

}  // namespace taud::server
