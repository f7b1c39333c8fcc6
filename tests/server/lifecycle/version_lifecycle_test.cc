#include "server/lifecycle/version_lifecycle.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace taud::server {
namespace {

using State = VersionLifecycle::State;

// The moves that lead to a state, from the beginning.
VersionLifecycle In(State state) {
  VersionLifecycle lifecycle;
  if (state == State::kIdle) return lifecycle;
  EXPECT_TRUE(lifecycle.Want(7).ok());
  if (state == State::kWanted) return lifecycle;
  EXPECT_TRUE(lifecycle.Load(7).ok());
  if (state == State::kLoading) return lifecycle;
  EXPECT_TRUE(lifecycle.Loaded().ok());
  return lifecycle;
}

TEST(VersionLifecycleTest, OnlyTheMovesOfTheDrawingAreMade) {
  struct Move {
    std::string name;
    State from;
    State to;
    std::function<absl::Status(VersionLifecycle*)> make;
  };
  const std::vector<Move> moves = {
      {"Want", State::kIdle, State::kWanted,
       [](auto* l) { return l->Want(8); }},
      {"Load", State::kWanted, State::kLoading,
       [](auto* l) { return l->Load(8); }},
      {"Loaded", State::kLoading, State::kReady,
       [](auto* l) { return l->Loaded(); }},
      {"Serve", State::kReady, State::kIdle,
       [](auto* l) { return l->Serve(); }},
      {"ServeNothing", State::kIdle, State::kIdle,
       [](auto* l) { return l->ServeNothing(); }},
  };
  for (const State state :
       {State::kIdle, State::kWanted, State::kLoading, State::kReady}) {
    for (const Move& move : moves) {
      SCOPED_TRACE(move.name + " from " + std::string(StateName(state)));
      VersionLifecycle lifecycle = In(state);
      const absl::Status made = move.make(&lifecycle);
      EXPECT_EQ(made.ok(), state == move.from) << made;
      EXPECT_EQ(lifecycle.state(), state == move.from ? move.to : state);
      if (!made.ok()) {
        EXPECT_EQ(made.code(), absl::StatusCode::kInternal);
      }
    }
  }
}

TEST(VersionLifecycleTest, WantedLoadingServingAndPinnedMayAllDiffer) {
  VersionLifecycle lifecycle = In(State::kReady);
  ASSERT_TRUE(lifecycle.Serve().ok());
  lifecycle.Pin(5);
  ASSERT_TRUE(lifecycle.Want(0).ok());
  EXPECT_EQ(lifecycle.loading(), std::nullopt);
  ASSERT_TRUE(lifecycle.Load(8).ok());
  EXPECT_EQ(lifecycle.wanted(), 0u);
  EXPECT_EQ(lifecycle.loading(), 8u);
  EXPECT_EQ(lifecycle.serving(), 7u);
  EXPECT_EQ(lifecycle.pinned(), 5u);
}

TEST(VersionLifecycleTest, WhatIsAbandonedLeavesServingAndPinnedAsTheyWere) {
  for (const State state : {State::kWanted, State::kLoading, State::kReady}) {
    SCOPED_TRACE(std::string(StateName(state)));
    VersionLifecycle lifecycle = In(State::kReady);
    ASSERT_TRUE(lifecycle.Serve().ok());
    lifecycle.Pin(7);
    ASSERT_TRUE(lifecycle.Want(9).ok());
    if (state != State::kWanted) {
      ASSERT_TRUE(lifecycle.Load(9).ok());
    }
    if (state == State::kReady) {
      ASSERT_TRUE(lifecycle.Loaded().ok());
    }
    ASSERT_EQ(lifecycle.state(), state);
    lifecycle.Abandon();
    EXPECT_EQ(lifecycle.state(), State::kIdle);
    EXPECT_EQ(lifecycle.wanted(), std::nullopt);
    EXPECT_EQ(lifecycle.loading(), std::nullopt);
    EXPECT_EQ(lifecycle.serving(), 7u);
    EXPECT_EQ(lifecycle.pinned(), 7u);
  }
}

TEST(VersionLifecycleTest, JudgesWhatIsOffered) {
  struct Case {
    std::string what;
    model::Sequence offered;
    std::optional<model::Sequence> serving;
    model::SnapshotVersion pinned;
    bool asked_for;
    OfferVerdict verdict;
  };
  const std::vector<Case> cases = {
      {"the first", 0, std::nullopt, 0, false, OfferVerdict::kTake},
      {"newer", 11, 10, 0, false, OfferVerdict::kTake},
      {"as far", 10, 10, 0, false, OfferVerdict::kTake},
      {"behind", 9, 10, 0, false, OfferVerdict::kBehind},
      {"behind, asked for", 9, 10, 0, true, OfferVerdict::kBehind},
      {"pinned", 11, 10, 4, false, OfferVerdict::kPinned},
      {"pinned, asked for", 11, 10, 4, true, OfferVerdict::kTake},
      {"pinned and behind", 9, 10, 4, true, OfferVerdict::kBehind},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(JudgeOffer(c.offered, c.serving, c.pinned, c.asked_for),
              c.verdict)
        << c.what;
  }
}

}  // namespace
}  // namespace taud::server
