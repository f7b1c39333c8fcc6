#include "store/log/retraction.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace taud::store {
namespace {

using Pair = model::Interactions::Pair;

// The pair that a retraction is about, and the position of the one interaction
// that it names, if it names one.
struct Target {
  Pair pair;
  bool all = true;
  size_t position = 0;
};

absl::Status NotFound(size_t at, const std::string& what) {
  return absl::NotFoundError(absl::StrCat("retractions[", at, "].", what,
                                          ": there is nothing to take back"));
}

absl::StatusOr<Target> FindTarget(const Retraction& retraction, size_t at,
                                  model::Sequence sequence,
                                  const model::State& state) {
  Target target;
  if (!retraction.user_id.empty()) {
    const auto user = state.users.Find(retraction.user_id);
    const auto item = state.items.Find(retraction.item_id);
    if (!user.has_value() || !item.has_value()) {
      return NotFound(
          at,
          absl::StrCat("pair: user \"", absl::CHexEscape(retraction.user_id),
                       "\" and item \"", absl::CHexEscape(retraction.item_id),
                       "\" are not both known"));
    }
    target.pair = {*user, *item};
    return target;
  }
  const std::string named =
      retraction.event_id.empty()
          ? absl::StrCat("sequence: ", retraction.sequence)
          : absl::StrCat("event_id: \"", absl::CHexEscape(retraction.event_id),
                         "\"");
  if (sequence == 0) return NotFound(at, absl::StrCat(named, " is unknown"));
  target.all = false;
  target.position = state.interactions.PositionAfter(sequence - 1);
  if (target.position >= state.interactions.size()) {
    return NotFound(at, absl::StrCat(named, " is not in the log"));
  }
  const model::Interaction found = state.interactions.At(target.position);
  if (found.sequence != sequence || model::Interactions::IsErased(found) ||
      found.kind == model::InteractionKind::kRetract) {
    return NotFound(at, absl::StrCat(named, " is not in the log"));
  }
  target.pair = {found.user, found.item};
  return target;
}

NewInteraction Named(const model::State& state, const Pair& pair) {
  NewInteraction named;
  const model::Dictionary::NamesLock users(state.users);
  const model::Dictionary::NamesLock items(state.items);
  named.user_id = std::string(state.users.Name(pair.first));
  named.item_id = std::string(state.items.Name(pair.second));
  return named;
}

}  // namespace

absl::StatusOr<RetractionPlan> PlanRetractions(
    const std::vector<Retraction>& retractions,
    const std::vector<model::Sequence>& sequences, const model::State& state,
    int64_t now_ms) {
  std::vector<Target> targets;
  std::vector<Pair> pairs;
  for (size_t i = 0; i < retractions.size(); ++i) {
    const model::Sequence sequence =
        retractions[i].sequence > 0 ? retractions[i].sequence : sequences[i];
    auto target = FindTarget(retractions[i], i, sequence, state);
    if (!target.ok()) return target.status();
    targets.push_back(*target);
    pairs.push_back(target->pair);
  }
  const auto positions = state.interactions.PositionsOf(pairs);
  std::map<Pair, std::set<size_t>> gone;
  for (size_t i = 0; i < targets.size(); ++i) {
    const std::vector<size_t>& of_pair = positions.at(targets[i].pair);
    std::set<size_t>& its = gone[targets[i].pair];
    if (targets[i].all) {
      its.insert(of_pair.begin(), of_pair.end());
    } else if (std::binary_search(of_pair.begin(), of_pair.end(),
                                  targets[i].position)) {
      its.insert(targets[i].position);
    } else {
      return NotFound(i, "sequence: it was taken back before");
    }
    if (of_pair.empty())
      return NotFound(i, "pair: the user did nothing with it");
  }
  RetractionPlan plan;
  std::map<Pair, size_t> last_of;
  for (const auto& [pair, its] : gone) {
    NewInteraction retract = Named(state, pair);
    retract.kind = model::InteractionKind::kRetract;
    retract.time_ms = now_ms;
    plan.interactions.push_back(retract);
    plan.taken_back += its.size();
    for (const size_t position : positions.at(pair)) {
      if (its.count(position) > 0) continue;
      const model::Interaction stays = state.interactions.At(position);
      NewInteraction again = retract;
      again.kind = stays.kind;
      again.time_ms = stays.time_ms;
      again.weight = stays.weight;
      plan.interactions.push_back(again);
    }
    last_of[pair] = plan.interactions.size() - 1;
  }
  for (const Target& target : targets) {
    plan.last_of.push_back(last_of.at(target.pair));
  }
  return plan;
}

}  // namespace taud::store
