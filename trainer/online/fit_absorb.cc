// What OnlineFit does with interactions that come: pairs to learn, pairs to
// hold back, pairs that are undone, how far which row has come; and how it
// forgets what was erased.

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_set.h"
#include "model/unit_norm.h"
#include "trainer/online/online_fit.h"
#include "trainer/temperature/held_temperature.h"

namespace taud::trainer {
namespace {

// Ages of the fit, in shares of its horizon, at which it is asked about pairs
// that are held back: soon, for answers come out soon, and when rows are nearly
// what they will be. After the last, the pairs are learnt.
constexpr double kAskHeldAt[] = {1.0 / 15, 1.0 / 5, 1.0 / 2, 9.0 / 10};
constexpr double kHeldUntil = 9.0 / 10;
// τ₀ is adjusted by a load that is nearly all there is: the fit was no older
// when it was first asked. Of another the held pairs are of rows that are
// younger than the fit.
constexpr double kOldestToAdjust = 1.0 / 10;
// What comes at once is a load if it is so much, and so much of what there is.
// Of a stream of single interactions the meter asks about each before it is
// learnt: holding some back would only keep rows from learning.
constexpr size_t kLeastLoad = 200;
constexpr size_t kLoadOneIn = 16;
// With so many times the pairs of the last time, asking begins anew.
constexpr double kAskAnewAt = 1.5;

// Before the last time so many do at most: it takes time, and rows will change.
constexpr size_t kAskedEarly = 512;
// Of τ₀: as each stands for the pairs of its user, a few count most.
constexpr size_t kAskedForTau0 = 2048;

// A user with no more pairs than this begins anew when one is undone.
constexpr size_t kRestartPairs = 64;
// Marks are looked through when there are so many.
constexpr size_t kManyMarks = 1024;

// Every so many-th, `most` at most.
std::vector<HeldPair> SomeOf(const std::vector<HeldPair>& held, size_t most) {
  const size_t step = (held.size() + most - 1) / most;
  std::vector<HeldPair> some;
  for (size_t i = 0; i < held.size(); i += step) some.push_back(held[i]);
  return some;
}

}  // namespace

bool OnlineFit::Absorb(const model::Interactions& interactions,
                       model::Sequence limit) {
  // After an import the log may hold other positions than it did.
  if (position_ == 0 && absorbed_through_ > 0) {
    position_ = interactions.PositionAfter(absorbed_through_);
  }
  if (!recent_known_) {
    query_meter_.Rebuild(interactions, position_);
    recent_known_ = true;
  }
  // Asked before the size: everything through it is then there, or is gone from
  // the log for good.
  const model::Sequence last =
      limit == kNoLimit ? interactions.last_sequence() : 0;
  const size_t end = limit == kNoLimit ? interactions.size()
                                       : interactions.PositionAfter(limit);
  if (position_ >= end) {
    AdvanceThrough(last);
    MarkAbsorbed();
    return false;
  }
  const uint32_t before = pairs_.size();
  const size_t present_before = pairs_.items_present().size();
  fresh_ = 0;
  loads_ = end - position_ >=
           std::max(kLeastLoad, size_t{pairs_.live()} / kLoadOneIn);
  std::vector<Undone> undone;
  const size_t ask_every = (end - position_ + QueryMeter::kMaxQuestions - 1) /
                           QueryMeter::kMaxQuestions;
  size_t read = 0;
  interactions.ForEach(position_, end,
                       [&](const model::Interaction& interaction) {
                         absorbed_through_ = interaction.sequence;
                         TakeIn(interaction, read++ % ask_every == 0, &undone);
                       });
  position_ = end;
  for (const auto& [user, pair] : first_pairs_) AddLatePair(pair);
  first_pairs_.clear();
  sampler_.Append(fresh_);
  GrowToPairs();
  query_meter_.Answer(Knowledge());
  for (uint32_t pair = before; pair + fresh_ < pairs_.size(); ++pair) {
    CountAsLearnt(pair);
  }
  DrawFromTakenOver(present_before);
  Unlearn(undone, interactions);
  AdvanceThrough(last);
  MarkAbsorbed();
  return true;
}

// Items of a warm start's snapshot, once the log has named them, too. The rows
// of others are set when their window opens.
void OnlineFit::DrawFromTakenOver(size_t present_before) {
  const std::vector<uint32_t>& present = pairs_.items_present();
  std::vector<uint32_t> taken_over;
  for (size_t i = present_before; i < present.size(); ++i) {
    if (item_learnt_[present[i]] > 0) taken_over.push_back(present[i]);
  }
  DrawFromThese(taken_over);
}

void OnlineFit::TakeIn(const model::Interaction& interaction, bool ask,
                       std::vector<Undone>* undone) {
  const uint32_t user = interaction.user;
  const uint32_t item = interaction.item;
  if (model::Interactions::IsErased(interaction)) return;
  const auto first = first_pairs_.find(user);
  const bool waits = first != first_pairs_.end() && first->second.item == item;
  if (!model::IsPositive(interaction.kind)) {
    query_meter_.Remove(user, item);
    held_.Remove(user, item);
    if (waits) first_pairs_.erase(first);
    const uint32_t pair = pairs_.NumberOf(user, item);
    if (pair == PositivePairs::kRemoved) return;
    pairs_.RemoveOne(pair);
    neighbours_.Remove(user, item);
    // What a warm start's snapshot has learnt is without it already.
    if (interaction.sequence > warm_through_) {
      undone->push_back({pair, user, item});
    }
    return;
  }
  if (!std::isfinite(interaction.weight) || interaction.weight <= 0) return;
  HeldPair taken;
  taken.user = user;
  taken.item = item;
  taken.weight = std::min(interaction.weight, model::kMaxInteractionWeight);
  taken.sequence = interaction.sequence;
  if (held_.Holds(user, item)) {
    held_.SetWeight(user, item, taken.weight);
  } else if (waits) {
    first->second.weight = taken.weight;
  } else if (pairs_.Contains(user, item)) {
    pairs_.Add(user, item, taken.weight);
  } else if (interaction.sequence <= warm_through_) {
    pairs_.Add(user, item, taken.weight);
    neighbours_.AddKnown(user, item);
    sampler_.AppendLearnt(1);
  } else if (KnowsRowsOf(user, item)) {
    if (ask) query_meter_.Ask(user, item, user_learnt_[user]);
    AddPair(taken);
  } else if (NumPairsOf(user) > 0 && MayBeHeld(user, item)) {
    taken.recent = query_meter_.RecentBefore(user, interaction.time_ms);
    Hold(std::move(taken));
  } else if (first == first_pairs_.end() && MayBeHeld(user, item)) {
    first_pairs_[user] = std::move(taken);
  } else {
    AddPair(taken);
    HoldFirstOf(user);
  }
  query_meter_.Add(user, item, interaction.time_ms);
}

uint32_t OnlineFit::NumPairsOf(uint32_t user) const {
  const std::vector<uint32_t>& degrees = pairs_.user_degree();
  return user < degrees.size() ? degrees[user] : 0;
}

bool OnlineFit::MayBeHeld(uint32_t user, uint32_t item) const {
  return loads_ && IsYoung() && HeldPairs::IsCandidate(user, item) &&
         item < pairs_.item_popularity().size() &&
         pairs_.item_popularity()[item] > 0 &&
         HeldPairs::RoomFor(pairs_.live(), 1) > 0;
}

// Many files have what is most popular first. If no first pair were held, the
// others would say that popularity counts for little; and a user with nothing
// but a held pair would have no row. So a first pair waits for another one of
// the same load.
void OnlineFit::HoldFirstOf(uint32_t user) {
  const auto found = first_pairs_.find(user);
  if (found == first_pairs_.end()) return;
  HeldPair pair = std::move(found->second);
  first_pairs_.erase(found);
  Hold(std::move(pair));
}

void OnlineFit::Hold(HeldPair pair) {
  std::vector<HeldPair> released;
  // No more than so many are ranked beside it, however many there are.
  const size_t items =
      std::min(pairs_.items_present().size(), QueryMeter::kMaxRowsForHeld);
  const size_t room = HeldPairs::RoomFor(pairs_.live(), items);
  held_.Offer(std::move(pair), room, &released);
  for (const HeldPair& other : released) AddLatePair(other);
}

void OnlineFit::AddPair(const HeldPair& pair) {
  pairs_.Add(pair.user, pair.item, pair.weight);
  neighbours_.Add(pair.user, pair.item);
  ++fresh_;
}

void OnlineFit::AddLatePair(const HeldPair& pair) {
  late_pairs_[pairs_.size()] = pair.sequence - 1;
  AddPair(pair);
}

void OnlineFit::MarkAbsorbed() {
  const model::Sequence marked =
      marks_.empty() ? trained_through_ : marks_.back().sequence;
  if (absorbed_through_ > marked) {
    marks_.push_back({pairs_.size(), absorbed_through_});
    // What comes next is behind all that was before the first of them.
    if (young_marks_.empty()) young_marks_.push_back({0, marked});
    young_marks_.push_back(marks_.back());
    if (young_marks_.size() > kManyMarks) ForgetOldMarks();
  }
  // Nothing to learn from (repeats) is learnt at once.
  PassMarks();
}

void OnlineFit::PassMarks() {
  while (!marks_.empty() && marks_.front().pairs <= sampler_.learnt_prefix()) {
    trained_through_ = marks_.front().sequence;
    marks_.pop_front();
  }
}

bool OnlineFit::KnowsRowsOf(uint32_t user, uint32_t item) const {
  // A row that is still on its way to what it has been told would make all that
  // is beside it look better than it is.
  return user < user_learnt_.size() && item < item_learnt_.size() &&
         user_learnt_[user] > 0 && item_learnt_[item] > 0 &&
         user_visits_[user] >=
             static_cast<float>(PairSampler::kYoungVisits * user_learnt_[user]);
}

// A pair that the warm start's snapshot has learnt.
void OnlineFit::CountAsLearnt(uint32_t pair) {
  if (pairs_.IsRemoved(pair)) return;
  const uint32_t user = pairs_.user(pair);
  const uint32_t item = pairs_.item(pair);
  visits_ += warm_passes_;
  user_visits_[user] += static_cast<float>(warm_passes_);
  item_visits_[item] += static_cast<float>(warm_passes_);
  UpdateRate(pairs_.user_degree()[user], &user_visits_[user],
             &user_rate_[user]);
  UpdateRate(pairs_.item_popularity()[item], &item_visits_[item],
             &item_rate_[item]);
}

void OnlineFit::Unlearn(const std::vector<Undone>& undone,
                        const model::Interactions& interactions) {
  if (undone.empty()) return;
  absl::btree_set<uint32_t> users;
  const std::vector<bool> visited = sampler_.Visited();
  for (const auto& [pair, user, item] : undone) {
    if (!visited[pair]) continue;
    // Each pair of a row has had the same share of its visits.
    const auto forget_one = [](uint32_t* learnt, float* visits) {
      if (*learnt == 0) return;
      *visits -= *visits / static_cast<float>(*learnt);
      --*learnt;
    };
    forget_one(&user_learnt_[user], &user_visits_[user]);
    forget_one(&item_learnt_[item], &item_visits_[item]);
    item_renewal_.Note(item, 1);
    users.insert(user);
  }
  for (const uint32_t user : users) {
    RestartUser(user, visited, interactions);
  }
}

void OnlineFit::RestartUser(uint32_t user, const std::vector<bool>& visited,
                            const model::Interactions& interactions) {
  user_renewal_.Forget(user);
  if (user_learnt_[user] == 0) {
    user_visits_[user] = 0;
    user_loss_[user] = 0;
    return;
  }
  if (user_learnt_[user] > kRestartPairs) {
    user_renewal_.Note(user, 1);
    return;
  }
  std::vector<model::HistoryEntry> history;
  interactions.CopyHistory(user, model::Interactions::kMaxHistory, &history);
  std::vector<uint32_t> left;
  for (const model::HistoryEntry& entry : history) {
    const uint32_t pair = pairs_.NumberOf(user, entry.item);
    if (pair != PositivePairs::kRemoved && visited[pair]) {
      left.push_back(pair);
    }
  }
  if (left.empty()) return;
  // Whatever the order of the history.
  std::sort(left.begin(), left.end());
  std::vector<uint32_t> items;
  for (const uint32_t pair : left) items.push_back(pairs_.item(pair));
  const auto dim = static_cast<size_t>(learner_->dim());
  std::vector<float> rows(items.size() * dim);
  learner_->GetRows(Side::kItems, items, rows.data());
  std::vector<float> sum(dim, 0.0f);
  for (size_t k = 0; k < rows.size(); ++k) sum[k % dim] += rows[k];
  if (!model::Normalise(&sum)) return;
  learner_->SetRows(Side::kUsers, {user}, sum.data());
  user_visits_[user] = 0;
  UpdateRate(pairs_.user_degree()[user], &user_visits_[user],
             &user_rate_[user]);
  sampler_.MakeYoung(left);
}

bool OnlineFit::IsYoung() const { return Passes() < kHeldUntil * Horizon(); }

void OnlineFit::AskHeldIfDue() {
  static_assert(std::size(kAskHeldAt) == kTimesHeldIsAsked);
  if (held_.empty()) return;
  if (pairs_.size() > kAskAnewAt * held_asked_at_) held_asked_ = 0;
  const bool last = !IsYoung();
  if (!last && Passes() < kAskHeldAt[held_asked_] * Horizon()) return;
  query_meter_.AskHeld(
      last ? held_.pairs() : SomeOf(held_.pairs(), kAskedEarly), Knowledge());
  // The first time rows know too little, and at the last they move no more.
  if (held_asked_ == 0) held_from_age_ = Passes() / Horizon();
  if (!last && held_asked_ > 0 && held_from_age_ < kOldestToAdjust) {
    AdjustTau0();
  }
  held_asked_at_ = pairs_.size();
  if (!last) {
    ++held_asked_;
    return;
  }
  held_asked_ = 0;
  fresh_ = 0;
  for (const HeldPair& pair : held_.TakeAll()) AddLatePair(pair);
  sampler_.Append(fresh_);
  GrowToPairs();
}

void OnlineFit::AdjustTau0() {
  const double scale = query_meter_.LikeliestScale(
      SomeOf(held_.pairs(), kAskedForTau0), Knowledge(),
      [this](uint32_t user) { return TemperatureOf(user); });
  if (scale > 0) {
    tau0_factor_ = MovedTau0Factor(tau0_factor_, scale, Passes() / Horizon());
  }
}

model::Sequence OnlineFit::SequenceBefore(uint32_t pair) const {
  const auto late = late_pairs_.find(pair);
  if (late != late_pairs_.end()) return late->second;
  const auto after = std::upper_bound(
      young_marks_.begin(), young_marks_.end(), pair,
      [](uint32_t number, const Mark& mark) { return number < mark.pairs; });
  // Of those that are forgotten nothing is known but that they are old.
  return after == young_marks_.begin() ? 0 : std::prev(after)->sequence;
}

void OnlineFit::ForgetOldMarks() {
  std::vector<uint32_t> young;
  sampler_.CopyYoung(&young);
  uint32_t first = sampler_.learnt_prefix();
  for (const uint32_t pair : young) first = std::min(first, pair);
  while (young_marks_.size() > 1 && young_marks_[1].pairs <= first) {
    young_marks_.pop_front();
  }
  late_pairs_.erase(late_pairs_.begin(), late_pairs_.lower_bound(first));
}

void OnlineFit::FillBehind(model::Snapshot* snapshot) const {
  std::vector<uint32_t> young;
  sampler_.CopyYoung(&young);
  const auto fall_behind = [&](uint32_t user, model::Sequence row_through) {
    if (user >= snapshot->users.rows || user_learnt_[user] == 0) return;
    snapshot->user_behind.resize(snapshot->users.rows, 0);
    uint32_t& behind = snapshot->user_behind[user];
    behind = std::max(behind, model::Behind(trained_through_, row_through));
  };
  for (const uint32_t pair : young) {
    if (!pairs_.IsRemoved(pair)) {
      fall_behind(pairs_.user(pair), SequenceBefore(pair));
    }
  }
  for (const auto& [pair, before] : late_pairs_) {
    const bool may_be_unvisited = pair >= sampler_.learnt_prefix();
    if (may_be_unvisited && !pairs_.IsRemoved(pair)) {
      fall_behind(pairs_.user(pair), before);
    }
  }
  for (const HeldPair& pair : held_.pairs()) {
    fall_behind(pair.user, pair.sequence - 1);
  }
}

void OnlineFit::Forget(const std::vector<uint32_t>& users,
                       const std::vector<uint32_t>& items) {
  const absl::flat_hash_set<uint32_t> gone_users(users.begin(), users.end());
  const absl::flat_hash_set<uint32_t> gone_items(items.begin(), items.end());
  // Those of the open window among them: they have been counted.
  const std::vector<bool> visited = sampler_.Visited();
  pairs_.Remove(gone_users, gone_items, [&](uint32_t pair) {
    if (!visited[pair]) return;
    uint32_t& of_user = user_learnt_[pairs_.user(pair)];
    uint32_t& of_item = item_learnt_[pairs_.item(pair)];
    if (of_user > 0) --of_user;
    if (of_item > 0) --of_item;
  });
  negatives_.Remove(gone_items);
  held_.Forget(gone_users, gone_items);
  neighbours_.Forget(gone_users, gone_items, pairs_);
  recent_known_ = false;
  const std::vector<float> zero(static_cast<size_t>(learner_->dim()), 0.0f);
  for (const Side side : {Side::kUsers, Side::kItems}) {
    const bool is_user = side == Side::kUsers;
    const auto& gone = is_user ? gone_users : gone_items;
    std::vector<uint32_t>& counts = is_user ? user_learnt_ : item_learnt_;
    for (const uint32_t row : gone) {
      if (row >= learner_->rows(side)) continue;
      std::vector<float> values(zero.size());
      learner_->GetRows(side, {row}, values.data());
      const bool started = values != zero;
      size_t& count = is_user ? users_started_ : items_started_;
      if (started && count > 0) --count;
      learner_->SetRows(side, {row}, zero.data());
      counts[row] = 0;
      (is_user ? user_visits_ : item_visits_)[row] = 0;
      (is_user ? user_renewal_ : item_renewal_).Forget(row);
      if (is_user) user_loss_[row] = 0;
    }
  }
}

}  // namespace taud::trainer
