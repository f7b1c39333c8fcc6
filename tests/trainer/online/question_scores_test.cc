#include "trainer/online/question_scores.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

#include "model/unit_norm.h"
#include "trainer/kernels/vector_kernels.h"
#include "trainer/kernels/worker_pool.h"

namespace taud::trainer {
namespace {

// More questions than one block has, and items that fill no panel.
constexpr uint32_t kUsers = 75, kItems = 203;
constexpr int kDim = 24;

class QuestionScoresTest : public testing::Test {
 protected:
  QuestionScoresTest() : learner_(MakeCpuMf(kDim, &pool_)) {
    learner_->Grow(kUsers, kItems);
    SetRows(Side::kUsers, kUsers, &users_);
    SetRows(Side::kItems, kItems, &items_);
    for (uint32_t item = 0; item < kItems; ++item) pairs_.Add(999, item, 1);
    user_learnt_.assign(kUsers, 3);
    item_learnt_.assign(kItems, 1);
  }

  void SetRows(Side side, uint32_t count, std::vector<float>* values) {
    std::normal_distribution<float> normal;
    std::vector<uint32_t> rows;
    for (uint32_t r = 0; r < count; ++r) {
      std::vector<float> row(kDim);
      for (float& x : row) x = normal(random_);
      ASSERT_TRUE(model::Normalise(&row));
      rows.push_back(r);
      values->insert(values->end(), row.begin(), row.end());
    }
    learner_->SetRows(side, rows, values->data());
  }
  FitKnowledge Knowledge() const {
    return {*learner_, pairs_, user_learnt_, item_learnt_, neighbours_};
  }
  const float* User(uint32_t user) const { return &users_[user * kDim]; }
  const float* Item(uint32_t item) const { return &items_[item * kDim]; }

  std::mt19937 random_{3};
  WorkerPool pool_{1};
  std::unique_ptr<MfLearner> learner_;
  std::vector<float> users_, items_;
  PositivePairs pairs_;
  NeighbourUpkeep neighbours_{20};
  std::vector<uint32_t> user_learnt_, item_learnt_;
};

TEST_F(QuestionScoresTest, EachQueryIsScoredByItsUserAndItsLatestItems) {
  std::vector<HeldPair> held;
  for (uint32_t user = 0; user < kUsers; ++user) {
    HeldPair pair;
    pair.user = user;
    pair.item = (7 * user) % kItems;
    if (user % 3 == 0) pair.recent = {{(pair.item + 1) % kItems, 5}};
    held.push_back(pair);
  }
  const std::vector<Question> questions = QuestionsOf(held, Knowledge());
  ASSERT_EQ(questions.size(), kUsers);
  const World world = GatherWorld(Knowledge(), 1000, 1000);
  ASSERT_EQ(world.items.size(), kItems);
  EXPECT_EQ(world.each, 1);
  QuestionScores scores;
  uint32_t next = 0;
  scores.ForEach(
      questions, Knowledge(), world, {},
      [&](const Question& question, const QuestionQuery& query) {
        ASSERT_EQ(question.user, next++);
        ASSERT_EQ(query.by_taste != nullptr, question.user % 3 == 0);
        EXPECT_FLOAT_EQ(query.share, 1.0f / 3);
        for (uint32_t i = 0; i < kItems; ++i) {
          const float* const row = Item(world.items[i]);
          ASSERT_NEAR(query.by_row[i], Dot(User(question.user), row, kDim),
                      1e-5);
          if (query.by_taste == nullptr) continue;
          ASSERT_NEAR(query.by_taste[i], Dot(query.taste.data(), row, kDim),
                      1e-5);
        }
        // Nothing is ahead of itself.
        for (const float ahead : query.AheadOf(world, question.item)) {
          EXPECT_NEAR(ahead, 0, 1e-5);
        }
      });
  EXPECT_EQ(next, kUsers);
}

TEST_F(QuestionScoresTest, WithoutItemsOrQuestionsNothingIsScored) {
  QuestionScores scores;
  const auto never = [](const Question&, const QuestionQuery&) {
    ADD_FAILURE() << "there is no question";
  };
  scores.ForEach({}, Knowledge(), GatherWorld(Knowledge(), 1000, 1000), {},
                 never);
  HeldPair pair;
  pair.user = 1;
  const std::vector<Question> questions = QuestionsOf({pair}, Knowledge());
  World nothing;
  nothing.item_mean.assign(kDim, 0);
  nothing.common_taste.assign(kDim, 0);
  size_t visits = 0;
  scores.ForEach(questions, Knowledge(), nothing, {},
                 [&](const Question&, const QuestionQuery&) { ++visits; });
  EXPECT_EQ(visits, 1u);
}

TEST_F(QuestionScoresTest, WhoHasNoRowIsNotAskedAbout) {
  user_learnt_[4] = 0;
  item_learnt_[9] = 0;
  std::vector<HeldPair> held(4);
  held[0].user = 4;
  held[1].item = 9;
  held[2].user = kUsers;
  held[3].user = 5;
  held[3].item = 8;
  const std::vector<Question> questions = QuestionsOf(held, Knowledge());
  ASSERT_EQ(questions.size(), 1u);
  EXPECT_EQ(questions[0].user, 5u);
  EXPECT_EQ(GatherWorld(Knowledge(), 1000, 1000).items.size(), kItems - 1);
}

TEST_F(QuestionScoresTest, OfALargeCatalogueAPartStandsForAll) {
  const World world = GatherWorld(Knowledge(), 50, 1000);
  EXPECT_EQ(world.each, 5);
  EXPECT_NEAR(static_cast<double>(world.items.size()), kItems / 5.0, 1);
  EXPECT_EQ(world.padded, 64u);
}

}  // namespace
}  // namespace taud::trainer
