#include "server/quality/input_watch.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "server/quality/estimates.h"

namespace taud::server {
namespace {

const char* const kKindNames[model::kNumInteractionKinds] = {
    "view", "click", "like", "purchase", "dislike", "retract"};

std::string NameOf(const model::Dictionary& dictionary, uint32_t index) {
  const model::Dictionary::NamesLock lock(dictionary);
  return std::string(dictionary.Name(index));
}

// The most frequent value of both, with its count.
std::pair<uint32_t, uint64_t> TopOf(const FrequentValues& a,
                                    const FrequentValues& b) {
  std::pair<uint32_t, uint64_t> top{0, 0};
  const auto look = [&](uint32_t value) {
    uint64_t count = 0;
    for (const FrequentValues* values : {&a, &b}) {
      const auto it = values->counts().find(value);
      if (it != values->counts().end()) count += it->second;
    }
    if (count > top.second || (count == top.second && value < top.first)) {
      top = {value, count};
    }
  };
  for (const auto& [value, count] : a.counts()) look(value);
  for (const auto& [value, count] : b.counts()) look(value);
  return top;
}

}  // namespace

void FrequentValues::Add(uint32_t value) {
  const auto it = counts_.find(value);
  if (it != counts_.end()) {
    ++it->second;
    return;
  }
  if (counts_.size() < kMost) {
    counts_[value] = 1;
    return;
  }
  for (auto one = counts_.begin(); one != counts_.end();) {
    if (--one->second == 0) {
      counts_.erase(one++);
    } else {
      ++one;
    }
  }
}

double InputWatch::Hour::interactions() const {
  return std::accumulate(kinds.begin(), kinds.end(), 0.0);
}

void InputWatch::Begin(const model::Interactions& interactions,
                       absl::Time now) {
  began_ = now;
  users_.assign(interactions.num_users(), false);
  for (uint32_t user = 0; user < users_.size(); ++user) {
    users_[user] = interactions.NewestOf(user) > 0;
  }
  items_.assign(interactions.num_items(), false);
  for (uint32_t item = 0; item < items_.size(); ++item) {
    items_[item] = interactions.ItemCount(item) > 0;
  }
}

bool InputWatch::NoteNew(uint32_t index, std::vector<bool>* known) {
  if (index >= known->size()) known->resize(index + 1, false);
  if ((*known)[index]) return false;
  (*known)[index] = true;
  return true;
}

void InputWatch::Add(const model::Interaction& interaction, bool names,
                     absl::Time now) {
  if (now - began_ >= absl::Hours(1)) {
    before_ = std::exchange(now_, Hour());
    began_ = now;
  }
  ++now_.kinds[static_cast<size_t>(interaction.kind) - 1];
  if (names) {
    ++now_.names;
    now_.users.Add(interaction.user);
    now_.items.Add(interaction.item);
  }
  now_.new_users += NoteNew(interaction.user, &users_);
  now_.new_items += NoteNew(interaction.item, &items_);
}

void InputWatch::Clear() {
  for (Hour* hour : {&now_, &before_}) {
    hour->users.Clear();
    hour->items.Clear();
  }
}

void InputWatch::Fill(const model::State& state, v1::InputHealth* input) const {
  const double all = now_.interactions() + before_.interactions();
  input->set_interactions(static_cast<uint64_t>(all));
  if (all == 0) return;
  for (size_t kind = 0; kind < now_.kinds.size(); ++kind) {
    const double count = now_.kinds[kind] + before_.kinds[kind];
    if (count > 0) (*input->mutable_kinds())[kKindNames[kind]] = count / all;
  }
  input->set_new_user_share(
      static_cast<double>(now_.new_users + before_.new_users) / all);
  input->set_new_item_share(
      static_cast<double>(now_.new_items + before_.new_items) / all);
  const auto user = TopOf(now_.users, before_.users);
  const auto item = TopOf(now_.items, before_.items);
  const double names =
      static_cast<double>(std::max<uint64_t>(1, now_.names + before_.names));
  input->set_top_user_share(static_cast<double>(user.second) / names);
  input->set_top_item_share(static_cast<double>(item.second) / names);
  if (user.second > 0) input->set_top_user_id(NameOf(state.users, user.first));
  if (item.second > 0) input->set_top_item_id(NameOf(state.items, item.first));
  input->set_kinds_psi(PopulationStability(before_.kinds, now_.kinds));
}

}  // namespace taud::server
