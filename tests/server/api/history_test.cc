#include "server/api/history.h"

#include <cmath>
#include <limits>
#include <string>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace taud::server {
namespace {

constexpr int64_t kStartMs = 1700000040000;  // a whole minute
constexpr int64_t kStepMs = 5000;

Sample At(int64_t time_ms, double value) {
  Sample sample;
  sample.time_ms = time_ms;
  sample.figures.fill(value);
  return sample;
}

// One sample every five seconds, each with its number.
History Filled(int count) {
  History history;
  for (int i = 0; i < count; ++i) history.Add(At(kStartMs + i * kStepMs, i));
  return history;
}

nlohmann::json Samples(const History& history, int64_t since_ms = 0) {
  return nlohmann::json::parse(history.Json(since_ms)).at("samples");
}

size_t Column(const std::string& name) {
  for (size_t f = 0; f < kNumFigures; ++f) {
    if (kFigureRules[f].name == name) return f + 1;  // behind the time
  }
  ADD_FAILURE() << name;
  return 0;
}

TEST(HistoryTest, GivesWhatIsNewer) {
  const History history = Filled(10);
  EXPECT_EQ(Samples(history).size(), 10u);
  const auto newer = Samples(history, kStartMs + 7 * kStepMs);
  ASSERT_EQ(newer.size(), 2u);
  EXPECT_EQ(newer[0][0], kStartMs + 8 * kStepMs);
  EXPECT_EQ(newer[0][Column("loss")], 8);
}

TEST(HistoryTest, WhatIsNotKnownIsNull) {
  History history;
  history.Add(At(kStartMs, std::numeric_limits<double>::quiet_NaN()));
  history.Add(At(kStartMs + 1, std::numeric_limits<double>::infinity()));
  for (const auto& sample : Samples(history)) EXPECT_TRUE(sample[1].is_null());
}

TEST(HistoryTest, AClockThatWasSetBackLeavesAGap) {
  History history = Filled(3);
  history.Add(At(kStartMs, 7));
  EXPECT_EQ(Samples(history).size(), 3u);
}

TEST(HistoryTest, OldSamplesBecomeOneAMinute) {
  const History history = Filled(static_cast<int>(History::kFine) + 1);
  const auto samples = Samples(history);
  // The first minute's twelve are one.
  ASSERT_EQ(samples.size(), History::kFine + 1 - 11);
  EXPECT_EQ(samples[0][0], kStartMs + 11 * kStepMs);
  EXPECT_EQ(samples[0][Column("loss")], 5.5);               // mean
  EXPECT_EQ(samples[0][Column("answer_p99_seconds")], 11);  // most
  EXPECT_EQ(samples[0][Column("users")], 11);               // last
  EXPECT_EQ(samples[1][Column("loss")], 12);
}

TEST(HistoryTest, IsBoundedWhateverComes) {
  History history;
  for (int i = 0; i < 20000; ++i) history.Add(At(kStartMs + i * 60000, i));
  EXPECT_EQ(history.size(), History::kFine + History::kCoarse);
  EXPECT_LT(history.Encode().size(), size_t{1} << 18);
}

TEST(HistoryTest, ThinningLeavesOutWhatIsNotKnown) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Sample thin = Thin({At(1, nan), At(2, 4), At(3, nan)});
  EXPECT_EQ(thin.time_ms, 3);
  for (const double value : thin.figures) EXPECT_EQ(value, 4);
  EXPECT_TRUE(std::isnan(Thin({At(1, nan)})[Figure::kLoss]));
}

TEST(HistoryTest, SurvivesAsBytes) {
  const History history = Filled(500);
  const auto again = History::Decode(history.Encode());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->Json(0), history.Json(0));
  EXPECT_TRUE(History::Decode(History().Encode()).ok());
}

TEST(HistoryTest, DamageIsNoticed) {
  const std::string bytes = Filled(20).Encode();
  for (const size_t size :
       {size_t{0}, size_t{10}, bytes.size() / 2, bytes.size() - 1}) {
    EXPECT_FALSE(History::Decode(bytes.substr(0, size)).ok()) << size;
  }
  for (size_t at = 0; at < bytes.size(); at += 97) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    EXPECT_FALSE(History::Decode(damaged).ok()) << at;
  }
}

TEST(HistoryTest, EveryFigureHasANameOfItsOwn) {
  for (size_t f = 0; f < kNumFigures; ++f) {
    ASSERT_NE(kFigureRules[f].name, nullptr) << f;
    EXPECT_EQ(Column(kFigureRules[f].name), f + 1);
  }
}

TEST(LagClockTest, SaysHowLongTheOldestHasWaited) {
  LagClock clock;
  EXPECT_EQ(clock.Lag(0, 0), 0);
  clock.See(1, 10);
  clock.See(2, 10);  // nothing new
  clock.See(3, 20);
  EXPECT_EQ(clock.Lag(5, 0), 4);
  EXPECT_EQ(clock.Lag(5, 9), 4);
  EXPECT_EQ(clock.Lag(5, 10), 2);
  EXPECT_EQ(clock.Lag(5, 20), 0);
  EXPECT_EQ(clock.Lag(5, 99), 0);
}

TEST(LagClockTest, IsBounded) {
  LagClock clock;
  for (uint64_t i = 1; i <= 2 * LagClock::kMost; ++i) {
    clock.See(static_cast<double>(i), i);
  }
  // The oldest sighting that is left stands for those before it.
  EXPECT_EQ(clock.Lag(static_cast<double>(2 * LagClock::kMost), 0),
            static_cast<double>(LagClock::kMost - 1));
}

}  // namespace
}  // namespace taud::server
