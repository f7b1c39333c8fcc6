#include "server/api/validation.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "model/property.h"
#include "model/utf8.h"
#include "server/api/properties.h"
#include "server/rpc/errors.h"

namespace taud::server {
namespace {

using Strings = google::protobuf::RepeatedPtrField<std::string>;

constexpr size_t kMaxMaskPaths = 128;

absl::Status CheckCount(absl::string_view field, size_t count, size_t max) {
  if (count <= max) return absl::OkStatus();
  return FieldError(field,
                    absl::StrCat("has ", count, " entries; at most ", max));
}

absl::StatusOr<std::vector<std::string>> CheckTags(absl::string_view field,
                                                   const Strings& tags,
                                                   UnknownNames* unknown) {
  absl::Status status = CheckCount(field, tags.size(), kMaxFilterTags);
  if (!status.ok()) return status;
  for (const std::string& tag : tags) {
    status = CheckText(field, tag, 1, model::kMaxTagBytes);
    if (!status.ok()) return status;
    if (unknown != nullptr) unknown->CheckTag(tag);
  }
  return std::vector<std::string>(tags.begin(), tags.end());
}

// Ids to indices; an unknown one is skipped.
absl::StatusOr<std::vector<model::ItemIndex>> Resolve(
    absl::string_view field, const Strings& ids, size_t max,
    const model::Dictionary& items, UnknownNames* unknown) {
  absl::Status status = CheckCount(field, ids.size(), max);
  if (!status.ok()) return status;
  std::vector<model::ItemIndex> indices;
  for (const std::string& id : ids) {
    status = CheckId(field, id);
    if (!status.ok()) return status;
    if (const auto index = items.Find(id)) {
      indices.push_back(*index);
    } else if (unknown != nullptr) {
      unknown->AddItem(id);
    }
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

// The time of an interaction in milliseconds.
absl::StatusOr<int64_t> CheckTime(int64_t given, int64_t now_ms,
                                  v1::TimeUnit unit) {
  if (given == 0) return now_ms;
  const bool seconds = unit == v1::TIME_UNIT_SECONDS;
  const int64_t last = now_ms + kMaxFutureMs;
  if (seconds && given >= kMinTimeMs / 1000 && given <= last / 1000) {
    return given * 1000;
  }
  if (!seconds && given >= kMinTimeMs && given <= last) return given;
  if (!seconds && given > 0 && given < kMinTimeMs) {
    return FieldError(
        "time_ms",
        absl::StrCat(given, " would be ",
                     absl::FormatTime("%Y-%m-%d", absl::FromUnixMillis(given),
                                      absl::UTCTimeZone()),
                     ": these look like seconds. Send milliseconds, or set "
                     "time_unit to TIME_UNIT_SECONDS"));
  }
  const int64_t unit_ms = seconds ? 1000 : 1;
  return FieldError(
      "time_ms",
      absl::StrCat(given, " is not allowed; Unix ",
                   seconds ? "seconds" : "milliseconds", " from ",
                   kMinTimeMs / unit_ms, " (March 1973) to one day after now (",
                   now_ms / unit_ms, "), or 0 for now"));
}

absl::Status CheckTimeUnit(v1::TimeUnit unit) {
  if (unit == v1::TIME_UNIT_MILLISECONDS || unit == v1::TIME_UNIT_SECONDS) {
    return absl::OkStatus();
  }
  return FieldError("time_unit",
                    absl::StrCat(static_cast<int>(unit),
                                 " is unknown; allowed: 0 (milliseconds) and "
                                 "1 (seconds)"));
}

// Takes a property's name off "properties.NAME".
absl::StatusOr<std::string> PropertyOf(const std::string& path,
                                       absl::string_view allowed) {
  absl::string_view name = path;
  if (!absl::ConsumePrefix(&name, "properties.")) {
    return FieldError("update_mask",
                      absl::StrCat("\"", absl::CHexEscape(path.substr(0, 80)),
                                   "\" is no field; allowed: ", allowed));
  }
  absl::Status status = model::CheckPropertyName(name);
  if (status.ok()) return std::string(name);
  return FieldError("update_mask",
                    absl::StrCat("\"", absl::CHexEscape(path.substr(0, 80)),
                                 "\" ", status.message()));
}

// What a boost asks of an item.
absl::StatusOr<std::shared_ptr<const model::Expression>> CheckBoost(
    const std::string& field, const v1::TagBoost& boost) {
  if (!boost.expression().empty()) {
    if (!boost.tag().empty()) {
      return FieldError(field, "has both a tag and an expression");
    }
    return CheckExpression(absl::StrCat(field, ".expression"),
                           boost.expression());
  }
  absl::Status status = CheckText(absl::StrCat(field, ".tag"), boost.tag(), 1,
                                  model::kMaxTagBytes);
  if (!status.ok()) return status;
  auto tagged = std::make_shared<model::Expression>();
  tagged->term.property = std::string(model::kTagsProperty);
  tagged->term.values.emplace_back();
  tagged->term.values[0].type = model::Term::Value::Type::kText;
  tagged->term.values[0].text = boost.tag();
  return std::shared_ptr<const model::Expression>(std::move(tagged));
}

std::vector<std::string> NamesOf(const model::Properties& properties) {
  std::vector<std::string> names;
  for (const auto& [name, value] : properties) names.push_back(name);
  return names;
}

// Without a mask the fields that are set are written.
store::ItemMask MaskOfSet(const v1::Item& item,
                          const model::Properties& properties) {
  store::ItemMask mask;
  mask.title = item.has_title();
  mask.tags = item.tags_size() > 0;
  mask.hidden = item.has_hidden();
  mask.available_from = item.has_available_from_ms();
  mask.available_until = item.has_available_until_ms();
  mask.properties.all = false;
  mask.properties.names = NamesOf(properties);
  return mask;
}

}  // namespace

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

absl::Status CheckId(absl::string_view field, absl::string_view id) {
  return CheckText(field, id, 1, model::kMaxIdBytes);
}

absl::Status CheckBatchSize(size_t interactions) {
  if (interactions >= 1 && interactions <= kMaxBatch) return absl::OkStatus();
  return FieldError("interactions",
                    absl::StrCat("has ", interactions,
                                 " entries; allowed: 1 to ", kMaxBatch));
}

absl::Status CheckCallersWeight(float weight, double max_weight) {
  if (max_weight <= 0 || weight <= static_cast<float>(max_weight)) {
    return absl::OkStatus();
  }
  return FieldError(
      "weight", absl::StrCat(weight, " is not allowed to this caller; ",
                             "its limits have a max_weight of ", max_weight));
}

absl::StatusOr<store::NewInteraction> CheckInteraction(
    const v1::Interaction& interaction, int64_t now_ms, v1::TimeUnit unit) {
  absl::Status status = CheckTimeUnit(unit);
  if (status.ok()) status = CheckId("user_id", interaction.user_id());
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
  const auto time_ms = CheckTime(interaction.time_ms(), now_ms, unit);
  if (!time_ms.ok()) return time_ms.status();
  store::NewInteraction checked;
  checked.user_id = interaction.user_id();
  checked.item_id = interaction.item_id();
  checked.event_id = interaction.event_id();
  checked.time_ms = *time_ms;
  checked.kind = *kind;
  checked.weight = weight;
  return checked;
}

absl::StatusOr<std::optional<store::ItemMask>> CheckItemMask(
    const google::protobuf::FieldMask& mask) {
  constexpr absl::string_view kAllowed =
      "title, tags, hidden, available_from_ms, available_until_ms, properties, "
      "properties.NAME, or * alone";
  if (mask.paths().empty()) return std::optional<store::ItemMask>();
  absl::Status status =
      CheckCount("update_mask", mask.paths_size(), kMaxMaskPaths);
  if (!status.ok()) return status;
  store::ItemMask checked;
  if (mask.paths_size() == 1 && mask.paths(0) == "*") {
    return std::optional<store::ItemMask>(checked);
  }
  checked = {false, false, false, false, false, {false, {}}};
  const struct {
    absl::string_view path;
    bool* field;
  } fields[] = {{"title", &checked.title},
                {"tags", &checked.tags},
                {"hidden", &checked.hidden},
                {"available_from_ms", &checked.available_from},
                {"available_until_ms", &checked.available_until},
                {"properties", &checked.properties.all}};
  for (const std::string& path : mask.paths()) {
    const auto* field =
        std::find_if(std::begin(fields), std::end(fields),
                     [&](const auto& one) { return one.path == path; });
    if (field != std::end(fields)) {
      *field->field = true;
      continue;
    }
    auto name = PropertyOf(path, kAllowed);
    if (!name.ok()) return name.status();
    checked.properties.names.push_back(*std::move(name));
  }
  return std::optional<store::ItemMask>(std::move(checked));
}

absl::StatusOr<std::optional<store::PropertyMask>> CheckUserMask(
    const google::protobuf::FieldMask& mask) {
  if (mask.paths().empty()) return std::optional<store::PropertyMask>();
  absl::Status status =
      CheckCount("update_mask", mask.paths_size(), kMaxMaskPaths);
  if (!status.ok()) return status;
  store::PropertyMask checked;
  checked.all = false;
  for (const std::string& path : mask.paths()) {
    if (path == "properties" || (path == "*" && mask.paths_size() == 1)) {
      checked.all = true;
      continue;
    }
    auto name = PropertyOf(path, "properties, properties.NAME, or * alone");
    if (!name.ok()) return name.status();
    checked.names.push_back(*std::move(name));
  }
  return std::optional<store::PropertyMask>(std::move(checked));
}

absl::StatusOr<store::NewUser> CheckUser(
    const v1::User& user, const std::optional<store::PropertyMask>& mask) {
  absl::Status status = CheckId("id", user.id());
  if (!status.ok()) return status;
  auto properties = CheckProperties(user.properties());
  if (!properties.ok()) return properties.status();
  store::NewUser checked;
  checked.id = user.id();
  checked.properties = *std::move(properties);
  if (mask.has_value()) {
    checked.mask = *mask;
  } else {
    checked.mask.all = false;
    checked.mask.names = NamesOf(checked.properties);
  }
  return checked;
}

absl::StatusOr<std::shared_ptr<const model::Expression>> CheckExpression(
    absl::string_view field, const std::string& text) {
  if (text.empty()) return std::shared_ptr<const model::Expression>();
  auto parsed = model::ParseExpression(text);
  if (!parsed.ok()) return FieldError(field, parsed.status().message());
  return std::make_shared<const model::Expression>(*std::move(parsed));
}

absl::StatusOr<store::NewItem> CheckItem(
    const v1::Item& item, const std::optional<store::ItemMask>& mask) {
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
  auto properties = CheckProperties(item.properties());
  if (!properties.ok()) return properties.status();
  store::NewItem checked;
  checked.mask = mask.has_value() ? *mask : MaskOfSet(item, *properties);
  checked.record.properties = *std::move(properties);
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
                                       const model::Dictionary& items,
                                       UnknownNames* unknown) {
  ItemFilter checked;
  checked.exclude_seen = !filter.has_exclude_seen() || filter.exclude_seen();
  auto excluded = Resolve("filter.exclude_ids", filter.exclude_ids(),
                          kMaxExcludedIds, items, unknown);
  if (!excluded.ok()) return excluded.status();
  checked.excluded = *std::move(excluded);
  if (!filter.only_ids().empty()) {
    auto only = Resolve("filter.only_ids", filter.only_ids(), kMaxExcludedIds,
                        items, unknown);
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
    auto tags = CheckTags(list.field, list.tags, unknown);
    if (!tags.ok()) return tags.status();
    *list.checked = *std::move(tags);
  }
  auto expression = CheckExpression("filter.expression", filter.expression());
  if (!expression.ok()) return expression.status();
  checked.tags.expression = *std::move(expression);
  if (unknown != nullptr && checked.tags.expression != nullptr) {
    unknown->CheckExpression(*checked.tags.expression);
  }
  return checked;
}

absl::StatusOr<RankingRules> CheckRules(const v1::Rules& rules,
                                        UnknownNames* unknown) {
  RankingRules checked;
  checked.max_per_tag = rules.max_per_tag();
  absl::Status status =
      CheckCount("rules.boosts", rules.boosts_size(), kMaxBoosts);
  if (!status.ok()) return status;
  for (int b = 0; b < rules.boosts_size(); ++b) {
    const v1::TagBoost& boost = rules.boosts(b);
    const std::string field = absl::StrCat("rules.boosts[", b, "]");
    auto when = CheckBoost(field, boost);
    if (!when.ok()) return when.status();
    if (!(boost.amount() >= -1 && boost.amount() <= 1)) {
      return FieldError(
          absl::StrCat(field, ".amount"),
          absl::StrCat(boost.amount(), " is not allowed; allowed: -1 to 1"));
    }
    if (unknown != nullptr) unknown->CheckExpression(**when);
    checked.boosts.emplace_back(*std::move(when), boost.amount());
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
    const Strings& ids, const model::Dictionary& items, UnknownNames* unknown) {
  return Resolve("context_item_ids", ids, kMaxContextItems, items, unknown);
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
