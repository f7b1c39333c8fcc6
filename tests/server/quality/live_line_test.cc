#include "server/quality/live_line.h"

#include "gtest/gtest.h"

namespace taud::server {
namespace {

// `events` of the serving version: it hits in `now`, the reference in `then`,
// on the same events as far as there are.
void Serve(int events, int now, int then, LiveLine* line) {
  for (int e = 0; e < events; ++e) {
    EvaluatedEvent event;
    event.rank = e < now ? 1 : 0;
    event.reference_rank = e < then ? 1 : 0;
    line->Add(event);
  }
}

TEST(LiveLineTest, NothingIsSaidWithoutEvents) {
  LiveLine line;
  EXPECT_EQ(line.Judge(), LiveVerdict::kUndecided);
  line.Begin();
  EXPECT_EQ(line.Judge(), LiveVerdict::kUndecided);
}

TEST(LiveLineTest, AsGoodOverFiveHundredEventsIsGood) {
  LiveLine line;
  line.Begin();
  Serve(499, 100, 100, &line);
  EXPECT_EQ(line.Judge(), LiveVerdict::kUndecided);
  Serve(1, 0, 0, &line);
  EXPECT_EQ(line.Judge(), LiveVerdict::kGood);
}

TEST(LiveLineTest, FarFewerHitsIsFallenAndTheHitsAreNamed) {
  LiveLine line;
  line.Begin();
  // 20 that only the reference has: 2^-20 by chance.
  Serve(40, 0, 20, &line);
  PairedHits evidence;
  ASSERT_EQ(line.Judge(&evidence), LiveVerdict::kFallen);
  EXPECT_EQ(evidence.events, 40u);
  EXPECT_EQ(evidence.only_reference, 20u);
}

TEST(LiveLineTest, OneHitFewerThanSureIsUndecided) {
  LiveLine line;
  line.Begin();
  Serve(40, 0, 19, &line);
  EXPECT_EQ(line.Judge(), LiveVerdict::kUndecided);
}

TEST(LiveLineTest, AFifthFewerIsNoFallHoweverSure) {
  LiveLine line;
  line.Begin();
  Serve(4000, 3000, 3600, &line);
  EXPECT_EQ(line.Judge(), LiveVerdict::kGood);
}

// All together: 101 hits of 132, of which no more than 31 are missing; a test
// of the whole line would call 600 such events good.
TEST(LiveLineTest, WhatGoodVersionsHitDoesNotHideABadOne) {
  LiveLine line;
  line.Begin();
  Serve(480, 110, 111, &line);
  line.Begin();
  Serve(60, 1, 30, &line);
  PairedHits evidence;
  ASSERT_EQ(line.Judge(&evidence), LiveVerdict::kFallen);
  EXPECT_EQ(evidence.events, 60u);
}

// 124 hits of 137 over 550 events; but the newest have 1 of 12.
TEST(LiveLineTest, ABadVersionIsNoReferenceOnAccountOfThoseBefore) {
  LiveLine line;
  line.Begin();
  Serve(500, 123, 125, &line);
  line.Begin();
  Serve(50, 1, 12, &line);
  EXPECT_EQ(line.Judge(), LiveVerdict::kUndecided);
}

// Versions of a second each, ten events of their own.
TEST(LiveLineTest, ManyShortVersionsAreJudgedTogether) {
  LiveLine line;
  line.Begin();
  Serve(450, 100, 100, &line);
  int versions = 0;
  while (line.Judge() != LiveVerdict::kFallen && versions < 20) {
    line.Begin();
    Serve(10, 0, 3, &line);
    ++versions;
  }
  // 21 that only the reference has.
  EXPECT_EQ(versions, 7);
}

TEST(LiveLineTest, AGoodVersionBehindABadOneIsNotBlamed) {
  LiveLine line;
  line.Begin();
  Serve(60, 0, 19, &line);
  line.Begin();
  Serve(30, 8, 9, &line);
  line.Begin();
  EXPECT_EQ(line.Judge(), LiveVerdict::kUndecided);
  Serve(30, 8, 10, &line);
  EXPECT_EQ(line.Judge(), LiveVerdict::kUndecided);
}

TEST(LiveLineTest, ANewReferenceBeginsAnew) {
  LiveLine line;
  line.Begin();
  Serve(40, 0, 30, &line);
  line.Restart();
  line.Begin();
  EXPECT_EQ(line.Judge(), LiveVerdict::kUndecided);
}

TEST(LiveLineTest, OldVersionsAreCountedAsOne) {
  LiveLine line;
  for (int version = 0; version < 200; ++version) {
    line.Begin();
    Serve(3, 1, 1, &line);
  }
  EXPECT_EQ(line.Judge(), LiveVerdict::kGood);
}

}  // namespace
}  // namespace taud::server
