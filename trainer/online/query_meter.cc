#include "trainer/online/query_meter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "model/check.h"
#include "model/unit_norm.h"
#include "query/query_weights.h"
#include "trainer/evaluation/evaluation.h"
#include "trainer/kernels/matrix_kernels.h"
#include "trainer/kernels/vector_kernels.h"

namespace taud::trainer {
namespace {

// Between two looks whether it is known already what is gained.
constexpr size_t kLookEvery = 256;

// Every so many-th of `count` things, so that there are no more than `most`.
size_t StepFor(size_t count, size_t most) {
  return std::max<size_t>(1, (count + most - 1) / most);
}

uint32_t SecondOf(int64_t time_ms) {
  constexpr int64_t kLast = std::numeric_limits<uint32_t>::max();
  return static_cast<uint32_t>(std::clamp<int64_t>(time_ms / 1000, 0, kLast));
}

model::Matrix RowsOf(const MfLearner& learner, Side side,
                     const std::vector<uint32_t>& rows) {
  model::Matrix values(rows.size(), static_cast<size_t>(learner.dim()));
  learner.GetRows(side, rows, values.values.data());
  return values;
}

std::vector<float> Mean(const model::Matrix& rows) {
  return query::MeanRow(rows, std::vector<uint32_t>(rows.rows, 1));
}

}  // namespace

template <size_t N>
std::vector<double> QueryMeter::GainsOf(const std::array<double, N>& better,
                                        const World& world) {
  std::vector<double> gains;
  for (const double count : better) {
    const double rank = 1 + count * world.each;
    const bool counts = world.last_rank == 0 || rank <= world.last_rank;
    gains.push_back(counts ? GainOfRank(rank) : 0);
  }
  return gains;
}

template <size_t N>
bool QueryMeter::AllBehind(const std::array<double, N>& better,
                           const World& world) {
  const double least = *std::min_element(better.begin(), better.end());
  return world.last_rank > 0 && 1 + least * world.each > world.last_rank;
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
  const World world = Gather(knowledge, kMaxRows);
  ForEachQuery(questions_, knowledge, world,
               [&](const Question& question, const Query& query) {
                 const std::vector<double> neighbours =
                     NeighbourGains(question, query, knowledge, world);
                 choice_.Note(PairGains(question, query, knowledge, world));
                 neighbour_choice_.Note(neighbours);
               });
  questions_.clear();
}

void QueryMeter::AskHeld(const std::vector<HeldPair>& held,
                         const Knowledge& knowledge) {
  const auto dim = static_cast<size_t>(knowledge.learner.dim());
  World world =
      Gather(knowledge, std::min(kMaxRowsForHeld, kMaxValuesForHeld / dim));
  world.last_rank = kLastRank;
  std::vector<Question> questions;
  for (const HeldPair& pair : held) {
    if (pair.user >= knowledge.user_learnt.size() ||
        knowledge.user_learnt[pair.user] == 0 ||
        pair.item >= knowledge.item_learnt.size() ||
        knowledge.item_learnt[pair.item] == 0) {
      continue;
    }
    questions.push_back(
        {pair.user, pair.item, knowledge.user_learnt[pair.user], pair.recent});
  }
  std::vector<std::vector<double>> pairs;
  ForEachQuery(questions, knowledge, world,
               [&](const Question& question, const Query& query) {
                 pairs.push_back(PairGains(question, query, knowledge, world));
               });
  choice_.BeginWith(pairs);
  // Behind it: with the pair of weights that was chosen.
  std::vector<std::vector<double>> neighbours;
  ForEachQuery(questions, knowledge, world,
               [&](const Question& question, const Query& query) {
                 neighbours.push_back(
                     NeighbourGains(question, query, knowledge, world));
               });
  neighbour_choice_.BeginWith(neighbours);
}

template <class Visit>
void QueryMeter::ForEachQuery(const std::vector<Question>& questions,
                              const Knowledge& knowledge, const World& world,
                              const Visit& visit) {
  const auto dim = static_cast<size_t>(knowledge.learner.dim());
  const auto panel = static_cast<size_t>(kPackedRows);
  const auto narrow = static_cast<int64_t>(dim);
  for (size_t begin = 0; begin < questions.size(); begin += kBlock) {
    const size_t end = std::min(questions.size(), begin + kBlock);
    std::vector<Query> queries;
    block_.clear();
    for (size_t k = begin; k < end; ++k) {
      queries.push_back(QueryOf(questions[k], knowledge, world));
      const Query& query = queries.back();
      block_.insert(block_.end(), query.user.Row(0), query.user.Row(0) + dim);
      block_.insert(block_.end(), query.taste.begin(), query.taste.end());
    }
    const size_t rows = block_.size() / dim;
    scores_.assign(rows * world.padded, 0.0f);
    for (size_t j = 0; j < world.padded; j += panel) {
      MultiplyInto(static_cast<int64_t>(rows), kPackedRows, narrow,
                   {block_.data(), narrow, 1}, &world.panels[j * dim],
                   kPackedRows, scores_.data() + j,
                   static_cast<int64_t>(world.padded));
    }
    const float* next = scores_.data();
    const auto take = [&] { return std::exchange(next, next + world.padded); };
    for (size_t k = begin; k < end; ++k) {
      Query& query = queries[k - begin];
      query.by_row = take();
      if (!query.taste.empty()) query.by_taste = take();
      visit(questions[k], query);
    }
  }
}

QueryMeter::World QueryMeter::Gather(const Knowledge& knowledge,
                                     size_t most_items) const {
  const MfLearner& learner = knowledge.learner;
  const std::vector<uint32_t>& user_learnt = knowledge.user_learnt;
  const std::vector<uint32_t>& item_learnt = knowledge.item_learnt;
  const std::vector<uint32_t>& present = knowledge.pairs.items_present();
  TAUD_CHECK(item_learnt.size() >= knowledge.pairs.item_popularity().size());
  TAUD_CHECK(learner.rows(Side::kItems) >= item_learnt.size());
  TAUD_CHECK(learner.rows(Side::kUsers) >= user_learnt.size());
  const size_t dim = static_cast<size_t>(learner.dim());
  World world;
  world.mean_popularity = std::max(
      1.0, static_cast<double>(knowledge.pairs.live()) /
               std::max<double>(1, static_cast<double>(present.size())));
  // Another part of a large catalogue each time.
  const size_t step = StepFor(present.size(), most_items);
  world.each = static_cast<double>(step);
  for (size_t i = knowledge.pairs.size() % step; i < present.size();
       i += step) {
    if (item_learnt[present[i]] > 0) world.items.push_back(present[i]);
  }
  model::Matrix rows = RowsOf(learner, Side::kItems, world.items);
  world.item_mean = Mean(rows);

  std::vector<uint32_t> users;
  const size_t user_step = StepFor(user_learnt.size(), kMaxRows);
  for (size_t u = knowledge.pairs.size() % user_step; u < user_learnt.size();
       u += user_step) {
    if (user_learnt[u] > 0) users.push_back(static_cast<uint32_t>(u));
  }
  world.common_taste = Mean(RowsOf(learner, Side::kUsers, users));
  if (!model::Normalise(&world.common_taste)) world.common_taste.assign(dim, 0);
  for (size_t i = 0; i < world.items.size(); ++i) {
    world.neighbour_factors.push_back(
        NeighbourFactors(knowledge.pairs.item_popularity()[world.items[i]],
                         world.mean_popularity));
    world.by_common_taste.push_back(Dot(world.common_taste.data(), rows.Row(i),
                                        static_cast<int64_t>(dim)));
  }
  const auto panel = static_cast<size_t>(kPackedRows);
  world.padded = (world.items.size() + panel - 1) / panel * panel;
  rows.values.resize(world.padded * dim, 0.0f);
  world.panels.resize(world.padded * dim);
  PackTransposed(rows.values.data(), static_cast<int64_t>(world.padded),
                 static_cast<int64_t>(dim), world.panels.data());
  return world;
}

std::vector<float> QueryMeter::StrengthsFor(const Question& question,
                                            const Knowledge& knowledge,
                                            const World& world) {
  std::vector<float> found(world.items.size() + 1, 0.0f);
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
  for (size_t i = 0; i < world.items.size(); ++i) found[i] = of(world.items[i]);
  found.back() = of(question.item);
  for (const auto& [item, strength] : strengths) strengths_[item] = 0;
  return found;
}

QueryMeter::Query QueryMeter::QueryOf(const Question& question,
                                      const Knowledge& knowledge,
                                      const World& world) const {
  const MfLearner& learner = knowledge.learner;
  const auto dim = static_cast<int64_t>(learner.dim());
  std::vector<uint32_t> items = {question.item};
  std::vector<query::RecentItem> recent;
  for (const query::RecentItems::Entry& entry : question.recent) {
    if (entry.item >= knowledge.item_learnt.size() ||
        knowledge.item_learnt[entry.item] == 0) {
      continue;
    }
    items.push_back(entry.item);
    recent.push_back({nullptr, entry.second});
  }
  const model::Matrix rows = RowsOf(learner, Side::kItems, items);
  for (size_t k = 0; k < recent.size(); ++k) recent[k].row = rows.Row(k + 1);
  std::vector<float> taste;
  query::RecentTaste(recent, world.item_mean, &taste);
  Query found;
  found.user = RowsOf(learner, Side::kUsers, {question.user});
  found.share = 1.0f / static_cast<float>(question.degree);
  found.own = {Dot(found.user.Row(0), rows.Row(0), dim),
               Dot(taste.data(), rows.Row(0), dim),
               found.share * Dot(world.common_taste.data(), rows.Row(0), dim)};
  // The query as it is served, for what is added to its cosine.
  const query::QueryWeights chosen = weights();
  double square = 0;
  for (size_t c = 0; c < taste.size(); ++c) {
    const double q =
        double{found.user.Row(0)[c]} +
        double{chosen.recent} * double{taste[c]} +
        double{chosen.prior * found.share} * double{world.common_taste[c]};
    square += q * q;
  }
  found.norm = static_cast<float>(std::sqrt(square));
  if (!recent.empty()) found.taste = std::move(taste);
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
                                          const Query& query,
                                          const Knowledge& knowledge,
                                          const World& world) const {
  std::array<double, query::kWeightPairs> better = {};
  for (size_t i = 0; i < world.items.size(); ++i) {
    if (i % kLookEvery == 0 && AllBehind(better, world)) break;
    const auto [row, taste, common] = AheadOf(query, world, i);
    // Most items are nowhere near, whatever the weights.
    const float most = row +
                       query::kRecentWeights.back() * std::max(taste, 0.0f) +
                       query::kPriors.back() * std::max(common, 0.0f);
    if (most <= 0 || !IsRival(world.items[i], question, knowledge)) continue;
    for (size_t pair = 0; pair < better.size(); ++pair) {
      const query::QueryWeights tried = query::WeightsAt(pair);
      if (row + tried.recent * taste + tried.prior * common > 0) {
        better[pair] += 1;
      }
    }
  }
  return GainsOf(better, world);
}

std::vector<double> QueryMeter::NeighbourGains(const Question& question,
                                               const Query& query,
                                               const Knowledge& knowledge,
                                               const World& world) {
  const std::vector<float> strengths = StrengthsFor(question, knowledge, world);
  const query::QueryWeights chosen = weights();
  // |q| · λ · ĝ · (D / D̄)^p of the question's item, by way.
  ByWay own_added = NeighbourFactors(
      knowledge.pairs.item_popularity()[question.item], world.mean_popularity);
  for (float& added : own_added) added *= query.norm * strengths.back();
  std::array<double, query::kNeighbourWays.size()> better = {};
  for (size_t i = 0; i < world.items.size(); ++i) {
    if (i % kLookEvery == 0 && AllBehind(better, world)) break;
    const auto [row, taste, common] = AheadOf(query, world, i);
    const float by_query = row + chosen.recent * taste + chosen.prior * common;
    if (by_query <= 0 && strengths[i] == 0) continue;
    if (!IsRival(world.items[i], question, knowledge)) continue;
    const float strength = query.norm * strengths[i];
    for (size_t way = 0; way < better.size(); ++way) {
      const float added = strength * world.neighbour_factors[i][way];
      if (by_query + added - own_added[way] > 0) better[way] += 1;
    }
  }
  return GainsOf(better, world);
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
