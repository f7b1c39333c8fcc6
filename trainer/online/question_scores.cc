#include "trainer/online/question_scores.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "model/check.h"
#include "model/unit_norm.h"
#include "trainer/kernels/matrix_kernels.h"
#include "trainer/kernels/vector_kernels.h"

namespace taud::trainer {
namespace {

// Questions that are scored at a time.
constexpr size_t kBlock = 32;

// Every so many-th of `count` things, so that there are no more than `most`.
size_t StepFor(size_t count, size_t most) {
  return std::max<size_t>(1, (count + most - 1) / most);
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

QuestionQuery QueryOf(const Question& question, const FitKnowledge& knowledge,
                      const World& world, const query::QueryWeights& serving) {
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
  QuestionQuery found;
  found.serving = serving;
  found.user = RowsOf(learner, Side::kUsers, {question.user});
  found.share = 1.0f / static_cast<float>(question.degree);
  found.own = {Dot(found.user.Row(0), rows.Row(0), dim),
               Dot(taste.data(), rows.Row(0), dim),
               found.share * Dot(world.common_taste.data(), rows.Row(0), dim)};
  // The query as it is served, for what is added to its cosine.
  double square = 0;
  for (size_t c = 0; c < taste.size(); ++c) {
    const double q =
        double{found.user.Row(0)[c]} +
        double{serving.recent} * double{taste[c]} +
        double{serving.prior * found.share} * double{world.common_taste[c]};
    square += q * q;
  }
  found.norm = static_cast<float>(std::sqrt(square));
  if (!recent.empty()) found.taste = std::move(taste);
  return found;
}

}  // namespace

std::vector<Question> QuestionsOf(const std::vector<HeldPair>& held,
                                  const FitKnowledge& knowledge) {
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
  return questions;
}

World GatherWorld(const FitKnowledge& knowledge, size_t most_items,
                  size_t most_users) {
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
  const size_t user_step = StepFor(user_learnt.size(), most_users);
  for (size_t u = knowledge.pairs.size() % user_step; u < user_learnt.size();
       u += user_step) {
    if (user_learnt[u] > 0) users.push_back(static_cast<uint32_t>(u));
  }
  world.common_taste = Mean(RowsOf(learner, Side::kUsers, users));
  if (!model::Normalise(&world.common_taste)) world.common_taste.assign(dim, 0);
  for (size_t i = 0; i < world.items.size(); ++i) {
    world.by_common_taste.push_back(
        Dot(world.common_taste.data(), rows.Row(i), static_cast<int64_t>(dim)));
  }
  const auto panel = static_cast<size_t>(kPackedRows);
  world.padded = (world.items.size() + panel - 1) / panel * panel;
  rows.values.resize(world.padded * dim, 0.0f);
  world.panels.resize(world.padded * dim);
  PackTransposed(rows.values.data(), static_cast<int64_t>(world.padded),
                 static_cast<int64_t>(dim), world.panels.data());
  return world;
}

void QuestionScores::ForEach(const std::vector<Question>& questions,
                             const FitKnowledge& knowledge, const World& world,
                             const query::QueryWeights& serving,
                             const Visit& visit) {
  const auto dim = static_cast<size_t>(knowledge.learner.dim());
  const auto panel = static_cast<size_t>(kPackedRows);
  const auto narrow = static_cast<int64_t>(dim);
  for (size_t begin = 0; begin < questions.size(); begin += kBlock) {
    const size_t end = std::min(questions.size(), begin + kBlock);
    std::vector<QuestionQuery> queries;
    block_.clear();
    for (size_t k = begin; k < end; ++k) {
      queries.push_back(QueryOf(questions[k], knowledge, world, serving));
      const QuestionQuery& query = queries.back();
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
      QuestionQuery& query = queries[k - begin];
      query.by_row = take();
      if (!query.taste.empty()) query.by_taste = take();
      visit(questions[k], query);
    }
  }
}

}  // namespace taud::trainer
