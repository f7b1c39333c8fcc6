#include "store/group.h"

#include <cstdint>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "model/check.h"

namespace taud::store {
namespace {

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
  // `next` belongs to it. Must be called for every id, in order.
  model::Sequence FirstOf(std::string_view event_id, model::Sequence next) {
    const model::Sequence stored = known_[position_++];
    if (stored != 0) return stored;
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

}  // namespace

std::vector<std::string_view> EventIdsOf(
    const std::vector<PendingBatch>& batches) {
  std::vector<std::string_view> ids;
  for (const PendingBatch& batch : batches) {
    for (const NewInteraction& interaction : batch.interactions) {
      if (!interaction.event_id.empty()) ids.push_back(interaction.event_id);
    }
  }
  return ids;
}

GroupPlan PlanGroup(const std::vector<PendingBatch>& batches,
                    const std::vector<model::Sequence>& known,
                    model::Sequence last, const model::Dictionary& users,
                    const model::Dictionary& items) {
  GroupPlan plan;
  Resolver user_resolver(users, &plan.new_users);
  Resolver item_resolver(items, &plan.new_items);
  Deduplicator deduplicator(known);
  plan.first_user = user_resolver.first();
  plan.first_item = item_resolver.first();
  for (const PendingBatch& batch : batches) {
    std::vector<Appended>& results = plan.results.emplace_back();
    results.reserve(batch.interactions.size());
    for (const NewInteraction& interaction : batch.interactions) {
      if (!interaction.event_id.empty()) {
        const model::Sequence first =
            deduplicator.FirstOf(interaction.event_id, last + 1);
        if (first != 0) {
          results.push_back({first, true});
          ++plan.duplicates;
          continue;
        }
      }
      ++last;
      plan.events.push_back(
          {MakeInteraction(interaction, last, &user_resolver, &item_resolver),
           interaction.event_id});
      results.push_back({last, false});
    }
    for (const NewItem& item : batch.items) {
      plan.records.push_back({item_resolver.Resolve(item.id), &item.record});
    }
  }
  plan.last_sequence = last;
  return plan;
}

void ApplyGroup(const GroupPlan& plan, model::State* state) {
  TAUD_CHECK(state->users.size() == plan.first_user);
  TAUD_CHECK(state->items.size() == plan.first_item);
  for (const std::string_view id : plan.new_users) state->users.Insert(id);
  for (const std::string_view id : plan.new_items) state->items.Insert(id);
  for (const GroupPlan::Record& record : plan.records) {
    state->catalogue.Upsert(record.item, *record.record);
  }
  for (const GroupPlan::Event& event : plan.events) {
    state->interactions.Append(event.interaction);
  }
}

}  // namespace taud::store
