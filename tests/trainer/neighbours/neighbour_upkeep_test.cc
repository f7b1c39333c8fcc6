#include "trainer/neighbours/neighbour_upkeep.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "trainer/neighbours/neighbour_search.h"
#include "trainer/neighbours/positive_graph.h"

namespace taud::trainer {
namespace {

// W_ij of the header, entry by entry from the matrix.
double Weight(const model::ItemLists& lists, uint32_t i, uint32_t j) {
  const auto has = [](const std::vector<uint32_t>& list, uint32_t item) {
    return std::find(list.begin(), list.end(), item) != list.end();
  };
  double sum = 0, of_i = 0, of_j = 0;
  for (const auto& list : lists) {
    const bool with_i = has(list, i);
    const bool with_j = has(list, j);
    of_i += with_i;
    of_j += with_j;
    if (with_i && with_j) sum += 1 / static_cast<double>(list.size());
  }
  return sum == 0 ? 0 : sum / std::sqrt(of_i * of_j);
}

model::ItemLists RandomLists(uint32_t users, uint32_t items, uint32_t seed) {
  std::mt19937 random(seed);
  model::ItemLists lists(users);
  for (auto& list : lists) {
    for (uint32_t item = 0; item < items; ++item) {
      if (random() % 4 == 0) list.push_back(item);
    }
    std::shuffle(list.begin(), list.end(), random);
  }
  return lists;
}

TEST(NeighbourSearchTest, FindsTheStrongestOfTheProduct) {
  constexpr uint32_t kItems = 30;
  constexpr size_t kMost = 7;
  for (uint32_t seed = 1; seed <= 5; ++seed) {
    const model::ItemLists lists = RandomLists(40, kItems, seed);
    const model::NeighbourLists found =
        FindAllNeighbours(PositiveGraph(lists, kItems), kMost, 2);
    for (uint32_t i = 0; i < kItems; ++i) {
      std::vector<double> weights;
      for (uint32_t j = 0; j < kItems; ++j) {
        if (j != i) weights.push_back(Weight(lists, i, j));
      }
      std::sort(weights.rbegin(), weights.rend());
      const auto list = found.Of(i);
      ASSERT_EQ(list.size(), kMost);
      for (size_t k = 0; k < kMost; ++k) {
        EXPECT_NEAR(list[k].weight, weights[k], 1e-6);
        EXPECT_NEAR(list[k].weight, Weight(lists, i, list[k].item), 1e-6);
      }
    }
  }
}

TEST(NeighbourSearchTest, AnItemOfManyUsersCostsABoundedSearch) {
  PositiveGraph graph;
  constexpr uint32_t kUsers = 20000;
  for (uint32_t user = 0; user < kUsers; ++user) {
    graph.Add(user, 0);
    graph.Add(user, 1 + user % 3);
  }
  NeighbourSearch search;
  size_t cost = 0;
  const model::NeighbourList list = search.Find(graph, 0, 10, &cost);
  EXPECT_LE(cost, 2 * NeighbourSearch::kMostUsers);
  ASSERT_EQ(list.size(), 3u);
  // A third of the users have each: kUsers / 3 / 2 ÷ √(kUsers · kUsers / 3).
  for (const model::Neighbour& one : list) {
    EXPECT_NEAR(one.weight, std::sqrt(3.0) / 6, 0.02);
  }
}

TEST(NeighbourUpkeepTest, IsUpWithThePairsWhenNothingIsStale) {
  constexpr uint32_t kItems = 30;
  const model::ItemLists lists = RandomLists(40, kItems, 3);
  NeighbourUpkeep upkeep(100);
  model::ItemLists left(lists.size());
  for (uint32_t user = 0; user < lists.size(); ++user) {
    for (const uint32_t item : lists[user]) upkeep.Add(user, item);
  }
  for (uint32_t user = 0; user < lists.size(); ++user) {
    for (const uint32_t item : lists[user]) {
      if ((user + item) % 5 == 0) {
        upkeep.Remove(user, item);
      } else {
        left[user].push_back(item);
      }
    }
  }
  upkeep.Remove(7, 12345);  // there is no such pair
  EXPECT_TRUE(upkeep.stale());
  while (upkeep.stale()) upkeep.Refresh(1);
  for (uint32_t i = 0; i < kItems; ++i) {
    std::map<uint32_t, float> found;
    for (const model::Neighbour& one : upkeep.lists().Of(i)) {
      found[one.item] = one.weight;
    }
    for (uint32_t j = 0; j < kItems; ++j) {
      if (j == i) continue;
      EXPECT_NEAR(found[j], Weight(left, i, j), 1e-6);
    }
  }
}

TEST(NeighbourUpkeepTest, WhatIsForgottenStandsInNoList) {
  NeighbourUpkeep upkeep(100);
  PositivePairs pairs;
  for (uint32_t user = 0; user < 20; ++user) {
    for (uint32_t item = 0; item < 6; ++item) {
      if (pairs.Add(user, item, 1)) upkeep.Add(user, item);
    }
  }
  while (upkeep.stale()) upkeep.Refresh(1000);
  const model::NeighbourLists before = upkeep.lists();
  pairs.Remove({0, 1}, {4}, [](uint32_t) {});
  upkeep.Forget({0, 1}, {4}, pairs);
  EXPECT_TRUE(upkeep.lists().Of(4).empty());
  for (const uint32_t item : {0u, 1u, 2u, 3u, 5u}) {
    for (const model::Neighbour& one : upkeep.lists().Of(item)) {
      EXPECT_NE(one.item, 4u);
    }
    EXPECT_EQ(upkeep.graph().users_of(item).size(), 18u);
    EXPECT_EQ(before.Of(item).size(), 5u);  // a copy is another's
  }
  EXPECT_TRUE(upkeep.stale());
}

TEST(NeighbourUpkeepTest, WithoutListsNothingIsKept) {
  NeighbourUpkeep upkeep(0);
  upkeep.Add(1, 2);
  upkeep.Add(1, 3);
  EXPECT_FALSE(upkeep.stale());
  EXPECT_EQ(upkeep.graph().num_items(), 0u);
  EXPECT_EQ(upkeep.lists().size(), 0u);
}

TEST(NeighbourUpkeepTest, GoesOnFromListsOfBefore) {
  NeighbourUpkeep upkeep(10);
  PositivePairs pairs;
  for (uint32_t user = 0; user < 9; ++user) {
    for (const uint32_t item : {user, user + 1}) {
      if (pairs.Add(user, item, 1)) upkeep.Add(user, item);
    }
  }
  while (upkeep.stale()) upkeep.Refresh(1000);
  NeighbourUpkeep other(10);
  other.Begin(pairs, upkeep.lists(), {});
  EXPECT_FALSE(other.stale());
  EXPECT_EQ(other.graph().items_of(3), upkeep.graph().items_of(3));
  EXPECT_EQ(other.lists().Of(4).size(), 2u);
  NeighbourUpkeep third(10);
  third.Begin(pairs, {}, {});
  EXPECT_TRUE(third.stale());
  NeighbourUpkeep fourth(10);
  fourth.Begin(pairs, upkeep.lists(), {5, 2});
  EXPECT_EQ(fourth.StaleItems(), (std::vector<uint32_t>{5, 2}));
}

// Whoever looks at the lists at once, or goes on from them after a kill, finds
// nothing of the user.
TEST(NeighbourUpkeepTest, WhatOnlyAForgottenUserChoseIsGoneAtOnce) {
  NeighbourUpkeep upkeep(10);
  PositivePairs pairs;
  const auto add = [&](uint32_t user, uint32_t item) {
    pairs.Add(user, item, 1);
    upkeep.Add(user, item);
  };
  for (uint32_t user = 0; user < 9; ++user) {
    add(user, 0);
    add(user, 1 + user % 2);
  }
  for (const uint32_t item : {1u, 7u, 8u}) add(20, item);
  while (upkeep.stale()) upkeep.Refresh(1000);
  ASSERT_EQ(upkeep.lists().Of(7).size(), 2u);
  pairs.Remove({20}, {}, [](uint32_t) {});
  upkeep.Forget({20}, {}, pairs);
  EXPECT_TRUE(upkeep.lists().Of(7).empty());
  EXPECT_TRUE(upkeep.lists().Of(8).empty());
  ASSERT_EQ(upkeep.lists().Of(1).size(), 1u);
  EXPECT_EQ(upkeep.lists().Of(1)[0].item, 0u);
  NeighbourUpkeep resumed(10);
  resumed.Begin(pairs, upkeep.lists(), upkeep.StaleItems());
  while (resumed.stale()) resumed.Refresh(1000);
  while (upkeep.stale()) upkeep.Refresh(1000);
  for (uint32_t item = 0; item < 9; ++item) {
    ASSERT_EQ(resumed.lists().Of(item).size(), upkeep.lists().Of(item).size());
  }
  EXPECT_EQ(resumed.lists().Of(0)[0].weight, upkeep.lists().Of(0)[0].weight);
}

}  // namespace
}  // namespace taud::trainer
