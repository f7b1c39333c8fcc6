#include "store/log/group.h"

#include <cstdint>
#include <optional>
#include <utility>
#include <variant>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "model/check.h"

namespace taud::store {
namespace {

// From here on they are appended together.
constexpr size_t kManyEvents = 64;

// Indices for ids, the dictionary's where it has them, else the next free
// ones.
class Resolver {
 public:
  Resolver(const model::Dictionary& dictionary,
           std::vector<std::string_view>* added)
      : dictionary_(dictionary),
        first_(static_cast<uint32_t>(dictionary.size())),
        added_(added) {}

  uint32_t Resolve(std::string_view id) {
    if (const std::optional<uint32_t> known = dictionary_.Find(id)) {
      return *known;
    }
    const auto next = static_cast<uint32_t>(first_ + added_->size());
    const auto [it, inserted] = indices_.try_emplace(id, next);
    if (inserted) added_->push_back(id);
    return it->second;
  }

  // The index if there is one, of this group's new ids too.
  std::optional<uint32_t> Find(std::string_view id) const {
    const auto added = indices_.find(id);
    if (added != indices_.end()) return added->second;
    return dictionary_.Find(id);
  }

  uint32_t first() const { return first_; }

 private:
  const model::Dictionary& dictionary_;
  const uint32_t first_;
  std::vector<std::string_view>* const added_;
  absl::flat_hash_map<std::string_view, uint32_t> indices_;
};

// Recognises event ids, stored ones and those given in this group.
class Deduplicator {
 public:
  explicit Deduplicator(const std::vector<model::Sequence>& known)
      : known_(known) {}

  // The sequence of the event that already has the id, or 0, after which
  // `next` belongs to it. Must be called for every id, in order; with
  // `look_only` an unknown id stays unknown.
  model::Sequence FirstOf(std::string_view event_id, model::Sequence next,
                          bool look_only) {
    const model::Sequence stored = known_[position_++];
    if (stored != 0 || look_only) return stored;
    const auto [it, inserted] = group_.try_emplace(event_id, next);
    return inserted ? 0 : it->second;
  }

