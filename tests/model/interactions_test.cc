#include "model/interactions.h"

#include <algorithm>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/model/has_seen.h"

namespace taud::model {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Interaction Make(Sequence sequence, UserIndex user, ItemIndex item) {
  Interaction interaction;
  interaction.sequence = sequence;
  interaction.user = user;
  interaction.item = item;
  interaction.time_ms = static_cast<int64_t>(sequence) * 10;
  return interaction;
}

std::vector<ItemIndex> History(const Interactions& interactions, UserIndex user,
                               size_t limit = 100, Sequence after = 0) {
  std::vector<HistoryEntry> history;
  Interactions::HistoryPart part;
  part.after = after;
  part.limit = limit;
  interactions.CopyHistoryPart(user, part, &history);
  std::vector<ItemIndex> items;
  for (const HistoryEntry& entry : history) items.push_back(entry.item);
  return items;
}

std::vector<ItemIndex> Seen(const Interactions& interactions, UserIndex user) {
  std::vector<ItemIndex> seen = {12345};  // must be replaced
  interactions.CopySeen(user, &seen);
  return seen;
}

std::vector<UserIndex> Recent(const Interactions& interactions,
                              ItemIndex item) {
  std::vector<UserIndex> users = {12345};
  interactions.CopyRecentUsers(item, &users);
  return users;
}

TEST(InteractionsTest, NothingYet) {
  const Interactions interactions;
  EXPECT_EQ(interactions.size(), 0u);
  EXPECT_EQ(interactions.last_sequence(), 0u);
  EXPECT_FALSE(HasSeen(interactions, 0, 0));
  EXPECT_THAT(Seen(interactions, 7), IsEmpty());
  EXPECT_THAT(History(interactions, 7), IsEmpty());
  EXPECT_THAT(Recent(interactions, 7), IsEmpty());
  EXPECT_EQ(interactions.ItemCount(7), 0u);
}

TEST(InteractionsTest, HistoryGoesByWhenThingsHappened) {
  Interactions interactions;
  const int64_t times[] = {50, 10, 30, 30, 5};
  for (uint32_t item = 0; item < 5; ++item) {
    Interaction one = Make(item + 1, 0, item);
    one.time_ms = times[item];
    interactions.Append(one);
  }
  // Of one instant, what came later is later.
  EXPECT_THAT(History(interactions, 0), ElementsAre(0, 3, 2, 1, 4));
  EXPECT_THAT(History(interactions, 0, 100, 3), ElementsAre(3, 4));
  EXPECT_THAT(History(interactions, 0, 1, 3), ElementsAre(3));
  EXPECT_EQ(interactions.NewestOf(0), 5u);
  EXPECT_EQ(interactions.NewestOf(1), 0u);
  // The two latest whenever they came, and what came after 4.
  std::vector<HistoryEntry> history;
  Interactions::HistoryPart part;
  part.after = 4;
  part.latest = 2;
  interactions.CopyHistoryPart(0, part, &history);
  ASSERT_EQ(history.size(), 3u);
  EXPECT_EQ(history[0].item, 0u);
  EXPECT_EQ(history[1].item, 3u);
  EXPECT_EQ(history[2].item, 4u);
}

TEST(InteractionsTest, TheNewestKindSaysWhetherAnItemIsLiked) {
  for (const bool all_at_once : {false, true}) {
    std::vector<Interaction> all;
    const auto add = [&](UserIndex user, InteractionKind kind) {
      all.push_back(Make(all.size() + 1, user, 0));
      all.back().kind = kind;
    };
    add(0, InteractionKind::kLike);
    add(1, InteractionKind::kClick);
    add(1, InteractionKind::kPurchase);
    add(2, InteractionKind::kDislike);
    add(0, InteractionKind::kDislike);
    add(0, InteractionKind::kDislike);
    Interactions interactions;
    if (all_at_once) {
      interactions.AppendAll(all);
    } else {
      for (const Interaction& one : all) interactions.Append(one);
    }
    EXPECT_EQ(interactions.ItemPositives(0), 1u);
    EXPECT_EQ(interactions.ItemCount(0), 6u);
    std::vector<HistoryEntry> history;
    interactions.CopyHistory(0, 1, &history);
    ASSERT_EQ(history.size(), 1u);
    EXPECT_EQ(history[0].since_like, 5u);  // liked by sequence 1
    EXPECT_TRUE(history[0].TakesBack(1));
    EXPECT_FALSE(history[0].TakesBack(0));
    interactions.CopyHistory(2, 1, &history);
    EXPECT_FALSE(history[0].TakesBack(100));
    interactions.Erase({1}, {});
    EXPECT_EQ(interactions.ItemPositives(0), 0u);
    Interaction again = Make(7, 0, 0);
    again.kind = InteractionKind::kLike;
    interactions.Append(again);
    EXPECT_EQ(interactions.ItemPositives(0), 1u);
  }
}

TEST(InteractionsTest, ARetractionTakesBackAllThatWasBefore) {
  for (const bool all_at_once : {false, true}) {
    std::vector<Interaction> all;
    const auto add = [&](UserIndex user, ItemIndex item, InteractionKind kind) {
      all.push_back(Make(all.size() + 1, user, item));
      all.back().kind = kind;
    };
    add(0, 5, InteractionKind::kView);      // 1
    add(0, 5, InteractionKind::kLike);      // 2
    add(0, 6, InteractionKind::kLike);      // 3
    add(1, 5, InteractionKind::kLike);      // 4
    add(0, 5, InteractionKind::kRetract);   // 5
    add(0, 5, InteractionKind::kRetract);   // 6: nothing any more
    add(1, 5, InteractionKind::kRetract);   // 7
    add(1, 5, InteractionKind::kPurchase);  // 8: counts again
    Interactions interactions;
    if (all_at_once) {
      interactions.AppendAll(all);
    } else {
      for (const Interaction& one : all) interactions.Append(one);
    }
    EXPECT_THAT(Seen(interactions, 0), ElementsAre(6));
    EXPECT_THAT(History(interactions, 0), ElementsAre(6));
    EXPECT_THAT(History(interactions, 1), ElementsAre(5));
    EXPECT_EQ(interactions.ItemPositives(5), 1u);
    EXPECT_THAT(Recent(interactions, 5), ElementsAre(1));
    EXPECT_EQ(interactions.NewestOf(0), 6u);
    EXPECT_EQ(interactions.last_retraction(), 7u);
    const auto positions =
        interactions.PositionsOf({{0, 5}, {0, 6}, {1, 5}, {9, 9}});
    EXPECT_THAT(positions.at({0, 5}), IsEmpty());
    EXPECT_THAT(positions.at({0, 6}), ElementsAre(2));
    EXPECT_THAT(positions.at({1, 5}), ElementsAre(7));
    EXPECT_THAT(positions.at({9, 9}), IsEmpty());
  }
}

TEST(InteractionsTest, SequencesNeverGoBack) {
  Interactions interactions;
  interactions.Append(Make(3, 0, 0));
  interactions.AdvanceThrough(7);
  EXPECT_EQ(interactions.last_sequence(), 7u);
  interactions.AdvanceThrough(5);
  EXPECT_EQ(interactions.last_sequence(), 7u);
  interactions.Append(Make(8, 0, 1));
  EXPECT_EQ(interactions.last_sequence(), 8u);
  EXPECT_EQ(interactions.size(), 2u);
}

TEST(InteractionsTest, LogSeenHistoryAndItems) {
  Interactions interactions;
  interactions.Append(Make(1, 0, 5));
  interactions.Append(Make(2, 2, 5));
  interactions.Append(Make(5, 0, 3));
  EXPECT_EQ(interactions.size(), 3u);
  EXPECT_EQ(interactions.At(2).item, 3u);
  EXPECT_EQ(interactions.last_sequence(), 5u);
  EXPECT_EQ(interactions.num_users(), 3u);
  EXPECT_EQ(interactions.num_items(), 6u);
  EXPECT_TRUE(HasSeen(interactions, 0, 5));
  EXPECT_FALSE(HasSeen(interactions, 2, 3));
  EXPECT_THAT(Seen(interactions, 0), ElementsAre(3, 5));
  EXPECT_THAT(Seen(interactions, 1), IsEmpty());
  EXPECT_THAT(History(interactions, 0), ElementsAre(3, 5));
  EXPECT_EQ(interactions.ItemCount(5), 2u);
  EXPECT_THAT(Recent(interactions, 5), ElementsAre(2, 0));
}

TEST(InteractionsTest, ARepeatMovesToTheFrontWithItsNewValues) {
  Interactions interactions;
  interactions.Append(Make(1, 0, 5));
  interactions.Append(Make(2, 0, 6));
  Interaction again = Make(3, 0, 5);
  again.kind = InteractionKind::kDislike;
  again.weight = 2;
  interactions.Append(again);
  std::vector<HistoryEntry> history;
  interactions.CopyHistory(0, 10, &history);
  ASSERT_EQ(history.size(), 2u);
  EXPECT_EQ(history[0].item, 5u);
  EXPECT_EQ(history[0].kind, InteractionKind::kDislike);
  EXPECT_EQ(history[0].weight, 2.0f);
  EXPECT_EQ(history[0].sequence, 3u);
  EXPECT_EQ(history[0].time_ms, 30);
  EXPECT_EQ(history[1].item, 6u);
  EXPECT_THAT(Seen(interactions, 0), ElementsAre(5, 6));
  EXPECT_EQ(interactions.ItemCount(5), 2u);
}

TEST(InteractionsTest, LimitAndAfter) {
  Interactions interactions;
  for (Sequence s = 1; s <= 5; ++s) {
    interactions.Append(Make(s, 0, static_cast<ItemIndex>(s)));
  }
  EXPECT_THAT(History(interactions, 0, 2), ElementsAre(5, 4));
  EXPECT_THAT(History(interactions, 0, 0), IsEmpty());
  EXPECT_THAT(History(interactions, 0, 10, 3), ElementsAre(5, 4));
  EXPECT_THAT(History(interactions, 0, 1, 3), ElementsAre(5));
  EXPECT_THAT(History(interactions, 0, 10, 5), IsEmpty());
}

TEST(InteractionsTest, LongHistoriesLoseTheirOldestButNothingSeen) {
  Interactions interactions;
  const size_t many = 3 * Interactions::kMaxHistory;
  for (size_t i = 0; i < many; ++i) {
    interactions.Append(Make(i + 1, 0, static_cast<ItemIndex>(i)));
  }
  const std::vector<ItemIndex> history = History(interactions, 0, many);
  ASSERT_EQ(history.size(), Interactions::kMaxHistory);
  EXPECT_EQ(history.front(), many - 1);
  EXPECT_EQ(history.back(), many - Interactions::kMaxHistory);
  EXPECT_EQ(Seen(interactions, 0).size(), many);
  EXPECT_TRUE(HasSeen(interactions, 0, 0));
  // One that left the history comes back.
  interactions.Append(Make(many + 1, 0, 0));
  EXPECT_EQ(History(interactions, 0, 1), std::vector<ItemIndex>{0});
  EXPECT_EQ(Seen(interactions, 0).size(), many);
}

Interaction Of(InteractionKind kind, Sequence sequence, UserIndex user,
               ItemIndex item) {
  Interaction one = Make(sequence, user, item);
  one.kind = kind;
  return one;
}

TEST(InteractionsTest, WhatHasLeftTheHistoryIsLikedUntilItIsTakenBack) {
  Interactions interactions;
  const auto many = static_cast<ItemIndex>(2 * Interactions::kMaxHistory + 10);
  std::vector<Interaction> likes;
  for (ItemIndex i = 0; i < many; ++i) likes.push_back(Make(i + 1, 0, i));
  interactions.AppendAll(likes);
  Sequence next = many;
  EXPECT_EQ(interactions.ItemPositives(1), 1u);
  std::vector<Interactions::Pair> pairs = {{0, 5}, {1, 5}, {0, 1}, {0, 9}};
  interactions.KeepLiked(&pairs);
  EXPECT_THAT(pairs,
              ElementsAre(Interactions::Pair(0, 5), Interactions::Pair(0, 1),
                          Interactions::Pair(0, 9)));
  interactions.Append(Of(InteractionKind::kDislike, ++next, 0, 1));
  EXPECT_EQ(interactions.ItemPositives(1), 0u);
  interactions.Append(Of(InteractionKind::kRetract, ++next, 0, 5));
  EXPECT_EQ(interactions.ItemPositives(5), 0u);
  interactions.Append(Make(++next, 0, 9));  // once more
  EXPECT_EQ(interactions.ItemPositives(9), 1u);
  interactions.KeepLiked(&pairs);
  EXPECT_THAT(pairs, ElementsAre(Interactions::Pair(0, 9)));
  interactions.Append(Make(++next, 1, 7));
  interactions.Erase({}, {8});
  EXPECT_EQ(interactions.ItemPositives(8), 0u);
  interactions.Erase({0}, {});
  for (ItemIndex i = 0; i < many; ++i) {
    ASSERT_EQ(interactions.ItemPositives(i), i == 7 ? 1u : 0u) << i;
  }
  pairs = {{0, 9}, {1, 7}};
  interactions.KeepLiked(&pairs);
  EXPECT_THAT(pairs, ElementsAre(Interactions::Pair(1, 7)));
}

TEST(InteractionsTest, LikedItemsAreNotCrowdedOutByDislikes) {
  Interactions interactions;
  for (Sequence s = 1; s <= 4; ++s) {
    interactions.Append(Make(s, 0, static_cast<ItemIndex>(s)));
  }
  for (Sequence s = 5; s <= 20; ++s) {
    interactions.Append(
        Of(InteractionKind::kDislike, s, 0, static_cast<ItemIndex>(s)));
  }
  std::vector<ItemIndex> liked;
  interactions.CopyLiked(0, 3, &liked);
  EXPECT_THAT(liked, ElementsAre(4, 3, 2));
  interactions.CopyLiked(0, 3, &liked, /*before=*/3);
  EXPECT_THAT(liked, ElementsAre(2, 1));
  interactions.CopyLiked(1, 3, &liked);
  EXPECT_THAT(liked, IsEmpty());
}

TEST(InteractionsTest, DislikesBelongToAPartWheneverTheyCame) {
  Interactions interactions;
  EXPECT_FALSE(interactions.HasDislikes(0));
  for (Sequence s = 1; s <= 6; ++s) {
    const bool even = s % 2 == 0;
    interactions.Append(
        Of(even ? InteractionKind::kDislike : InteractionKind::kLike, s, 0,
           static_cast<ItemIndex>(s)));
    EXPECT_EQ(interactions.HasDislikes(0), s > 1);
  }
  Interactions::HistoryPart part;
  part.after = 6;
  part.dislikes = 4;
  std::vector<HistoryEntry> history;
  interactions.CopyHistoryPart(0, part, &history);
  ASSERT_EQ(history.size(), 2u);  // of the four latest
  EXPECT_EQ(history[0].item, 6u);
  EXPECT_EQ(history[1].item, 4u);
  part.after = 4;
  interactions.CopyHistoryPart(0, part, &history);
  EXPECT_EQ(history.size(), 3u);
  Sequence next = 6;
  for (const ItemIndex item : {2, 4}) {
    interactions.Append(Make(++next, 0, item));
    EXPECT_TRUE(interactions.HasDislikes(0));
  }
  interactions.Append(Of(InteractionKind::kRetract, ++next, 0, 6));
  EXPECT_FALSE(interactions.HasDislikes(0));
}

TEST(InteractionsTest, RecentUsersAreBoundedAndDistinctInARow) {
  Interactions interactions;
  Sequence sequence = 0;
  for (UserIndex user = 0; user < 500; ++user) {
    interactions.Append(Make(++sequence, user, 1));
    interactions.Append(Make(++sequence, user, 1));
  }
  const std::vector<UserIndex> recent = Recent(interactions, 1);
  ASSERT_EQ(recent.size(), Interactions::kMaxRecentUsers);
  for (size_t i = 0; i < recent.size(); ++i) EXPECT_EQ(recent[i], 499 - i);
  EXPECT_EQ(interactions.ItemCount(1), 1000u);
}

TEST(InteractionsDeathTest, SequencesMustAscend) {
  Interactions interactions;
  interactions.Append(Make(2, 0, 0));
  EXPECT_DEATH(interactions.Append(Make(2, 0, 0)), "check failed");
  EXPECT_DEATH(interactions.Append(Make(1, 0, 0)), "check failed");
}

// A reader that sees a sequence sees the interaction everywhere. Says most
// under the thread sanitizer.
TEST(InteractionsTest, OneWriterOneReader) {
  constexpr Sequence kMany = 20000;
  constexpr UserIndex kUsers = 7;
  constexpr ItemIndex kItems = 50;
  Interactions interactions;
  std::thread reader([&interactions] {
    std::vector<ItemIndex> seen;
    std::vector<HistoryEntry> history;
    std::vector<UserIndex> recent;
    for (Sequence done = 0; done < kMany;) {
      const Sequence last = interactions.last_sequence();
      if (last == done) {
        std::this_thread::yield();
        continue;
      }
      done = last;
      ASSERT_GE(interactions.size(), done);
      const Interaction& event = interactions.At(done - 1);
      ASSERT_EQ(event.sequence, done);
      ASSERT_TRUE(HasSeen(interactions, event.user, event.item));
      interactions.CopySeen(event.user, &seen);
      ASSERT_TRUE(std::is_sorted(seen.begin(), seen.end()));
      ASSERT_TRUE(std::binary_search(seen.begin(), seen.end(), event.item));
      interactions.CopyHistory(event.user, 1000, &history);
      ASSERT_FALSE(history.empty());
      ASSERT_GE(history[0].sequence, done);
      interactions.CopyRecentUsers(event.item, &recent);
      ASSERT_FALSE(recent.empty());
      ASSERT_GT(interactions.ItemCount(event.item), 0u);
    }
  });
  for (Sequence s = 1; s <= kMany; ++s) {
    interactions.Append(Make(s, static_cast<UserIndex>(s % kUsers),
                             static_cast<ItemIndex>(s * s % kItems)));
  }
  reader.join();
}

Interaction OneOf(Sequence sequence, UserIndex user, ItemIndex item) {
  Interaction one;
  one.sequence = sequence;
  one.user = user;
  one.item = item;
  return one;
}

TEST(InteractionsTest, ManyAtATimeComeToTheSame) {
  std::vector<Interaction> all;
  uint32_t mixed = 1;
  for (Sequence s = 1; s <= 20000; ++s) {
    mixed = mixed * 1664525 + 1013904223;
    all.push_back(OneOf(s, (mixed >> 16) % 37, (mixed >> 8) % 211));
  }
  Interactions one_by_one;
  for (const Interaction& one : all) one_by_one.Append(one);
  Interactions together;
  together.AppendAll({all.begin(), all.begin() + 7000});
  together.AppendAll({all.begin() + 7000, all.end()});
  ASSERT_EQ(together.size(), one_by_one.size());
  EXPECT_EQ(together.last_sequence(), one_by_one.last_sequence());
  for (UserIndex user = 0; user < 37; ++user) {
    std::vector<ItemIndex> a, b;
    one_by_one.CopySeen(user, &a);
    together.CopySeen(user, &b);
    EXPECT_EQ(a, b);
    std::vector<HistoryEntry> x, y;
    one_by_one.CopyHistory(user, 1000, &x);
    together.CopyHistory(user, 1000, &y);
    ASSERT_EQ(x.size(), y.size());
    for (size_t i = 0; i < x.size(); ++i) {
      EXPECT_EQ(x[i].sequence, y[i].sequence);
    }
  }
  for (ItemIndex item = 0; item < 211; ++item) {
    EXPECT_EQ(one_by_one.ItemCount(item), together.ItemCount(item));
    std::vector<UserIndex> a, b;
    one_by_one.CopyRecentUsers(item, &a);
    together.CopyRecentUsers(item, &b);
    EXPECT_EQ(a, b);
  }
}

TEST(InteractionsTest, EraseForgetsUsersAndItemsAndNothingElse) {
  Interactions interactions;
  interactions.Append(OneOf(1, 0, 0));
  interactions.Append(OneOf(2, 1, 0));
  interactions.Append(OneOf(3, 0, 1));
  interactions.Append(OneOf(4, 1, 1));
  interactions.Append(OneOf(5, 1, 2));
  interactions.Erase({0}, {1});
  interactions.Erase({0}, {1});  // once more changes nothing
  EXPECT_EQ(interactions.num_erased(), 3u);
  EXPECT_EQ(interactions.size(), 5u);
  EXPECT_FALSE(HasSeen(interactions, 0, 0));
  EXPECT_FALSE(HasSeen(interactions, 1, 1));
  EXPECT_TRUE(HasSeen(interactions, 1, 0));
  EXPECT_TRUE(HasSeen(interactions, 1, 2));
  EXPECT_EQ(interactions.ItemCount(0), 1u);
  EXPECT_EQ(interactions.ItemCount(1), 0u);
  std::vector<UserIndex> users;
  interactions.CopyRecentUsers(0, &users);
  EXPECT_EQ(users, std::vector<UserIndex>{1});
  std::vector<HistoryEntry> history;
  interactions.CopyHistory(1, 10, &history);
  EXPECT_EQ(history.size(), 2u);
  for (const size_t position : {0, 2, 3}) {
    EXPECT_TRUE(Interactions::IsErased(interactions.At(position)));
    EXPECT_EQ(interactions.At(position).sequence, position + 1);
    EXPECT_EQ(interactions.At(position).user, 0u);
    EXPECT_EQ(interactions.At(position).item, 0u);
  }
  EXPECT_EQ(interactions.PositionAfter(0), 0u);
  EXPECT_EQ(interactions.PositionAfter(3), 3u);
  EXPECT_EQ(interactions.PositionAfter(99), 5u);
}

}  // namespace
}  // namespace taud::model
