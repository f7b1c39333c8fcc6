#include "trainer/online/query_meter.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "query/query_weights.h"
#include "trainer/evaluation/evaluation.h"
#include "trainer/temperature/held_temperature.h"

namespace taud::trainer {
namespace {

constexpr uint32_t kNoPlace = ~uint32_t{0};

// Between two looks whether it is known already what is gained.
constexpr size_t kLookEvery = 256;

// Where the items stand, of those that stand anywhere: place_of [items].
std::vector<uint32_t> PlacesOf(const std::vector<uint32_t>& items,
                               const std::vector<uint32_t>& place_of) {
  std::vector<uint32_t> places;
  for (const uint32_t item : items) {
    if (place_of[item] != kNoPlace) places.push_back(place_of[item]);
  }
  return places;
}

uint32_t SecondOf(int64_t time_ms) {
  constexpr int64_t kLast = std::numeric_limits<uint32_t>::max();
  return static_cast<uint32_t>(std::clamp<int64_t>(time_ms / 1000, 0, kLast));
}

}  // namespace

template <size_t N>
std::vector<double> QueryMeter::GainsOf(const std::array<double, N>& better,
                                        const Rivals& rivals) {
  std::vector<double> gains;
  for (const double count : better) {
    const double rank = 1 + count * rivals.each;
    const bool counts = rivals.last_rank == 0 || rank <= rivals.last_rank;
    gains.push_back(counts ? GainOfRank(rank) : 0);
  }
  return gains;
}

template <size_t N>
bool QueryMeter::AllBehind(const std::array<double, N>& better,
                           const Rivals& rivals) {
  const double least = *std::min_element(better.begin(), better.end());
  return rivals.last_rank > 0 && 1 + least * rivals.each > rivals.last_rank;
}

bool QueryMeter::IsRival(uint32_t item, const Question& question,
                         const Knowledge& knowledge) {
  return item != question.item &&
         !knowledge.pairs.Contains(question.user, item);
}

void QueryMeter::Add(uint32_t user, uint32_t item, int64_t time_ms) {
  recent_.Add(user, item, SecondOf(time_ms));
}

std::vector<query::RecentItems::Entry> QueryMeter::RecentBefore(
    uint32_t user, int64_t time_ms) const {
  std::vector<query::RecentItems::Entry> recent;
  recent_.Copy(user, &recent);
  const uint32_t second = SecondOf(time_ms);
  recent.erase(std::remove_if(recent.begin(), recent.end(),
                              [&](const query::RecentItems::Entry& entry) {
                                return entry.second >= second;
                              }),
               recent.end());
  return recent;
}

void QueryMeter::Ask(uint32_t user, uint32_t item, uint32_t degree) {
  if (questions_.size() == kMaxQuestions) return;
  Question question;
  question.user = user;
  question.item = item;
  question.degree = degree;
  recent_.Copy(user, &question.recent);
  if (!question.recent.empty()) questions_.push_back(std::move(question));
}

void QueryMeter::Answer(const Knowledge& knowledge) {
  if (questions_.empty()) return;
  const Rivals rivals = GatherRivals(knowledge, kMaxRows, 0);
  scores_.ForEach(questions_, knowledge, rivals, weights(),
                  [&](const Question& question, const QuestionQuery& query) {
                    const std::vector<double> neighbours =
                        NeighbourGains(question, query, knowledge, rivals);
                    choice_.Note(PairGains(question, query, knowledge, rivals));
                    neighbour_choice_.Note(neighbours);
                  });
  questions_.clear();
}

void QueryMeter::AskHeld(const std::vector<HeldPair>& held,
                         const Knowledge& knowledge) {
  const auto dim = static_cast<size_t>(knowledge.learner.dim());
  const Rivals rivals = GatherRivals(
      knowledge, std::min(kMaxRowsForHeld, kMaxValuesForHeld / dim), kLastRank);
  const std::vector<Question> questions = QuestionsOf(held, knowledge);
  std::vector<std::vector<double>> pairs;
  scores_.ForEach(
      questions, knowledge, rivals, weights(),
      [&](const Question& question, const QuestionQuery& query) {
        pairs.push_back(PairGains(question, query, knowledge, rivals));
      });
  choice_.BeginWith(pairs);
  // Behind it: with the pair of weights that was chosen.
  std::vector<std::vector<double>> neighbours;
  scores_.ForEach(questions, knowledge, rivals, weights(),
                  [&](const Question& question, const QuestionQuery& query) {
                    neighbours.push_back(
                        NeighbourGains(question, query, knowledge, rivals));
                  });
  neighbour_choice_.BeginWith(neighbours);
}

double QueryMeter::LikeliestScale(
    const std::vector<HeldPair>& held, const Knowledge& knowledge,
    const std::function<float(uint32_t user)>& temperature_of) {
  const PositiveGraph& taken = knowledge.neighbours.graph();
  if (taken.num_users() == 0) return 0;
  const auto dim = static_cast<size_t>(knowledge.learner.dim());
  const World world = GatherWorld(
      knowledge, std::min(kMaxRowsForHeld, kMaxValuesForHeld / dim), kMaxRows);
  if (world.items.empty()) return 0;
  std::vector<uint32_t> place_of(knowledge.item_learnt.size(), kNoPlace);
  for (uint32_t i = 0; i < world.items.size(); ++i) {
    place_of[world.items[i]] = i;
  }
  HeldLikelihood likelihood;
  const std::vector<Question> questions = QuestionsOf(held, knowledge);
  absl::flat_hash_map<uint32_t, uint32_t> num_of;
  for (const Question& question : questions) ++num_of[question.user];
  scores_.ForEach(questions, knowledge, world, weights(),
                  [&](const Question& question, const QuestionQuery& query) {
                    const float temperature = temperature_of(question.user);
                    if (temperature <= 0) return;
                    std::vector<uint32_t> own = taken.items_of(question.user);
                    own.push_back(question.item);
                    own = PlacesOf(own, place_of);
                    // Of users with many pairs as many are held as of others:
                    // each stands for its share of its user's.
                    likelihood.Add(query.by_row, world.items.size(), world.each,
                                   own, query.own[0], temperature,
                                   static_cast<double>(question.degree) /
                                       num_of[question.user]);
                  });
  return likelihood.EffectivePairs() < kLeastHeldForTau0
             ? 0
             : likelihood.LikeliestScale();
}

QueryMeter::Rivals QueryMeter::GatherRivals(const Knowledge& knowledge,
                                            size_t most_items,
                                            double last_rank) {
  Rivals rivals(GatherWorld(knowledge, most_items, kMaxRows));
  rivals.last_rank = last_rank;
  for (const uint32_t item : rivals.items) {
    rivals.neighbour_factors.push_back(NeighbourFactors(
        knowledge.pairs.item_popularity()[item], rivals.mean_popularity));
  }
  return rivals;
}

std::vector<float> QueryMeter::StrengthsFor(const Question& question,
                                            const Knowledge& knowledge,
                                            const Rivals& rivals) {
  std::vector<float> found(rivals.items.size() + 1, 0.0f);
  const std::vector<uint32_t>& own =
      knowledge.neighbours.graph().items_of(question.user);
  const std::vector<uint32_t> history(own.rbegin(), own.rend());
  const std::vector<uint32_t>& popularity = knowledge.pairs.item_popularity();
  std::vector<query::NeighbourStrength> strengths;
  query::FindStrengths(knowledge.neighbours.lists(), popularity, history,
                       &scratch_, &strengths);
  if (strengths.empty()) return found;
  strengths_.resize(std::max(strengths_.size(), popularity.size()), 0.0f);
  for (const auto& [item, strength] : strengths) strengths_[item] = strength;
  const auto of = [this](uint32_t item) {
    return item < strengths_.size() ? strengths_[item] : 0.0f;
  };
  for (size_t i = 0; i < rivals.items.size(); ++i)
    found[i] = of(rivals.items[i]);
  found.back() = of(question.item);
  for (const auto& [item, strength] : strengths) strengths_[item] = 0;
  return found;
}

QueryMeter::ByWay QueryMeter::NeighbourFactors(uint32_t users,
                                               double mean_popularity) {
  ByWay factors = {};
  for (size_t way = 0; way < factors.size(); ++way) {
    const query::NeighbourWeights& weights = query::kNeighbourWays[way];
    factors[way] = weights.weight * query::PopularityFactor(
                                        users, mean_popularity, weights.power);
  }
  return factors;
}

std::vector<double> QueryMeter::PairGains(const Question& question,
                                          const QuestionQuery& query,
                                          const Knowledge& knowledge,
                                          const Rivals& rivals) const {
  std::array<double, query::kWeightPairs> better = {};
  for (size_t i = 0; i < rivals.items.size(); ++i) {
    if (i % kLookEvery == 0 && AllBehind(better, rivals)) break;
    const auto [row, taste, common] = query.AheadOf(rivals, i);
    // Most items are nowhere near, whatever the weights.
    const float most = row +
                       query::kRecentWeights.back() * std::max(taste, 0.0f) +
                       query::kPriors.back() * std::max(common, 0.0f);
    if (most <= 0 || !IsRival(rivals.items[i], question, knowledge)) continue;
    for (size_t pair = 0; pair < better.size(); ++pair) {
      const query::QueryWeights tried = query::WeightsAt(pair);
      if (row + tried.recent * taste + tried.prior * common > 0) {
        better[pair] += 1;
      }
    }
  }
  return GainsOf(better, rivals);
}

std::vector<double> QueryMeter::NeighbourGains(const Question& question,
                                               const QuestionQuery& query,
                                               const Knowledge& knowledge,
                                               const Rivals& rivals) {
  const std::vector<float> strengths =
      StrengthsFor(question, knowledge, rivals);
  const query::QueryWeights& serving = query.serving;
  // |q| · λ · ĝ · (D / D̄)^p of the question's item, by way.
  ByWay own_added = NeighbourFactors(
      knowledge.pairs.item_popularity()[question.item], rivals.mean_popularity);
  for (float& added : own_added) added *= query.norm * strengths.back();
  std::array<double, query::kNeighbourWays.size()> better = {};
  for (size_t i = 0; i < rivals.items.size(); ++i) {
    if (i % kLookEvery == 0 && AllBehind(better, rivals)) break;
    const auto [row, taste, common] = query.AheadOf(rivals, i);
    const float by_query =
        row + serving.recent * taste + serving.prior * common;
    if (by_query <= 0 && strengths[i] == 0) continue;
    if (!IsRival(rivals.items[i], question, knowledge)) continue;
    const float strength = query.norm * strengths[i];
    for (size_t way = 0; way < better.size(); ++way) {
      const float added = strength * rivals.neighbour_factors[i][way];
      if (by_query + added - own_added[way] > 0) better[way] += 1;
    }
  }
  return GainsOf(better, rivals);
}

void QueryMeter::Rebuild(const model::Interactions& interactions, size_t end) {
  recent_.Clear();
  interactions.ForEach(0, end, [this](const model::Interaction& one) {
    if (model::Interactions::IsErased(one)) return;
    if (IsPositive(one.kind)) {
      Add(one.user, one.item, one.time_ms);
    } else {
      Remove(one.user, one.item);
    }
  });
}

}  // namespace taud::trainer