 private:
  const std::vector<model::Sequence>& known_;
  size_t position_ = 0;
  absl::flat_hash_map<std::string_view, model::Sequence> group_;
};

model::Interaction MakeInteraction(const NewInteraction& from,
                                   model::Sequence sequence, Resolver* users,
                                   Resolver* items) {
  model::Interaction to;
  to.sequence = sequence;
  to.time_ms = from.time_ms;
  to.user = users->Resolve(from.user_id);
  to.item = items->Resolve(from.item_id);
  to.weight = from.weight;
  to.kind = from.kind;
  return to;
}

// The items and users of one batch, or why none of them is written.
absl::Status PlanRecords(const PendingBatch& batch, RecordPlanner* planner,
                         Resolver* users, Resolver* items, GroupPlan* plan) {
  if (!batch.items.empty()) {
    std::vector<model::ItemRecord> merged;
    absl::Status status = planner->Plan(batch.items, &merged);
    if (!status.ok()) return status;
    for (size_t i = 0; i < merged.size(); ++i) {
      plan->records.push_back(
          {items->Resolve(batch.items[i].id), std::move(merged[i])});
    }
  }
  if (!batch.users.empty()) {
    std::vector<model::Properties> merged;
    absl::Status status = planner->Plan(batch.users, &merged);
    if (!status.ok()) return status;
    for (size_t u = 0; u < merged.size(); ++u) {
      plan->user_records.push_back(
          {users->Resolve(batch.users[u].id), std::move(merged[u])});
    }
  }
  return absl::OkStatus();
}

size_t BytesOf(const model::Properties& properties) {
  constexpr size_t kNode = 96;
  size_t sum = 0;
  for (const auto& [name, value] : properties) {
    sum += kNode + name.size();
    if (const auto* text = std::get_if<std::string>(&value)) {
      sum += text->size();
    } else if (const auto* texts =
                   std::get_if<std::vector<std::string>>(&value)) {
      for (const std::string& one : *texts) sum += sizeof(one) + one.size();
    }
  }
  return sum;
}

}  // namespace

std::vector<std::string_view> EventIdsOf(
    const std::vector<PendingBatch>& batches) {
  std::vector<std::string_view> ids;
  for (const PendingBatch& batch : batches) {
    for (const NewInteraction& interaction : batch.batch.interactions) {
      if (!interaction.event_id.empty()) ids.push_back(interaction.event_id);
    }
  }
  return ids;
}

std::vector<std::string_view> StreamsOf(
    const std::vector<PendingBatch>& batches) {
  absl::flat_hash_set<std::string_view> distinct;
  for (const PendingBatch& batch : batches) {
    if (!batch.batch.stream_id.empty()) distinct.insert(batch.batch.stream_id);
  }
  return std::vector<std::string_view>(distinct.begin(), distinct.end());
}

size_t PendingBatch::bytes() const {
  size_t sum = sizeof(PendingBatch);
  for (const NewInteraction& one : batch.interactions) {
    sum += sizeof(one) + one.user_id.size() + one.item_id.size() +
           one.event_id.size();
  }
  for (const NewItem& item : items) {
    sum += sizeof(item) + item.id.size() + item.record.title.size();
    for (const std::string& tag : item.record.tags) {
      sum += sizeof(tag) + tag.size();
    }
    sum += BytesOf(item.record.properties);
  }
  for (const NewUser& user : users) {
    sum += sizeof(user) + user.id.size() + BytesOf(user.properties);
  }
  return sum;
}

GroupPlan PlanGroup(const std::vector<PendingBatch>& batches,
                    const std::vector<model::Sequence>& known,
                    model::Sequence last, const model::State& state,
                    const StreamRecords& streams) {
  GroupPlan plan;
  Resolver user_resolver(state.users, &plan.new_users);
  Resolver item_resolver(state.items, &plan.new_items);
  RecordPlanner planner(&state);
  Deduplicator deduplicator(known);
  plan.first_user = user_resolver.first();
  plan.first_item = item_resolver.first();
  for (const PendingBatch& batch : batches) {
    const EventStore::Batch& given = batch.batch;
    std::vector<Appended>& results = plan.results.emplace_back();
    results.reserve(given.interactions.size());
    const StreamRecord* held = nullptr;
    if (!given.stream_id.empty()) {
      const auto here = plan.streams.find(given.stream_id);
      const auto before = streams.find(given.stream_id);
      if (here != plan.streams.end()) {
        held = &here->second;
      } else if (before != streams.end()) {
        held = &before->second;
      }
    }
    const bool repeated = held != nullptr && given.position <= held->position;
    for (const NewInteraction& interaction : given.interactions) {
      model::Sequence first = 0;
      // Asked in any case: the answers are in the order of the event ids.
      if (!interaction.event_id.empty()) {
        first = deduplicator.FirstOf(interaction.event_id, last + 1, repeated);
      }
      if (repeated) first = held->sequence;
      // There is nothing that could be taken back.
      const bool vain = interaction.kind == model::InteractionKind::kRetract &&
                        (!user_resolver.Find(interaction.user_id).has_value() ||
                         !item_resolver.Find(interaction.item_id).has_value());
      if (vain && first == 0) first = last;
      if (repeated || first != 0 || vain) {
        results.push_back({first, true});
        ++plan.duplicates;
        continue;
      }
      ++last;
      plan.events.push_back(
          {MakeInteraction(interaction, last, &user_resolver, &item_resolver),
           interaction.event_id});
      results.push_back({last, false});
    }
    if (!given.stream_id.empty() && !repeated) {
      plan.streams[given.stream_id] = {given.position, last, 0};
    }
    plan.refused.push_back(
        PlanRecords(batch, &planner, &user_resolver, &item_resolver, &plan));
  }
  plan.last_sequence = last;
  return plan;
}

void ApplyIds(const GroupPlan& plan, model::State* state) {
  TAUD_CHECK(state->users.size() == plan.first_user);
  TAUD_CHECK(state->items.size() == plan.first_item);
  for (const std::string_view id : plan.new_users) state->users.Insert(id);
  for (const std::string_view id : plan.new_items) state->items.Insert(id);
  for (const GroupPlan::Record& record : plan.records) {
    state->catalogue.Upsert(record.item, record.record);
  }
  for (const GroupPlan::UserRecord& record : plan.user_records) {
    state->user_properties.Put(record.user, record.properties);
  }
}

void ApplyEvents(const GroupPlan& plan, model::State* state) {
  if (plan.events.size() < kManyEvents) {
    for (const GroupPlan::Event& event : plan.events) {
      state->interactions.Append(event.interaction);
    }
    return;
  }
  std::vector<model::Interaction> events;
  events.reserve(plan.events.size());
  for (const GroupPlan::Event& event : plan.events) {
    events.push_back(event.interaction);
  }
  state->interactions.AppendAll(events);
}

}  // namespace taud::store
