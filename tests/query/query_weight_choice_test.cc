#include "query/query_weight_choice.h"

#include <cmath>

#include "gtest/gtest.h"

namespace taud::query {
namespace {

constexpr double kAny = 5;  // pairs a user, where it does not matter

QueryGains Favouring(size_t pair, double by) {
  QueryGains gains;
  gains.fill(0.2);
  gains[pair] += by;
  return gains;
}

void Note(const QueryGains& gains, int times, QueryWeightChoice* choice) {
  for (int i = 0; i < times; ++i) choice->Note(gains);
}

TEST(QueryWeightChoiceTest, TheCommonTasteCountsUntilEnoughWasNoted) {
  QueryWeightChoice choice;
  const struct {
    double pairs_per_user;
    float prior;
  } cases[] = {{0, 10}, {5, 10}, {25, 3}, {50, 1}, {100, 0}, {500, 0}};
  for (const int noted : {0, 199}) {
    Note(Favouring(15, 0.1), noted, &choice);
    for (const auto& c : cases) {
      EXPECT_EQ(choice.weights(c.pairs_per_user).recent, 0);
      EXPECT_EQ(choice.weights(c.pairs_per_user).prior, c.prior);
    }
  }
  EXPECT_FALSE(choice.found());
  Note(Favouring(15, 0.1), 1, &choice);
  EXPECT_TRUE(choice.found());
  EXPECT_EQ(choice.weights(kAny).recent, kRecentWeights[2]);
  EXPECT_EQ(choice.weights(kAny).prior, kPriors[3]);
}

TEST(QueryWeightChoiceTest, FollowsWhatGains) {
  QueryWeightChoice choice;
  Note(Favouring(35, 0.1), 3000, &choice);
  EXPECT_EQ(choice.weights(kAny).recent, kRecentWeights[5]);
  EXPECT_EQ(choice.weights(kAny).prior, kPriors[5]);
  Note(Favouring(6, 0.1), 3000, &choice);
  EXPECT_EQ(choice.weights(kAny).recent, kRecentWeights[1]);
  EXPECT_EQ(choice.weights(kAny).prior, 0);
}

TEST(QueryWeightChoiceTest, DoesNotJumpForNothing) {
  QueryWeightChoice choice;
  Note(Favouring(2, 0.1), 300, &choice);
  ASSERT_EQ(choice.weights(kAny).prior, kPriors[2]);
  QueryGains equal = Favouring(2, 0.1);
  equal[3] = equal[2] * 1.004;
  Note(equal, 20000, &choice);
  EXPECT_EQ(choice.weights(kAny).prior, kPriors[2]);
  equal[3] = equal[2] * 1.02;
  Note(equal, 20000, &choice);
  EXPECT_EQ(choice.weights(kAny).prior, kPriors[3]);
}

TEST(QueryWeightChoiceTest, StartsAtTheNearest) {
  const struct {
    QueryWeights start, expected;
  } cases[] = {{{0, 0.6f}, {0, 1}},
               {{0.04f, 25}, {0.03f, 30}},
               {{0.5f, 4}, {0.3f, 3}},
               {{9, 1000}, {3, 100}}};
  for (const auto& c : cases) {
    QueryWeightChoice choice;
    EXPECT_FALSE(choice.found());
    choice.StartAt(c.start);
    EXPECT_TRUE(choice.found());  // so that a snapshot passes them on
    EXPECT_EQ(choice.weights(kAny).recent, c.expected.recent);
    EXPECT_EQ(choice.weights(kAny).prior, c.expected.prior);
  }
}

TEST(QueryWeightChoiceTest, GoesOnFromItsState) {
  QueryWeightChoice choice;
  Note(Favouring(3, 0.1), 250, &choice);
  QueryWeightChoice other;
  ASSERT_TRUE(other.Assign(choice.State()));
  EXPECT_EQ(other.weights(kAny).prior, kPriors[3]);
  Note(Favouring(1, 0.3), 100, &choice);
  Note(Favouring(1, 0.3), 100, &other);
  EXPECT_EQ(other.State(), choice.State());
}

TEST(QueryWeightChoiceTest, RefusesWhatCannotBeAState) {
  QueryWeightChoice choice;
  Note(Favouring(3, 0.1), 250, &choice);
  const std::vector<double> good = choice.State();
  std::vector<double> bad = good;
  bad.pop_back();
  EXPECT_FALSE(choice.Assign(bad));
  bad = good;
  bad[0] = std::nan("");
  EXPECT_FALSE(choice.Assign(bad));
  bad = good;
  bad[1] = -1;
  EXPECT_FALSE(choice.Assign(bad));
  bad = good;
  bad.back() = static_cast<double>(kWeightPairs);
  EXPECT_FALSE(choice.Assign(bad));
  EXPECT_EQ(choice.State(), good);
}

}  // namespace
}  // namespace taud::query
