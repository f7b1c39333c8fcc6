#include "lab/prequential.h"

#include <algorithm>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace taud::lab {
namespace {

// A stream in which nobody takes an item twice.
class Stream {
 public:
  void Add(uint32_t user, uint32_t item) {
    if (taken_.emplace(user, item).second) pairs_.push_back({user, item, true});
  }
  const std::vector<StreamPair>& pairs() const { return pairs_; }

 private:
  std::set<std::pair<uint32_t, uint32_t>> taken_;
  std::vector<StreamPair> pairs_;
};

// Users of one cluster take items of that cluster.
std::vector<StreamPair> Clusters(size_t count) {
  constexpr uint32_t kUsers = 90;
  constexpr uint32_t kItems = 240;
  constexpr uint32_t kClusters = 6;
  std::mt19937 random(5);
  Stream stream;
  while (stream.pairs().size() < count) {
    const uint32_t user = random() % kUsers;
    stream.Add(user,
               random() % (kItems / kClusters) * kClusters + user % kClusters);
  }
  return stream.pairs();
}

PrequentialOptions Small() {
  PrequentialOptions options;
  options.dim = 16;
  options.k = 10;
  options.windows = 5;
  options.nights = 5;
  options.chunk = 50;
  return options;
}

bool GoOn(double, const PrequentialWindow*) { return true; }

TEST(PrequentialTest, TheOnlineModelComesToKnowTheClusters) {
  const std::vector<StreamPair> stream = Clusters(2000);
  const auto result = RunPrequential(stream, Small(), GoOn);
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_EQ(result->windows.size(), 5u);
  const PrequentialWindow& last = result->windows.back();
  EXPECT_EQ(last.end, 2000u);
  EXPECT_EQ(last.tested, 400u);
  EXPECT_GT(last.hit_rate[kOnline], 2 * last.hit_rate[kPopularity]);
  EXPECT_GT(last.hit_rate[kNightly], 2 * last.hit_rate[kPopularity]);
  EXPECT_GT(last.ndcg[kOnline], 0);
  EXPECT_LE(last.ndcg[kOnline], last.hit_rate[kOnline]);
}

// Users who like everything, but one cluster at a time: where they are just now
// is all that can be known.
TEST(PrequentialTest, TheLatestItemsCountWhereTheyForetellTheNext) {
  constexpr uint32_t kUsers = 40, kClusters = 8, kEach = 50;
  std::mt19937 random(9);
  Stream stream;
  std::vector<uint32_t> cluster(kUsers);
  for (int n = 0; n < 6000; ++n) {
    const uint32_t user = random() % kUsers;
    if (random() % 12 == 0) cluster[user] = random() % kClusters;
    stream.Add(user, cluster[user] * kEach + random() % kEach);
  }
  const auto result = RunPrequential(stream.pairs(), Small(), GoOn);
  ASSERT_TRUE(result.ok());
  EXPECT_GE(result->weights.recent, 0.3f);
  EXPECT_GT(result->windows.back().hit_rate[kOnline],
            1.5 * result->windows.back().hit_rate[kNightly]);
}

// Everybody likes the same few items, and each user comes a few times only.
TEST(PrequentialTest, TheCommonTasteCountsWhereHistoriesAreShort) {
  std::mt19937 random(4);
  Stream stream;
  for (int n = 0; n < 4000; ++n) {
    const uint32_t user = random() % 900;
    stream.Add(user, std::min({random() % 200, random() % 200, random() % 200,
                               random() % 200}));
  }
  const auto result = RunPrequential(stream.pairs(), Small(), GoOn);
  ASSERT_TRUE(result.ok());
  EXPECT_GE(result->weights.prior, 3.0f);
  EXPECT_GT(result->windows.back().hit_rate[kOnline],
            0.8 * result->windows.back().hit_rate[kPopularity]);
}

TEST(PrequentialTest, TheTotalIsTheMeanOfTheWindows) {
  const auto result = RunPrequential(Clusters(1000), Small(), GoOn);
  ASSERT_TRUE(result.ok());
  double sum = 0;
  for (const PrequentialWindow& window : result->windows) {
    sum += window.hit_rate[kPopularity] * static_cast<double>(window.tested);
  }
  EXPECT_NEAR(result->total.hit_rate[kPopularity],
              sum / static_cast<double>(result->total.tested), 1e-12);
}

TEST(PrequentialTest, EachTestIsOfOneHistoryLength) {
  // Users 0 and 1 take 3 and 35 items.
  std::vector<StreamPair> stream;
  for (uint32_t n = 0; n < 3; ++n) stream.push_back({0, n, true});
  for (uint32_t n = 0; n < 35; ++n) stream.push_back({1, n, true});
  const auto result = RunPrequential(stream, Small(), GoOn);
  ASSERT_TRUE(result.ok()) << result.status();
  std::vector<size_t> tested;
  double hits = 0;
  for (const PrequentialWindow& window : result->by_history) {
    tested.push_back(window.tested);
    hits += window.hit_rate[kPopularity] * static_cast<double>(window.tested);
  }
  EXPECT_EQ(tested, (std::vector<size_t>{2, 4, 7, 20, 5}));
  EXPECT_NEAR(hits, result->total.hit_rate[kPopularity] * 38, 1e-9);
  EXPECT_GT(hits, 0);
}

TEST(PrequentialTest, WhatTheStreamAndTheSeedSayIsWhatComesOut) {
  const std::vector<StreamPair> stream = Clusters(600);
  const auto a = RunPrequential(stream, Small(), GoOn);
  const auto b = RunPrequential(stream, Small(), GoOn);
  ASSERT_TRUE(a.ok());
  ASSERT_TRUE(b.ok());
  EXPECT_EQ(a->total.hit_rate[kOnline], b->total.hit_rate[kOnline]);
  EXPECT_EQ(a->total.ndcg[kNightly], b->total.ndcg[kNightly]);
}

TEST(PrequentialTest, RepeatsAndUntestedPairsAreNotTested) {
  std::vector<StreamPair> stream = Clusters(200);
  stream.insert(stream.end(), stream.begin(), stream.begin() + 50);
  for (uint32_t i = 0; i < 30; ++i) stream.push_back({100 + i, 0, false});
  const auto result = RunPrequential(stream, Small(), GoOn);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->total.tested, 200u);
}

TEST(PrequentialTest, StopsWhenAskedToAndRefusesNothing) {
  int calls = 0;
  const auto stopped = RunPrequential(
      Clusters(500), Small(),
      [&](double, const PrequentialWindow*) { return ++calls < 3; });
  EXPECT_EQ(stopped.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(RunPrequential({}, Small(), GoOn).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(PrequentialTest, RecoveryCountsWindowsAfterTheDrift) {
  PrequentialResult result;
  const double rates[] = {0.2, 0.4, 0.6, 0.1, 0.2, 0.37, 0.5};
  for (size_t w = 0; w < 7; ++w) {
    PrequentialWindow window;
    window.end = 100 * (w + 1);
    window.hit_rate[kOnline] = rates[w];
    result.windows.push_back(window);
  }
  // The mean before is 0.4; 0.9 of it is 0.36.
  EXPECT_EQ(RecoveryWindows(result, 300, kOnline, 5, 0.9), 3);
  EXPECT_EQ(RecoveryWindows(result, 300, kOnline, 2, 0.9), 4);
  EXPECT_EQ(RecoveryWindows(result, 300, kOnline, 1, 0.9), -1);
}

}  // namespace
}  // namespace taud::lab
