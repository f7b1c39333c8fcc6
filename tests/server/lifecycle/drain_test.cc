#include "server/lifecycle/drain.h"

#include <new>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::server {
namespace {

using ::testing::ElementsAre;

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

// Steps that write down that they were run.
struct Recorded {
  Recorded() {
    const auto note = [this](const char* name) {
      return [this, name] { run.push_back(name); };
    };
    const auto note_timed = [this](const char* name) {
      return [this, name](absl::Time deadline) {
        run.push_back(name);
        deadlines.push_back(deadline);
      };
    };
    steps.say_not_serving = note("health");
    steps.call_off_backup = note("backup");
    steps.end_streams = note("streams");
    steps.finish_calls = note_timed("calls");
    steps.stop_watching = note("quality");
    steps.publish_last = note_timed("publish");
    steps.stop_pages = note("pages");
    steps.stop_learning = note("trainer");
    steps.save_training = note("checkpoint");
    steps.stop_publishing = note("publisher");
    steps.stop_searching = note("searchers");
    steps.close_log = note("log");
  }
  DrainSteps steps;
  std::vector<std::string> run;
  std::vector<absl::Time> deadlines;
};

TEST(DrainTest, CallsEndBeforeWhatAnswersThemAndTheLogIsLast) {
  Recorded recorded;
  RunDrain(recorded.steps, kNow);
  EXPECT_THAT(recorded.run,
              ElementsAre("health", "backup", "streams", "calls", "quality",
                          "publish", "pages", "trainer", "checkpoint",
                          "publisher", "searchers", "log"));
  EXPECT_THAT(recorded.deadlines, ElementsAre(kNow, kNow));
}

TEST(DrainTest, AStartThatFailedOnTheWayStopsWhatThereIs) {
  Recorded recorded;
  DrainSteps some;
  some.stop_publishing = recorded.steps.stop_publishing;
  some.close_log = recorded.steps.close_log;
  RunDrain(some, kNow);
  EXPECT_THAT(recorded.run, ElementsAre("publisher", "log"));
}

TEST(DrainTest, WhatThrowsStopsNothingElse) {
  Recorded recorded;
  recorded.steps.end_streams = [] { throw std::bad_alloc(); };
  recorded.steps.publish_last = [](absl::Time) { throw std::bad_alloc(); };
  recorded.steps.save_training = [] { throw std::bad_alloc(); };
  RunDrain(recorded.steps, kNow);
  EXPECT_THAT(recorded.run,
              ElementsAre("health", "backup", "calls", "quality", "pages",
                          "trainer", "publisher", "searchers", "log"));
}

TEST(DrainTest, ALastSnapshotIsPublishedUnlessItTakesSomethingBack) {
  const struct {
    const char* name;
    LastSnapshot last;
    bool wanted;
  } cases[] = {
      {"nothing serves yet", {false, std::nullopt, 0}, true},
      {"something was learnt", {false, 100, 120}, true},
      {"all was learnt; more passes", {false, 120, 120}, true},
      {"the trainer is catching up after a kill", {false, 120, 100}, false},
      {"rolled back", {true, 100, 120}, false},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(WantsLastSnapshot(one.last), one.wanted) << one.name;
  }
}

TEST(DrainTest, ItIsWaitedForASecondAtLeast) {
  EXPECT_EQ(WaitForLastUntil(kNow + absl::Seconds(10), kNow),
            kNow + absl::Seconds(10));
  EXPECT_EQ(WaitForLastUntil(kNow - absl::Seconds(1), kNow),
            kNow + absl::Seconds(1));
}

}  // namespace
}  // namespace taud::server
