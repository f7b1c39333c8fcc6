#include "lab/simulator.h"

#include <map>
#include <set>

#include "gtest/gtest.h"

namespace taud::lab {
namespace {

Simulator::Options Small() {
  Simulator::Options options;
  options.users = 50;
  options.items = 120;
  options.genres = 6;
  return options;
}

TEST(SimulatorTest, TheSameSeedGivesTheSameStream) {
  Simulator a(Small());
  Simulator b(Small());
  Simulator::Options other = Small();
  other.seed = 2;
  Simulator c(other);
  int different = 0;
  for (int i = 0; i < 1000; ++i) {
    const Simulator::Event x = a.Next();
    const Simulator::Event y = b.Next();
    const Simulator::Event z = c.Next();
    EXPECT_EQ(x.user, y.user);
    EXPECT_EQ(x.item, y.item);
    EXPECT_EQ(x.kind, y.kind);
    different += x.user != z.user || x.item != z.item;
  }
  EXPECT_GT(different, 900);
}

TEST(SimulatorTest, UsersPreferTheirGenreAndPopularItems) {
  Simulator simulator(Small());
  int favourite = 0;
  std::map<uint32_t, int> count;
  for (int i = 0; i < 3000; ++i) {
    const Simulator::Event event = simulator.Next();
    ++count[event.item];
    favourite += simulator.items()[event.item].genre ==
                 simulator.FavouriteGenre(event.user);
  }
  EXPECT_GT(favourite, 3000 / 3);
  // Items 0–5 are the most popular of their genres, 114–119 the least.
  int head = 0;
  int tail = 0;
  for (uint32_t g = 0; g < 6; ++g) {
    head += count[g];
    tail += count[114 + g];
  }
  EXPECT_GT(head, tail);
}

TEST(SimulatorTest, AUserTakesAnItemOnceWhileThereAreOthers) {
  Simulator::Options options = Small();
  options.items = 5000;
  Simulator simulator(options);
  std::set<std::pair<uint32_t, uint32_t>> taken;
  int repeated = 0;
  for (int i = 0; i < 2000; ++i) {
    const Simulator::Event event = simulator.Next();
    repeated += !taken.insert({event.user, event.item}).second;
  }
  EXPECT_EQ(repeated, 0);
}

TEST(SimulatorTest, DriftChangesEveryTaste) {
  Simulator simulator(Small());
  std::vector<std::string> before;
  for (uint32_t u = 0; u < 50; ++u) {
    before.push_back(simulator.FavouriteGenre(u));
  }
  simulator.Drift();
  for (uint32_t u = 0; u < 50; ++u) {
    EXPECT_NE(simulator.FavouriteGenre(u), before[u]);
  }
}

}  // namespace
}  // namespace taud::lab
