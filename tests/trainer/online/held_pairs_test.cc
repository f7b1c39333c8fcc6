#include "trainer/online/held_pairs.h"

#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace taud::trainer {
namespace {

HeldPair Pair(uint32_t user, uint32_t item, model::Sequence sequence) {
  HeldPair pair;
  pair.user = user;
  pair.item = item;
  pair.sequence = sequence;
  return pair;
}

TEST(HeldPairsTest, ATenthMayBeHeld) {
  int candidates = 0;
  for (uint32_t user = 0; user < 200; ++user) {
    for (uint32_t item = 0; item < 50; ++item) {
      candidates += HeldPairs::IsCandidate(user, item);
    }
  }
  EXPECT_NEAR(candidates, 1000, 120);  // four standard deviations
}

TEST(HeldPairsTest, ThereIsRoomForATenthAndForWhatCanBeAskedAbout) {
  EXPECT_EQ(HeldPairs::RoomFor(9, 5), 0u);
  EXPECT_EQ(HeldPairs::RoomFor(19999, 5), 1999u);
  EXPECT_EQ(HeldPairs::RoomFor(79999, 5), 2048u);
  EXPECT_EQ(HeldPairs::RoomFor(399999, 5), 4999u);
  EXPECT_EQ(HeldPairs::RoomFor(800000, 3400), 10000u);
  EXPECT_EQ(HeldPairs::RoomFor(800000, 41000), 4096u);
  EXPECT_EQ(HeldPairs::RoomFor(8000000, 0), HeldPairs::kMost);
}

TEST(HeldPairsTest, ReleasesOneForEachBeyondItsRoomAndLosesNone) {
  constexpr size_t kRoom = 4096;
  HeldPairs held;
  std::vector<bool> released_users(20000, false);
  std::vector<HeldPair> released;
  for (uint32_t user = 0; user < 20000; ++user) {
    held.Offer(Pair(user, 1, user + 1), kRoom, &released);
    ASSERT_EQ(released.size(), user < kRoom ? 0u : 1u);
    for (const HeldPair& pair : released) {
      EXPECT_FALSE(held.Holds(pair.user, 1));
      EXPECT_FALSE(released_users[pair.user]);
      released_users[pair.user] = true;
    }
  }
  EXPECT_EQ(held.pairs().size(), kRoom);
  // Users at random: of the second half about half of them.
  int late = 0;
  for (const HeldPair& pair : held.pairs()) {
    EXPECT_TRUE(held.Holds(pair.user, pair.item));
    EXPECT_FALSE(released_users[pair.user]);
    late += pair.user >= 10000;
  }
  EXPECT_NEAR(late, 2048, 114);  // four standard deviations
  const std::vector<HeldPair> all = held.TakeAll();
  EXPECT_TRUE(held.empty());
  for (size_t i = 1; i < all.size(); ++i) {
    EXPECT_LT(all[i - 1].sequence, all[i].sequence);
  }
}

std::map<uint32_t, size_t> NumByUser(const HeldPairs& held) {
  std::map<uint32_t, size_t> num;
  for (const HeldPair& pair : held.pairs()) ++num[pair.user];
  return num;
}

TEST(HeldPairsTest, EveryUserHasAsManyHeldOrOneMore) {
  constexpr size_t kRoom = 5001;
  HeldPairs held;
  std::vector<HeldPair> released;
  model::Sequence sequence = 0;
  // One sends much at once, and 2,000 others three each.
  for (uint32_t item = 0; item < 10000; ++item) {
    held.Offer(Pair(0, item, ++sequence), kRoom, &released);
    ASSERT_EQ(released.size(), item < HeldPairs::kMostOfAUser ? 0u : 1u);
  }
  for (const uint32_t item : {2u, 1u, 3u}) {
    for (uint32_t user = 1; user <= 2000; ++user) {
      held.Offer(Pair(user, item, ++sequence), kRoom, &released);
    }
  }
  EXPECT_EQ(held.pairs().size(), kRoom);
  const std::map<uint32_t, size_t> num = NumByUser(held);
  EXPECT_EQ(num.size(), 2001u);
  for (const auto& [user, count] : num) {
    EXPECT_GE(count, 2u) << user;
    EXPECT_LE(count, 3u) << user;
  }
}

TEST(HeldPairsTest, WhichOfAUsersPairsAreHeldDoesNotDependOnTheirOrder) {
  HeldPairs forwards, backwards;
  std::vector<HeldPair> released;
  for (uint32_t k = 0; k < 3000; ++k) {
    for (uint32_t user = 1; user <= 9; ++user) {
      forwards.Offer(Pair(user, k, 1 + k), 300, &released);
      backwards.Offer(Pair(user, 2999 - k, 1 + k), 300, &released);
    }
  }
  int late = 0;
  ASSERT_EQ(forwards.pairs().size(), 300u);
  for (const HeldPair& pair : forwards.pairs()) {
    EXPECT_TRUE(backwards.Holds(pair.user, pair.item));
    late += pair.item >= 1500;
  }
  EXPECT_NEAR(late, 150, 35);  // four standard deviations
}

TEST(HeldPairsTest, TakesNoMoreThanThereIsRoomFor) {
  HeldPairs held;
  std::vector<HeldPair> released;
  held.Offer(Pair(1, 1, 1), 0, &released);
  ASSERT_EQ(released.size(), 1u);
  EXPECT_TRUE(held.empty());
  for (uint32_t item = 0; item < 10; ++item) {
    held.Offer(Pair(1, item, 2 + item), 6, &released);
  }
  EXPECT_EQ(held.pairs().size(), 6u);
  // Another user's come into their places.
  for (const uint32_t item : {1u, 2u, 3u, 4u}) {
    held.Offer(Pair(2, item, 20 + item), 6, &released);
    ASSERT_EQ(released.size(), 1u);
  }
  EXPECT_EQ(NumByUser(held)[1], 3u);
  EXPECT_EQ(NumByUser(held)[2], 3u);
  // There is less room: two go for one that comes.
  held.Offer(Pair(3, 1, 30), 3, &released);
  ASSERT_EQ(released.size(), 2u);
  held.Offer(Pair(4, 1, 31), 3, &released);
  EXPECT_EQ(held.pairs().size(), 4u);
  held.Offer(Pair(4, 2, 32), 3, &released);
  EXPECT_EQ(held.pairs().size(), 3u);
}

TEST(HeldPairsTest, LessRoomIsLeftAlsoByOneWhoHasTheMost) {
  HeldPairs held;
  std::vector<HeldPair> released;
  for (uint32_t item = 0; item < 200; ++item) {
    for (const uint32_t user : {1u, 2u}) {
      held.Offer(Pair(user, item, 1 + item), 1000, &released);
    }
  }
  ASSERT_EQ(held.pairs().size(), 2 * HeldPairs::kMostOfAUser);
  for (uint32_t item = 200; item < 400; ++item) {
    held.Offer(Pair(1, item, 1 + item), 100, &released);
  }
  EXPECT_EQ(held.pairs().size(), 100u);
}

TEST(HeldPairsTest, GoesOnAfterARestartAsWithoutOne) {
  std::mt19937 random(4);
  HeldPairs held, restarted;
  std::vector<HeldPair> released, again;
  for (model::Sequence sequence = 1; sequence < 30000; ++sequence) {
    const auto user = static_cast<uint32_t>(random() % (1 + random() % 3000));
    const auto item = static_cast<uint32_t>(sequence);
    if (sequence % 1000 == 0) {
      held.Remove(held.pairs()[7].user, held.pairs()[7].item);
      restarted = HeldPairs();
      restarted.Assign(held.pairs());
    }
    held.Offer(Pair(user, item, sequence), 2000, &released);
    restarted.Offer(Pair(user, item, sequence), 2000, &again);
    ASSERT_EQ(released.size(), again.size());
    for (size_t k = 0; k < released.size(); ++k) {
      ASSERT_EQ(released[k].user, again[k].user);
      ASSERT_EQ(released[k].item, again[k].item);
    }
  }
  EXPECT_EQ(held.pairs().size(), restarted.pairs().size());
}

TEST(HeldPairsTest, WhatIsTakenBackOrForgottenIsHeldNoLonger) {
  HeldPairs held;
  std::vector<HeldPair> released;
  for (uint32_t user = 0; user < 6; ++user) {
    HeldPair pair = Pair(user, user % 3, user + 1);
    pair.recent = {{0, 9}, {1, 8}};
    held.Offer(pair, HeldPairs::kMost, &released);
  }
  held.Remove(4, 1);
  held.Remove(4, 2);  // nothing to remove
  EXPECT_FALSE(held.Holds(4, 1));
  held.SetWeight(5, 2, 7);
  held.SetWeight(4, 1, 7);
  held.Forget({0}, {1});  // user 0, and item 1 of user 1
  ASSERT_EQ(held.pairs().size(), 3u);
  for (const HeldPair& pair : held.pairs()) {
    EXPECT_TRUE(held.Holds(pair.user, pair.item));
    ASSERT_EQ(pair.recent.size(), 1u);
    EXPECT_EQ(pair.recent[0].item, 0u);
    EXPECT_EQ(pair.weight, pair.user == 5 ? 7 : 1);
  }
}

}  // namespace
}  // namespace taud::trainer
