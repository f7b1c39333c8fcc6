#include "store/log/group.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <variant>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "model/check.h"

namespace taud::store {
namespace {

constexpr char kIdsFull[] = "taud.ids_full";

// From here on they are appended together.
constexpr size_t kManyEvents = 64;

// Indices for ids, the dictionary's where it has them, else the next free
// ones.
class Resolver {
 public:
  // So many ids may be added at most.
  Resolver(const model::Dictionary& dictionary, size_t room,
           std::vector<std::string_view>* added)
      : dictionary_(dictionary),
        first_(static_cast<uint32_t>(dictionary.size())),
        room_(room),
        added_(added) {}

  // Whether the id is known, or may be added.
  bool Fits(std::string_view id) const {
    return added_->size() < room_ || Find(id).has_value();
  }
  // Whether those of `things` are, or may all be.
  template <typename Thing>
  bool AllFit(const std::vector<Thing>& things) const {
    if (things.size() <= room_ - added_->size()) return true;
    absl::flat_hash_set<std::string_view> missing;
    for (const Thing& thing : things) {
      if (!Find(thing.id).has_value()) missing.insert(thing.id);
    }
    return missing.size() <= room_ - added_->size();
  }

  size_t added() const { return added_->size(); }
  // Forgets those added after there were so many.
  void ForgetAfter(size_t count) {
    for (; added_->size() > count; added_->pop_back()) {
      indices_.erase(added_->back());
    }
  }

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
  const size_t room_;
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
    if (!inserted) return it->second;
    given_.emplace_back(event_id, next);
    return 0;
  }

  // What FirstOf has given a sequence after `last` is unknown again.
  void ForgetAfter(model::Sequence last) {
    for (; !given_.empty() && given_.back().second > last; given_.pop_back()) {
      group_.erase(given_.back().first);
    }
  }

