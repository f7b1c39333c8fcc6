#include "server/observe/problems.h"

#include <functional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using v1::Problem;

constexpr int64_t kNow = 1'700'000'000'000;
constexpr int64_t kFourMinutesAgo = kNow - 240'000;
constexpr uint64_t kMiB = uint64_t{1} << 20;

// A daemon that is well.
struct World {
  World() {
    status.set_now_ms(kNow);
    status.set_started_ms(kNow - 3'600'000);
    status.set_phase("SERVING");
    status.set_ready(true);
    status.mutable_trainer()->set_state("idle");
    v1::ServingStatus* serving = status.mutable_serving();
    serving->set_snapshot_version(41);
    serving->set_snapshot_trained_through(1000);
    serving->set_last_swap_ms(kFourMinutesAgo);
    serving->set_live_snapshots(1);
    status.mutable_log()->set_interactions(1000);
    status.mutable_log()->set_last_sequence(1000);
    status.mutable_log()->set_read_percent(100);
    v1::StorageStatus* storage = status.mutable_storage();
    storage->set_capacity_bytes(100'000 * kMiB);
    storage->set_free_bytes(50'000 * kMiB);
    storage->set_min_free_bytes(256 * kMiB);
    conditions.max_queued = 65536;
    conditions.max_queued_bytes = 64 * kMiB;
  }
  std::vector<Problem> Find() const { return FindProblems(status, conditions); }

  v1::Status status;
  Conditions conditions;
};

TEST(ProblemsTest, AHealthyDaemonHasNone) {
  World world;
  EXPECT_TRUE(world.Find().empty());
  EXPECT_EQ(Summarise(world.status),
            "nothing is wrong, snapshot 41 serves, trained on everything");
  world.status.mutable_log()->set_last_sequence(1007);
  EXPECT_THAT(Summarise(world.status),
              HasSubstr("all but the last 7 interactions"));
}

TEST(ProblemsTest, EachHasItsSeverityCodeAndText) {
  const struct {
    const char* name;
    std::function<void(World*)> make;
    Problem::Severity severity;
    const char* code;
    std::vector<const char*> says;
  } cases[] = {
      {"no snapshot",
       [](World* w) {
         w->status.set_ready(false);
         w->status.mutable_serving()->set_snapshot_version(0);
       },
       Problem::SEVERITY_CRITICAL,
       "nothing_serves",
       {"since 2023-11-14 21:13:20 UTC (60 min)", "no snapshot yet"}},
      {"the first model is being made",
       [](World* w) {
         w->status.set_ready(false);
         w->status.mutable_serving()->set_snapshot_version(0);
         w->status.mutable_trainer()->set_state("training");
         w->conditions.trainer_since_ms = kNow - 5'000;
       },
       Problem::SEVERITY_INFO,
       "nothing_serves",
       {"first model is being made"}},
      {"the first model takes too long",
       [](World* w) {
         w->status.set_ready(false);
         w->status.mutable_serving()->set_snapshot_version(0);
         w->status.mutable_trainer()->set_state("training");
         w->conditions.trainer_since_ms = kFourMinutesAgo;
       },
       Problem::SEVERITY_CRITICAL,
       "nothing_serves",
       {"no snapshot yet"}},
      {"reading the log, and no snapshot",
       [](World* w) {
         w->status.set_ready(false);
         w->status.set_phase("STARTING");
         w->status.mutable_serving()->set_snapshot_version(0);
       },
       Problem::SEVERITY_CRITICAL,
       "nothing_serves",
       {"the log is being read"}},
      {"reading the log",
       [](World* w) {
         w->status.set_ready(false);
         w->status.set_phase("STARTING");
         w->status.mutable_log()->set_read_percent(43);
       },
       Problem::SEVERITY_WARNING,
       "history_incomplete",
       {"43 %", "that the user has had"}},
      {"reading the log, ready all the same",
       [](World* w) {
         w->status.set_phase("STARTING");
         w->status.mutable_log()->set_read_percent(43);
       },
       Problem::SEVERITY_WARNING,
       "history_incomplete",
       {"43 %"}},
      {"empty",
       [](World* w) {
         w->status.set_ready(false);
         w->status.mutable_log()->set_interactions(0);
       },
       Problem::SEVERITY_INFO,
       "nothing_serves",
       {"tauctl ingest"}},
      {"dislikes only",
       [](World* w) {
         w->status.set_ready(false);
         w->status.mutable_trainer()->set_state("waiting");
       },
       Problem::SEVERITY_INFO,
       "nothing_serves",
       {"no positive interactions"}},
      {"draining",
       [](World* w) { w->status.set_phase("DRAINING"); },
       Problem::SEVERITY_WARNING,
       "nothing_serves",
       {"stopping"}},
      {"disk full",
       [](World* w) {
         w->status.mutable_log()->set_refusing(
             "store.min_free_mib asks for 256");
         w->conditions.refusing_since_ms = kFourMinutesAgo;
         w->status.mutable_storage()->set_free_bytes(kMiB);
       },
       Problem::SEVERITY_CRITICAL,
       "writes_refused",
       {"since 2023-11-14 22:09:20 UTC (4 min)", "min_free_mib", "by itself"}},
      {"queue full",
       [](World* w) { w->status.mutable_log()->set_queued(65000); },
       Problem::SEVERITY_WARNING,
       "writes_refused",
       {"65000 interactions wait", "ingestion.max_queue"}},
      {"queue full by bytes",
       [](World* w) { w->status.mutable_log()->set_queued_bytes(64 * kMiB); },
       Problem::SEVERITY_WARNING,
       "writes_refused",
       {"queue of the log is full"}},
      {"learning failed",
       [](World* w) {
         w->status.mutable_trainer()->set_state("failed");
         w->status.mutable_trainer()->set_error("loss is nan");
         w->conditions.trainer_since_ms = kFourMinutesAgo;
       },
       Problem::SEVERITY_WARNING,
       "learning_failed",
       {"loss is nan", "(4 min)", "Restart"}},
      {"paused",
       [](World* w) { w->status.mutable_trainer()->set_state("paused"); },
       Problem::SEVERITY_INFO,
       "learning_paused",
       {"tauctl resume"}},
      {"snapshots",
       [](World* w) {
         w->conditions.snapshots_not_saved = {kFourMinutesAgo, "no room"};
       },
       Problem::SEVERITY_WARNING,
       "snapshots_not_saved",
       {"(4 min): no room", "older one"}},
      {"checkpoints",
       [](World* w) {
         w->conditions.checkpoints_not_saved = {kFourMinutesAgo, "no room"};
       },
       Problem::SEVERITY_WARNING,
       "checkpoints_not_saved",
       {"(4 min): no room"}},
      {"erasing",
       [](World* w) { w->status.mutable_log()->set_pending_erasures(1); },
       Problem::SEVERITY_INFO,
       "erasure_pending",
       {"Of 1 erasure some copy", "being done"}},
      {"erasure failed",
       [](World* w) {
         w->status.mutable_log()->set_pending_erasures(2);
         w->conditions.erasure = {kFourMinutesAgo, "no room"};
       },
       Problem::SEVERITY_WARNING,
       "erasure_pending",
       {"Of 2 erasures", "no room", "tried again"}},
      {"rejections",
       [](World* w) {
         w->status.mutable_serving()->set_rejected_in_a_row(3);
         w->status.mutable_serving()->set_last_rejection("spread 0.01");
       },
       Problem::SEVERITY_WARNING,
       "snapshots_rejected",
       {"rejected 3 snapshots", "spread 0.01", "Version 41 serves on",
        "publish --force"}},
      {"a rejection that stands",
       [](World* w) {
         w->status.mutable_serving()->set_rejected_in_a_row(1);
         w->status.mutable_serving()->set_last_rejection("spread 0.01");
       },
       Problem::SEVERITY_WARNING,
       "snapshots_rejected",
       {"rejected the last snapshot: spread 0.01", "nothing more to learn",
        "publish --force"}},
      {"rolled back by itself",
       [](World* w) {
         w->status.mutable_serving()->set_automatic_rollbacks(1);
         w->status.mutable_serving()->set_pinned_version(40);
       },
       Problem::SEVERITY_WARNING,
       "quality_fell",
       {"version 40 was put back", "(4 min)"}},
      {"worse than popularity",
       [](World* w) {
         v1::LiveFigures* quality = w->status.mutable_quality();
         quality->set_events(500);
         quality->mutable_hit_rate_10()->set_value(.02);
         quality->mutable_hit_rate_10()->set_high(.03);
         quality->set_popularity_hit_rate_10(.05);
       },
       Problem::SEVERITY_WARNING,
       "quality_fell",
       {"foretold 2.0 %", "popular items 5.0 %"}},
      {"forced",
       [](World* w) { w->status.mutable_serving()->set_forced(true); },
       Problem::SEVERITY_WARNING,
       "forced_version",
       {"Version 41", "forced"}},
      {"pinned",
       [](World* w) { w->status.mutable_serving()->set_pinned_version(41); },
       Problem::SEVERITY_INFO,
       "version_pinned",
       {"Version 41 is pinned since", "tauctl publish"}},
      {"held",
       [](World* w) {
         w->conditions.oldest_held_seconds = 90;
         w->status.mutable_serving()->set_live_snapshots(3);
       },
       Problem::SEVERITY_WARNING,
       "snapshots_held",
       {"for 90 s", "3 are in memory"}},
      {"disk filling",
       [](World* w) {
         w->status.mutable_storage()->set_free_bytes(1000 * kMiB);
         w->status.mutable_storage()->set_log_bytes(700 * kMiB);
       },
       Problem::SEVERITY_WARNING,
       "disk_filling",
       {"1000 MiB left", "below 256 MiB", "log takes 700 MiB"}},
      {"audit log not written",
       [](World* w) {
         w->conditions.audit = {kFourMinutesAgo, "no space"};
       },
       Problem::SEVERITY_CRITICAL,
       "audit_not_written",
       {"(4 min): no space", "erasures"}},
      {"insecure",
       [](World* w) { w->conditions.insecure = true; },
       Problem::SEVERITY_INFO,
       "insecure",
       {"server.insecure"}},
  };
  for (const auto& c : cases) {
    World world;
    c.make(&world);
    const std::vector<Problem> found = world.Find();
    ASSERT_EQ(found.size(), 1u) << c.name;
    EXPECT_EQ(found[0].severity(), c.severity) << c.name;
    EXPECT_EQ(found[0].code(), c.code) << c.name;
    for (const char* part : c.says) {
      EXPECT_THAT(found[0].text(), HasSubstr(part)) << c.name;
    }
  }
}

TEST(ProblemsTest, WhatIsNoProblem) {
  const struct {
    const char* name;
    std::function<void(World*)> make;
  } cases[] = {
      {"one rejection",
       [](World* w) {
         w->status.mutable_trainer()->set_state("training");
         w->status.mutable_serving()->set_rejected_in_a_row(2);
       }},
      {"few events",
       [](World* w) {
         w->status.mutable_quality()->set_events(499);
         w->status.mutable_quality()->set_popularity_hit_rate_10(.5);
       }},
      {"as good as popularity, within the noise",
       [](World* w) {
         w->status.mutable_quality()->set_events(1000);
         w->status.mutable_quality()->mutable_hit_rate_10()->set_high(.06);
         w->status.mutable_quality()->set_popularity_hit_rate_10(.05);
       }},
      {"a usual request",
       [](World* w) { w->conditions.oldest_held_seconds = 10; }},
      {"not looked at yet",
       [](World* w) { w->status.mutable_storage()->Clear(); }},
      {"training",
       [](World* w) { w->status.mutable_trainer()->set_state("training"); }},
      {"half a queue",
       [](World* w) { w->status.mutable_log()->set_queued(30000); }},
  };
  for (const auto& c : cases) {
    World world;
    c.make(&world);
    EXPECT_TRUE(world.Find().empty()) << c.name;
  }
}

TEST(ProblemsTest, TheWorstIsFirstAndTheSummaryIsALine) {
  World world;
  world.conditions.insecure = true;
  world.status.mutable_serving()->set_forced(true);
  world.status.mutable_log()->set_refusing("the log cannot be written\n");
  std::vector<std::string> codes;
  for (const Problem& problem : world.Find()) {
    codes.push_back(problem.code());
    *world.status.add_problems() = problem;
  }
  EXPECT_THAT(codes,
              ElementsAre("writes_refused", "forced_version", "insecure"));
  EXPECT_EQ(Summarise(world.status),
            "critical: writes refused; warning: forced version; info: "
            "insecure");
}

TEST(ProblemsTest, WhatIsOnlyToKnowIsNotWrong) {
  World world;
  world.conditions.insecure = true;
  for (const Problem& problem : world.Find()) {
    *world.status.add_problems() = problem;
  }
  EXPECT_EQ(Summarise(world.status),
            "nothing is wrong, snapshot 41 serves, trained on everything; "
            "info: insecure");
}

TEST(SaveWatchTest, FromTheFirstFailureToTheNextSnapshotOnDisk) {
  SaveWatch watch;
  watch.Observe(/*errors=*/0, /*newest=*/7, "", 1000);
  EXPECT_EQ(watch.trouble().since_ms, 0);
  watch.Observe(1, 7, "no room", 2000);
  watch.Observe(1, 7, "", 3000);
  watch.Observe(3, 7, "less room", 4000);
  EXPECT_EQ(watch.trouble().since_ms, 2000);
  EXPECT_EQ(watch.trouble().why, "less room");
  watch.Observe(3, 9, "", 5000);
  EXPECT_EQ(watch.trouble().since_ms, 0);
  EXPECT_EQ(watch.trouble().why, "");
}

}  // namespace
}  // namespace taud::server
