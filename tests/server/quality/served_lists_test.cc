#include "server/quality/served_lists.h"

#include <cmath>
#include <memory>

#include "gtest/gtest.h"
#include "tests/server/test_world.h"

namespace taud::server {
namespace {

constexpr size_t kUsers = 4, kItems = 10, kDim = 2;

class ServedListsTest : public testing::Test {
 protected:
  ServedListsTest() {
    FillDictionaries(kUsers, kItems, &state_);
    // i0 by four users, i1 by two, i2 by one.
    for (uint32_t u = 0; u < 4; ++u) Interact(u, 0, &state_);
    for (uint32_t u = 0; u < 2; ++u) Interact(u, 1, &state_);
    Interact(0, 2, &state_);
    auto snapshot = MakeSnapshot(kUsers, kItems, kDim);
    const float rows[3][2] = {{1, 0}, {0, 1}, {-1, 0}};
    for (size_t i = 0; i < 3; ++i) {
      std::copy_n(rows[i], 2, snapshot->items.Row(i));
    }
    model_ = Build(std::move(snapshot));
  }
  ServedList List(uint32_t user, std::vector<uint32_t> items) {
    ServedList list;
    list.user = user;
    list.items = std::move(items);
    list.representation = v1::REPRESENTATION_TRAINED;
    return list;
  }
  v1::ServedLists Report() {
    v1::ServedLists report;
    lists_.Fill(state_, kItems, &report);
    return report;
  }
  model::State state_;
  std::shared_ptr<const ServingModel> model_;
  ServedLists lists_;
  absl::Time now_ = absl::UnixEpoch();
};

TEST_F(ServedListsTest, FiguresOfTwoLists) {
  EXPECT_EQ(Report().lists(), 0);
  for (const uint32_t user : {0u, 1u}) {
    ServedList list = List(user, {0, user + 1});
    list.diversity = user + 1;
    lists_.Add(list, state_, now_);
  }
  const v1::ServedLists report = Report();
  EXPECT_EQ(report.sampled(), 2u);
  EXPECT_EQ(report.lists(), 2);
  EXPECT_NEAR(report.coverage(), .3, 1e-12);
  // Counts 0 × 7, 1, 1, 2: 2·Σ i·c / (n·Σ c) − (n + 1) / n.
  EXPECT_NEAR(report.gini(), 2.0 * (8 + 9 + 20) / (10 * 4) - 1.1, 1e-12);
  EXPECT_NEAR(report.average_popularity(), ((4 + 2) / 2. + (4 + 1) / 2.) / 2,
              2e-3);
  // −log2 of 1, ½ and ¼.
  EXPECT_NEAR(report.novelty_bits(), ((0 + 1) / 2. + (0 + 2) / 2.) / 2, 1e-3);
  EXPECT_NEAR(report.intra_list_diversity(), (1 + 2) / 2., 1e-3);
  EXPECT_NEAR(report.personalisation(), .5, 1e-12);
  EXPECT_NEAR(report.top_item_share(), 1, 1e-12);
  EXPECT_EQ(report.top_item_id(), "i0");
  EXPECT_NEAR(report.representation().at("trained"), 1, 1e-12);
}

TEST_F(ServedListsTest, EntropyIsOfTheProbabilitiesThereAre) {
  ServedList list = List(0, {0, 1, 2});
  list.probabilities = {.5f, .5f};
  lists_.Add(list, state_, now_);
  lists_.Add(List(1, {0}), state_, now_);  // none
  EXPECT_NEAR(Report().entropy_bits(), 1, 1e-9);
}

TEST_F(ServedListsTest, ScoresAreComparedWithThoseOfAnHourAgo) {
  ServedList low = List(0, {0});
  low.scores = {.15f};
  ServedList high = List(0, {0});
  high.scores = {.85f};
  for (int i = 0; i < 100; ++i) lists_.Add(low, state_, now_);
  EXPECT_EQ(Report().score_psi(), 0);
  now_ += absl::Hours(1);
  for (int i = 0; i < 100; ++i) lists_.Add(high, state_, now_);
  EXPECT_GT(Report().score_psi(), 1);
}

TEST_F(ServedListsTest, TheLastTwoThousandAreKeptAndAnErasureForgetsThem) {
  for (size_t i = 0; i < ServedLists::kMost + 500; ++i) {
    lists_.Add(List(i % kUsers, {static_cast<uint32_t>(i < 500 ? 3 : 4)}),
               state_, now_);
  }
  EXPECT_EQ(Report().lists(), ServedLists::kMost);
  EXPECT_EQ(Report().coverage(), .1);
  lists_.Clear();
  EXPECT_EQ(Report().lists(), 0);
  EXPECT_EQ(Report().top_item_id(), "");
}

TEST_F(ServedListsTest, ASampleIsTakenAndBounded) {
  ListSampler sampler;
  Recommendation answer;
  answer.items.resize(20);
  RecommendTask task;
  task.user = 1;
  for (size_t i = 0; i < 10 * ListSampler::kEvery; ++i) {
    sampler.Offer(*model_, task, answer);
  }
  const auto lists = sampler.Take();
  ASSERT_EQ(lists.size(), 10u);
  EXPECT_EQ(lists[0].items.size(), ServedList::kItems);
  // Cosines 0 and −1 of the first three, and of i1 and i2 0.
  answer.items.resize(3);
  for (uint32_t i = 0; i < 3; ++i) answer.items[i].item = i;
  for (size_t i = 0; i < ListSampler::kEvery; ++i) {
    sampler.Offer(*model_, task, answer);
  }
  const auto three = sampler.Take();
  ASSERT_EQ(three.size(), 1u);
  EXPECT_NEAR(three[0].diversity, 1 + 1 / 3., 1e-6);
  EXPECT_TRUE(sampler.Take().empty());
  for (size_t i = 0; i < 1000 * ListSampler::kEvery; ++i) {
    sampler.Offer(*model_, task, answer);
  }
  EXPECT_EQ(sampler.Take().size(), ListSampler::kMostWaiting);
}

}  // namespace
}  // namespace taud::server