 private:
  const std::vector<model::Sequence>& known_;
  size_t position_ = 0;
  absl::flat_hash_map<std::string_view, model::Sequence> group_;
  // What stands in group_; the sequences never descend.
  std::vector<std::pair<std::string_view, model::Sequence>> given_;
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

// How many more ids the dictionary may get, when so many could be new.
size_t RoomOf(const model::Dictionary& dictionary, size_t max, size_t new_ids) {
  if (max == 0) return std::numeric_limits<size_t>::max();
  size_t there = dictionary.size();
  // Erased ones are counted only where it matters: they are a copy.
  if (there + new_ids > max) there -= dictionary.Erased().size();
  return max > there ? max - there : 0;
}

size_t SizeOf(const std::vector<PendingBatch>& batches) {
  size_t sum = 0;
  for (const PendingBatch& batch : batches) sum += batch.size();
  return sum;
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

namespace {

// Plans the batches of a group one after the other.
class Planner {
 public:
  Planner(const std::vector<PendingBatch>& batches,
          const std::vector<model::Sequence>& known, model::Sequence last,
          const model::State& state, const StreamRecords& streams,
          const IdBounds& bounds, GroupPlan* plan)
      : streams_(streams),
        bounds_(bounds),
        plan_(plan),
        users_(state.users,
               RoomOf(state.users, bounds.max_users, SizeOf(batches)),
               &plan->new_users),
        items_(state.items,
               RoomOf(state.items, bounds.max_items, SizeOf(batches)),
               &plan->new_items),
        records_(&state),
        deduplicator_(known),
        last_(last) {
    plan->first_user = users_.first();
    plan->first_item = items_.first();
  }

  void Add(const PendingBatch& batch) {
    plan_->results.emplace_back();
    absl::Status status = AddInteractions(batch.batch);
    if (status.ok()) status = AddRecords(batch);
    plan_->refused.push_back(std::move(status));
    plan_->last_sequence = last_;
  }

 private:
  // Of the stream that the batch belongs to; null: of none, or a new one.
  const StreamRecord* StreamOf(const EventStore::Batch& batch) const {
    if (batch.stream_id.empty()) return nullptr;
    const auto here = plan_->streams.find(batch.stream_id);
    if (here != plan_->streams.end()) return &here->second;
    const auto before = streams_.find(batch.stream_id);
    return before == streams_.end() ? nullptr : &before->second;
  }

  FullOf FullFor(const NewInteraction& interaction) const {
    if (!users_.Fits(interaction.user_id)) return FullOf::kUsers;
    if (!items_.Fits(interaction.item_id)) return FullOf::kItems;
    return FullOf::kNothing;
  }

  // The interactions of one batch, or why none of them is written.
  absl::Status AddInteractions(const EventStore::Batch& batch) {
    const model::Sequence last_before = last_;
    const size_t users_before = users_.added();
    const size_t items_before = items_.added();
    const size_t events_before = plan_->events.size();
    const size_t duplicates_before = plan_->duplicates;
    std::vector<Appended>& results = plan_->results.back();
    results.reserve(batch.interactions.size());
    const StreamRecord* const held = StreamOf(batch);
    const bool repeated = held != nullptr && batch.position <= held->position;
    FullOf full = FullOf::kNothing;
    for (const NewInteraction& interaction : batch.interactions) {
      model::Sequence first = 0;
      // Asked in any case: the answers are in the order of the event ids.
      if (!interaction.event_id.empty()) {
        first = deduplicator_.FirstOf(interaction.event_id, last_ + 1,
                                      repeated || full != FullOf::kNothing);
      }
      if (full != FullOf::kNothing) continue;
      if (repeated) first = held->sequence;
      // There is nothing that could be taken back.
      const bool vain = interaction.kind == model::InteractionKind::kRetract &&
                        (!users_.Find(interaction.user_id).has_value() ||
                         !items_.Find(interaction.item_id).has_value());
      if (vain && first == 0) first = last_;
      if (repeated || first != 0 || vain) {
        results.push_back({first, true});
        ++plan_->duplicates;
        continue;
      }
      const FullOf refused = FullFor(interaction);
      if (refused != FullOf::kNothing) {
        // The same event may come again, and fit.
        deduplicator_.ForgetAfter(last_);
        if (batch.partial) {
          results.push_back({0, false, refused});
        } else {
          full = refused;
        }
        continue;
      }
      ++last_;
      plan_->events.push_back(
          {MakeInteraction(interaction, last_, &users_, &items_),
           interaction.event_id});
      results.push_back({last_, false});
    }
    if (full != FullOf::kNothing) {
      deduplicator_.ForgetAfter(last_before);
      users_.ForgetAfter(users_before);
      items_.ForgetAfter(items_before);
      plan_->events.resize(events_before);
      plan_->duplicates = duplicates_before;
      last_ = last_before;
      results.clear();
      return IdsFullError(full, bounds_);
    }
    if (!batch.stream_id.empty() && !repeated) {
      plan_->streams[batch.stream_id] = {batch.position, last_, 0};
    }
    return absl::OkStatus();
  }

  // The items and users of one batch, or why none of them is written.
  absl::Status AddRecords(const PendingBatch& batch) {
    if (!items_.AllFit(batch.items)) {
      return IdsFullError(FullOf::kItems, bounds_);
    }
    if (!users_.AllFit(batch.users)) {
      return IdsFullError(FullOf::kUsers, bounds_);
    }
    if (!batch.items.empty()) {
      std::vector<model::ItemRecord> merged;
      absl::Status status = records_.Plan(batch.items, &merged);
      if (!status.ok()) return status;
      for (size_t i = 0; i < merged.size(); ++i) {
        plan_->records.push_back(
            {items_.Resolve(batch.items[i].id), std::move(merged[i])});
      }
    }
    if (!batch.users.empty()) {
      std::vector<model::Properties> merged;
      absl::Status status = records_.Plan(batch.users, &merged);
      if (!status.ok()) return status;
      for (size_t u = 0; u < merged.size(); ++u) {
        plan_->user_records.push_back(
            {users_.Resolve(batch.users[u].id), std::move(merged[u])});
      }
    }
    return absl::OkStatus();
  }

  const StreamRecords& streams_;
  const IdBounds& bounds_;
  GroupPlan* const plan_;
  Resolver users_;
  Resolver items_;
  RecordPlanner records_;
  Deduplicator deduplicator_;
  model::Sequence last_;
};

}  // namespace

GroupPlan PlanGroup(const std::vector<PendingBatch>& batches,
                    const std::vector<model::Sequence>& known,
                    model::Sequence last, const model::State& state,
                    const StreamRecords& streams, const IdBounds& bounds) {
  GroupPlan plan;
  plan.last_sequence = last;
  Planner planner(batches, known, last, state, streams, bounds, &plan);
  for (const PendingBatch& batch : batches) planner.Add(batch);
  return plan;
}

absl::Status IdsFullError(FullOf full, const IdBounds& bounds) {
  const bool users = full == FullOf::kUsers;
  absl::Status status = absl::ResourceExhaustedError(absl::StrCat(
      "there are as many ", users ? "users" : "items", " as there may be, ",
      users ? bounds.max_users : bounds.max_items, " (",
      users ? "store.max_users" : "store.max_items",
      "): no new one is taken; erase some, or raise the limit"));
  status.SetPayload(kIdsFull, absl::Cord(users ? "users" : "items"));
  return status;
}

FullOf FullOfIds(const absl::Status& status) {
  const auto payload = status.GetPayload(kIdsFull);
  if (!payload.has_value()) return FullOf::kNothing;
  return *payload == "users" ? FullOf::kUsers : FullOf::kItems;
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
