#include "query/query_weight_choice.h"

#include <cmath>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace taud::query {
namespace {

using Gains = std::vector<double>;

QueryWeights WeightsOf(const WeightChoice& choice) {
  return WeightsAt(choice.chosen());
}

Gains Favouring(size_t pair, double by) {
  Gains gains(kWeightPairs, 0.2);
  gains[pair] += by;
  return gains;
}

void Note(const Gains& gains, int times, WeightChoice* choice) {
  for (int i = 0; i < times; ++i) choice->Note(gains);
}

TEST(QueryWeightChoiceTest, NothingCountsUntilEnoughWasNoted) {
  WeightChoice choice = MakeQueryWeightChoice();
  for (const int noted : {0, 59}) {
    Note(Favouring(15, 0.1), noted, &choice);
    EXPECT_EQ(WeightsOf(choice).recent, 0);
    EXPECT_EQ(WeightsOf(choice).prior, 0);
  }
  EXPECT_FALSE(choice.found());
  Note(Favouring(15, 0.1), 1, &choice);
  EXPECT_TRUE(choice.found());
  EXPECT_EQ(WeightsOf(choice).recent, kRecentWeights[2]);
  EXPECT_EQ(WeightsOf(choice).prior, kPriors[3]);
}

TEST(QueryWeightChoiceTest, WhatIsNotedTogetherReplacesWhatWasNotedBefore) {
  WeightChoice choice = MakeQueryWeightChoice();
  Note(Favouring(3, 0.2), 1500, &choice);
  ASSERT_EQ(WeightsOf(choice).prior, kPriors[3]);
  choice.BeginWith(std::vector<Gains>(39, Favouring(1, 0.1)));
  EXPECT_EQ(WeightsOf(choice).prior, kPriors[3]);  // too few to say anything
  choice.BeginWith(std::vector<Gains>(40, Favouring(1, 0.1)));
  EXPECT_EQ(WeightsOf(choice).prior, kPriors[1]);
  EXPECT_TRUE(choice.found());
  EXPECT_EQ(choice.State()[kWeightPairs], 40);
}

TEST(QueryWeightChoiceTest, OfWeightsThatAreAsGoodTheLeastAreChosen) {
  // Pair 4 gains most in the mean, .305 to .300 of pair 1, but by luck: in one
  // question of two it is far better, in the other as much worse. Pair 0, with
  // .2, is worse by more than luck can do.
  Gains better = Favouring(1, 0.1);
  better[4] = 0.9;
  Gains worse = Favouring(1, 0.1);
  worse[4] = -0.29;
  std::vector<Gains> together(30, better);
  together.insert(together.end(), 30, worse);
  WeightChoice choice = MakeQueryWeightChoice();
  choice.BeginWith(together);
  EXPECT_EQ(WeightsOf(choice).prior, kPriors[1]);
  choice.Note(Favouring(1, 0));
  EXPECT_EQ(WeightsOf(choice).prior, kPriors[1]);
  // In every question it is a little better: that is no luck.
  together.assign(60, Favouring(4, 0.005));
  choice.BeginWith(together);
  EXPECT_EQ(WeightsOf(choice).prior, kPriors[4]);
}

TEST(QueryWeightChoiceTest, NobodyGainsByTheCommonTasteNobodyGetsIt) {
  WeightChoice choice = MakeQueryWeightChoice();
  choice.BeginWith(std::vector<Gains>(100, Favouring(0, 0)));
  EXPECT_EQ(WeightsOf(choice).recent, 0);
  EXPECT_EQ(WeightsOf(choice).prior, 0);
  EXPECT_TRUE(choice.found());
}

TEST(QueryWeightChoiceTest, FollowsWhatGains) {
  WeightChoice choice = MakeQueryWeightChoice();
  Note(Favouring(35, 0.1), 3000, &choice);
  EXPECT_EQ(WeightsOf(choice).recent, kRecentWeights[5]);
  EXPECT_EQ(WeightsOf(choice).prior, kPriors[5]);
  Note(Favouring(6, 0.1), 3000, &choice);
  EXPECT_EQ(WeightsOf(choice).recent, kRecentWeights[1]);
  EXPECT_EQ(WeightsOf(choice).prior, 0);
}

TEST(QueryWeightChoiceTest, DoesNotJumpForNothing) {
  WeightChoice choice = MakeQueryWeightChoice();
  Note(Favouring(2, 0.1), 300, &choice);
  ASSERT_EQ(WeightsOf(choice).prior, kPriors[2]);
  Gains equal = Favouring(2, 0.1);
  equal[3] = equal[2] * 1.004;
  Note(equal, 20000, &choice);
  EXPECT_EQ(WeightsOf(choice).prior, kPriors[2]);
  equal[3] = equal[2] * 1.02;
  Note(equal, 20000, &choice);
  EXPECT_EQ(WeightsOf(choice).prior, kPriors[3]);
}

// With so many pairs: `mean` by way, 1 of those that are not named, and a noise
// that differs from way to way, ±¼.
NeighbourWeights ChosenWith(
    int pairs, const std::vector<std::pair<size_t, double>>& mean) {
  std::vector<std::vector<double>> together;
  for (int n = 0; n < pairs; ++n) {
    std::vector<double> gains(kNeighbourWays.size(), 1.0);
    for (const auto& [way, gain] : mean) gains[way] = gain;
    for (size_t way = 1; way < gains.size(); ++way) {
      gains[way] += (n >> (way % 7)) % 2 == 0 ? 0.25 : -0.25;
    }
    together.push_back(std::move(gains));
  }
  WeightChoice choice = MakeNeighbourChoice();
  choice.BeginWith(together);
  return kNeighbourWays[choice.chosen()];
}

TEST(QueryWeightChoiceTest, OfNeighbourWaysTheMostBelievable) {
  // 3: λ .1, p 0; 6: λ .2, p .25. The better one by far or by little.
  for (const double gain : {1.2, 1.011}) {
    const NeighbourWeights chosen = ChosenWith(1280, {{3, 1.01}, {6, gain}});
    EXPECT_EQ(chosen.weight, 0.2f);
    EXPECT_EQ(chosen.power, 0.25f);
  }
  // Nothing gains: none.
  EXPECT_EQ(ChosenWith(1280, {}).weight, 0);
  EXPECT_EQ(ChosenWith(1280, {{3, 0.99}}).weight, 0);
}

TEST(QueryWeightChoiceTest, OfFewPairsWhatIsMeasuredBetterIsBelieved) {
  // 1, λ .05, gains 1 % in each of them. 11, λ 1, gains 3 % in the mean: nine
  // times as much in one of 16, and half as much in the others.
  std::vector<std::vector<double>> together;
  for (int n = 0; n < 64; ++n) {
    std::vector<double> gains(kNeighbourWays.size(), 0.5);
    gains[0] = 1;
    gains[1] = 1.01;
    gains[11] = n % 16 == 0 ? 9 : 0.5;
    together.push_back(std::move(gains));
  }
  WeightChoice choice = MakeNeighbourChoice();
  choice.BeginWith(together);
  EXPECT_EQ(kNeighbourWays[choice.chosen()].weight, 0.05f);
  // Nor is it by what comes then, if it says nothing.
  choice.Note(std::vector<double>(kNeighbourWays.size(), 1));
  EXPECT_EQ(kNeighbourWays[choice.chosen()].weight, 0.05f);
  // The same seen in so many pairs is no luck.
  std::vector<std::vector<double>> many;
  for (int n = 0; n < 2000; ++n) {
    many.insert(many.end(), together.begin(), together.end());
  }
  choice.BeginWith(many);
  EXPECT_EQ(kNeighbourWays[choice.chosen()].weight, 1);
}

TEST(QueryWeightChoiceTest, WhatIsCertainIsBelievedHoweverBadlyVectorsRank) {
  // By vectors alone one pair in a hundred, or none, has its item in the list.
  for (const double alone : {0.0, 0.1}) {
    std::vector<std::vector<double>> together;
    for (int n = 0; n < 500; ++n) {
      std::vector<double> gains(kNeighbourWays.size(), 0.0);
      if (n % 100 == 0) gains.assign(gains.size(), alone);
      if (n % 20 == 1) gains[1] = 0.3;  // λ .05
      if (n % 8 == 1) gains[6] = 0.3;   // λ .2, p .25
      together.push_back(std::move(gains));
    }
    WeightChoice choice = MakeNeighbourChoice();
    choice.BeginWith(together);
    EXPECT_EQ(kNeighbourWays[choice.chosen()].weight, 0.2f);
  }
}

TEST(QueryWeightChoiceTest, WhatIsBelievedIsAStateThatCanBeReadAgain) {
  // Always by .1 and n that is no power of two: sums are not exact.
  std::vector<double> gains(kNeighbourWays.size(), 0.0);
  gains[0] = 0.1;
  WeightChoice choice = MakeNeighbourChoice();
  for (int n = 41; n < 200; ++n) {
    choice.BeginWith(std::vector<std::vector<double>>(n, gains));
    EXPECT_EQ(choice.chosen(), 0u);
    EXPECT_TRUE(MakeNeighbourChoice().Assign(choice.State())) << n;
  }
}

TEST(QueryWeightChoiceTest, StartsAtTheNearest) {
  const struct {
    QueryWeights start, expected;
  } cases[] = {{{0, 0.6f}, {0, 1}},
               {{0.04f, 25}, {0.03f, 30}},
               {{0.5f, 4}, {0.3f, 3}},
               {{9, 1000}, {3, 100}}};
  for (const auto& c : cases) {
    WeightChoice choice = MakeQueryWeightChoice();
    EXPECT_FALSE(choice.found());
    choice.StartAt(PairNearest(c.start));
    EXPECT_TRUE(choice.found());  // so that a snapshot passes them on
    EXPECT_EQ(WeightsOf(choice).recent, c.expected.recent);
    EXPECT_EQ(WeightsOf(choice).prior, c.expected.prior);
  }
}

TEST(QueryWeightChoiceTest, GoesOnFromItsState) {
  WeightChoice choice = MakeQueryWeightChoice();
  Note(Favouring(3, 0.1), 250, &choice);
  WeightChoice other = MakeQueryWeightChoice();
  ASSERT_TRUE(other.Assign(choice.State()));
  EXPECT_EQ(WeightsOf(other).prior, kPriors[3]);
  Note(Favouring(1, 0.3), 100, &choice);
  Note(Favouring(1, 0.3), 100, &other);
  EXPECT_EQ(other.State(), choice.State());
}

TEST(QueryWeightChoiceTest, AStateOfBeforeSaysByItsFiguresWhetherItFound) {
  WeightChoice choice = MakeQueryWeightChoice();
  for (const int noted : {59, 1}) {
    Note(Favouring(0, 0.1), noted, &choice);
    std::vector<double> state = choice.State();
    state.pop_back();
    WeightChoice other = MakeQueryWeightChoice();
    ASSERT_TRUE(other.Assign(state));
    EXPECT_EQ(other.found(), choice.found());
  }
}

TEST(QueryWeightChoiceTest, RefusesWhatCannotBeAState) {
  WeightChoice choice = MakeQueryWeightChoice();
  Note(Favouring(3, 0.1), 250, &choice);
  const std::vector<double> good = choice.State();
  std::vector<double> bad = good;
  bad.push_back(1);
  EXPECT_FALSE(choice.Assign(bad));
  bad = good;
  bad[0] = std::nan("");
  EXPECT_FALSE(choice.Assign(bad));
  bad = good;
  bad[1] = -1;
  EXPECT_FALSE(choice.Assign(bad));
  bad = good;
  bad[kWeightPairs + 1] = static_cast<double>(kWeightPairs);
  EXPECT_FALSE(choice.Assign(bad));
  EXPECT_EQ(choice.State(), good);
}

}  // namespace
}  // namespace taud::query
