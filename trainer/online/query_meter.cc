#include "trainer/online/query_meter.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "model/check.h"
#include "model/unit_norm.h"
#include "query/query_weights.h"
#include "trainer/evaluation/evaluation.h"
#include "trainer/kernels/vector_kernels.h"

namespace taud::trainer {
namespace {

// Every so many-th of `count` things, so that there are no more than kMaxRows.
size_t StepFor(size_t count) {
  return std::max<size_t>(
      1, (count + QueryMeter::kMaxRows - 1) / QueryMeter::kMaxRows);
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

void QueryMeter::Add(uint32_t user, uint32_t item, int64_t time_ms) {
  constexpr int64_t kLast = std::numeric_limits<uint32_t>::max();
  recent_.Add(
      user, item,
      static_cast<uint32_t>(std::clamp<int64_t>(time_ms / 1000, 0, kLast)));
}

std::vector<query::RecentItems::Entry> QueryMeter::RecentOf(
    uint32_t user) const {
  std::vector<query::RecentItems::Entry> recent;
  recent_.Copy(user, &recent);
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

void QueryMeter::Answer(const MfLearner& learner, const PositivePairs& pairs,
                        const std::vector<uint32_t>& user_learnt,
                        const std::vector<uint32_t>& item_learnt) {
  if (questions_.empty()) return;
  TAUD_CHECK(item_learnt.size() >= pairs.item_popularity().size());
  TAUD_CHECK(learner.rows(Side::kItems) >= item_learnt.size());
  TAUD_CHECK(learner.rows(Side::kUsers) >= user_learnt.size());
  const World world = Gather(learner, pairs, user_learnt, item_learnt);
  for (const Question& question : questions_) {
    choice_.Note(GainsOf(question, learner, pairs, item_learnt, world));
  }
  questions_.clear();
}

void QueryMeter::AskHeld(const std::vector<HeldPair>& held,
                         const MfLearner& learner, const PositivePairs& pairs,
                         const std::vector<uint32_t>& user_learnt,
                         const std::vector<uint32_t>& item_learnt) {
  TAUD_CHECK(learner.rows(Side::kItems) >= item_learnt.size());
  TAUD_CHECK(learner.rows(Side::kUsers) >= user_learnt.size());
  const World world = Gather(learner, pairs, user_learnt, item_learnt);
  std::vector<query::QueryGains> together;
  for (const HeldPair& pair : held) {
    if (pair.user >= user_learnt.size() || user_learnt[pair.user] == 0 ||
        pair.item >= item_learnt.size() || item_learnt[pair.item] == 0) {
      continue;
    }
    Question question;
    question.user = pair.user;
    question.item = pair.item;
    question.degree = user_learnt[pair.user];
    question.recent = pair.recent;
    together.push_back(GainsOf(question, learner, pairs, item_learnt, world));
  }
  choice_.BeginWith(together);
}

QueryMeter::World QueryMeter::Gather(
    const MfLearner& learner, const PositivePairs& pairs,
    const std::vector<uint32_t>& user_learnt,
    const std::vector<uint32_t>& item_learnt) const {
  const std::vector<uint32_t>& present = pairs.items_present();
  const size_t dim = static_cast<size_t>(learner.dim());
  World world;
  // Another part of a large catalogue each time.
  const size_t step = StepFor(present.size());
  world.each = static_cast<double>(step);
  for (size_t i = pairs.size() % step; i < present.size(); i += step) {
    if (item_learnt[present[i]] > 0) world.items.push_back(present[i]);
  }
  world.rows = RowsOf(learner, Side::kItems, world.items);
  world.item_mean = Mean(world.rows);

  std::vector<uint32_t> users;
  const size_t user_step = StepFor(user_learnt.size());
  for (size_t u = pairs.size() % user_step; u < user_learnt.size();
       u += user_step) {
    if (user_learnt[u] > 0) users.push_back(static_cast<uint32_t>(u));
  }
  world.common_taste = Mean(RowsOf(learner, Side::kUsers, users));
  if (!model::Normalise(&world.common_taste)) world.common_taste.assign(dim, 0);
  return world;
}

query::QueryGains QueryMeter::GainsOf(const Question& question,
                                      const MfLearner& learner,
                                      const PositivePairs& pairs,
                                      const std::vector<uint32_t>& item_learnt,
                                      const World& world) const {
  const auto dim = static_cast<int64_t>(learner.dim());
  std::vector<uint32_t> items = {question.item};
  std::vector<query::RecentItem> recent;
  for (const query::RecentItems::Entry& entry : question.recent) {
    if (entry.item >= item_learnt.size() || item_learnt[entry.item] == 0) {
      continue;
    }
    items.push_back(entry.item);
    recent.push_back({nullptr, entry.second});
  }
  const model::Matrix rows = RowsOf(learner, Side::kItems, items);
  for (size_t k = 0; k < recent.size(); ++k) recent[k].row = rows.Row(k + 1);
  std::vector<float> taste;
  query::RecentTaste(recent, world.item_mean, &taste);
  const model::Matrix user = RowsOf(learner, Side::kUsers, {question.user});
  const float share = 1.0f / static_cast<float>(question.degree);

  // By how much a row is ahead of the question's item, by each part.
  const auto parts = [&](const float* row) {
    return std::array<float, 3>{
        Dot(user.Row(0), row, dim), Dot(taste.data(), row, dim),
        share * Dot(world.common_taste.data(), row, dim)};
  };
  const std::array<float, 3> own = parts(rows.Row(0));
  query::QueryGains better = {};
  for (size_t i = 0; i < world.items.size(); ++i) {
    std::array<float, 3> ahead = parts(world.rows.Row(i));
    for (size_t part = 0; part < ahead.size(); ++part) {
      ahead[part] -= own[part];
    }
    // Most items are nowhere near.
    if (std::max({ahead[0], ahead[1], ahead[2]}) <= 0) continue;
    const uint32_t item = world.items[i];
    if (item == question.item || pairs.Contains(question.user, item)) continue;
    for (size_t pair = 0; pair < query::kWeightPairs; ++pair) {
      const query::QueryWeights weights = query::WeightsAt(pair);
      if (ahead[0] + weights.recent * ahead[1] + weights.prior * ahead[2] > 0) {
        better[pair] += 1;
      }
    }
  }
  query::QueryGains gains;
  for (size_t pair = 0; pair < query::kWeightPairs; ++pair) {
    gains[pair] = GainOfRank(1 + better[pair] * world.each);
  }
  return gains;
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
