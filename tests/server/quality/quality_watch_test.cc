#include "server/quality/quality_watch.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <new>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "query/fold_in.h"
#include "tests/server/test_world.h"

namespace taud::server {
namespace {

constexpr size_t kUsers = 30, kItems = 200, kDim = 16;

class QualityWatchTest : public testing::Test {
 protected:
  QualityWatchTest() { FillDictionaries(kUsers, kItems, &state_); }

  void Make(double share = 1) {
    QualityWatch::Options options;
    options.evaluation_share = share;
    options.steady_now = [this] { return now_; };
    options.cpu_time = [this] { return cpu_ += cpu_per_look_; };
    QualityWatch::Callbacks callbacks;
    callbacks.on_fall = [this](std::shared_ptr<const ServingModel> good,
                               model::SnapshotVersion bad, std::string why) {
      good_ = std::move(good);
      bad_ = bad;
      why_ = std::move(why);
      ++falls_;
    };
    callbacks.on_figures = [this](model::SnapshotVersion version,
                                  const v1::LiveFigures& figures) {
      figures_.emplace_back(version, figures);
    };
    callbacks.on_error = [this](const absl::Status&) { ++errors_; };
    watch_ = std::make_unique<QualityWatch>(options, &state_, callbacks);
    watch_->Begin();
  }
  std::shared_ptr<const ServingModel> Model(model::SnapshotVersion version,
                                            int seed) {
    auto snapshot = MakeSnapshot(kUsers, kItems, kDim, seed);
    snapshot->version = version;
    snapshot->trained_through = 0;
    return Build(std::move(snapshot));
  }
  void Look() {
    now_ += absl::Seconds(1);
    watch_->Look();
  }
  // Of what the model would rank n-th now.
  model::ItemIndex NthOf(const ServingModel& model, uint32_t user, size_t n) {
    RecommendTask task;
    task.user = user;
    task.k = n + 1;
    std::vector<Recommendation> answers;
    EXPECT_TRUE(Recommend(model, state_, 0, {&task, 1}, &answers).ok());
    return answers[0].items[n].item;
  }

  model::State state_;
  absl::Time now_ = absl::UnixEpoch();
  absl::Duration cpu_;
  absl::Duration cpu_per_look_;
  std::shared_ptr<const ServingModel> good_;
  model::SnapshotVersion bad_ = 0;
  std::string why_;
  int falls_ = 0;
  int errors_ = 0;  // read after Stop
  std::vector<std::pair<model::SnapshotVersion, v1::LiveFigures>> figures_;
  std::unique_ptr<QualityWatch> watch_;
};

// --- Beside a replay of the same events --------------------------------------

struct Event {
  uint32_t user;
  uint32_t item;
  model::InteractionKind kind;
};

// Replays events one by one with lists of its own: histories in plain vectors,
// every item scored, every item sorted.
class Replay {
 public:
  explicit Replay(const model::Snapshot* snapshot)
      : snapshot_(snapshot), fold_in_(snapshot) {}

  void Add(const Event& event) {
    std::vector<Event>& past = past_[event.user];
    const bool again =
        std::any_of(past.begin(), past.end(),
                    [&](const Event& e) { return e.item == event.item; });
    if (!again && model::IsPositive(event.kind)) {
      ranks_.push_back(RankBy(Scores(event.user), event));
      std::vector<double> popularity;
      for (size_t i = 0; i < kItems; ++i) {
        popularity.push_back(snapshot_->item_popularity[i]);
      }
      popular_ranks_.push_back(RankBy(popularity, event));
    }
    past.push_back(event);
    sequence_ += 1;
    sequences_[event.user].push_back(sequence_);
  }

  const std::vector<size_t>& ranks() const { return ranks_; }
  const std::vector<size_t>& popular_ranks() const { return popular_ranks_; }

 private:
  std::vector<double> Scores(uint32_t user) {
    query::FoldInInput input;
    input.trained = query::FindTrained(*snapshot_, user);
    std::vector<model::HistoryEntry> history;
    std::set<uint32_t> listed;
    const std::vector<Event>& past = past_[user];
    for (size_t i = past.size(); i > 0; --i) {
      if (!listed.insert(past[i - 1].item).second) continue;
      model::HistoryEntry entry;
      entry.item = past[i - 1].item;
      entry.kind = past[i - 1].kind;
      entry.sequence = sequences_[user][i - 1];
      history.push_back(entry);
    }
    if (history.size() > query::kMaxFoldIn) history.resize(query::kMaxFoldIn);
    input.history = history;
    std::vector<float> query;
    EXPECT_TRUE(fold_in_.Query(input, &query));
    std::vector<double> scores;
    for (size_t i = 0; i < kItems; ++i) {
      double score = 0;
      for (size_t c = 0; c < kDim; ++c) {
        score += double{snapshot_->items.Row(i)[c]} * query[c];
      }
      scores.push_back(score);
    }
    return scores;
  }

  size_t RankBy(const std::vector<double>& scores, const Event& event) {
    std::set<uint32_t> seen;
    for (const Event& e : past_[event.user]) seen.insert(e.item);
    std::vector<uint32_t> order;
    for (uint32_t i = 0; i < kItems; ++i) {
      if (seen.count(i) == 0) order.push_back(i);
    }
    std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      return scores[a] > scores[b];
    });
    const auto at = static_cast<size_t>(
        std::find(order.begin(), order.end(), event.item) - order.begin());
    return at < 100 ? at + 1 : 0;
  }

  const model::Snapshot* const snapshot_;
  const query::FoldIn fold_in_;
  std::map<uint32_t, std::vector<Event>> past_;
  std::map<uint32_t, std::vector<model::Sequence>> sequences_;
  model::Sequence sequence_ = 0;
  std::vector<size_t> ranks_;
  std::vector<size_t> popular_ranks_;
};

// Σ w·gain / Σ w with w = e^(−age / life).
double Faded(const std::vector<size_t>& ranks, double life,
             const std::function<double(size_t)>& gain) {
  double sum = 0;
  double weights = 0;
  for (size_t i = 0; i < ranks.size(); ++i) {
    const double w =
        std::exp(-static_cast<double>(ranks.size() - 1 - i) / life);
    sum += w * gain(ranks[i]);
    weights += w;
  }
  return sum / weights;
}

void ExpectFigures(const v1::Ranking& ranking, const std::vector<size_t>& ranks,
                   double life) {
  const auto hit = [](size_t k) {
    return [k](size_t rank) { return rank > 0 && rank <= k ? 1.0 : 0.0; };
  };
  const auto ndcg = [](size_t k) {
    return [k](size_t rank) {
      return rank > 0 && rank <= k ? std::log(2) / std::log(1.0 + rank) : 0.0;
    };
  };
  EXPECT_NEAR(ranking.hit_rate_10().value(), Faded(ranks, life, hit(10)), 1e-9);
  EXPECT_NEAR(ranking.hit_rate_20().value(), Faded(ranks, life, hit(20)), 1e-9);
  EXPECT_NEAR(ranking.ndcg_10().value(), Faded(ranks, life, ndcg(10)), 1e-9);
  EXPECT_NEAR(ranking.ndcg_20().value(), Faded(ranks, life, ndcg(20)), 1e-9);
  EXPECT_NEAR(ranking.mrr().value(),
              Faded(ranks, life,
                    [](size_t rank) { return rank > 0 ? 1.0 / rank : 0.0; }),
              1e-9);
}

std::vector<Event> RandomEvents(size_t count, bool repeats) {
  std::mt19937 random(11);
  std::vector<Event> events;
  std::set<std::pair<uint32_t, uint32_t>> taken;
  while (events.size() < count) {
    Event event{static_cast<uint32_t>(random() % kUsers),
                static_cast<uint32_t>(random() % kItems),
                model::InteractionKind::kLike};
    if (repeats && random() % 10 == 0) {
      event.kind = model::InteractionKind::kDislike;
    }
    if (!taken.insert({event.user, event.item}).second && !repeats) continue;
    events.push_back(event);
  }
  return events;
}

TEST_F(QualityWatchTest, AgreesWithAReplayOfTheSameEvents) {
  Make();
  const auto model = Model(1, 4);
  watch_->OnSwap(model, QualityWatch::Swap::kNext);
  Replay replay(model->snapshot.get());
  for (const Event& event : RandomEvents(600, true)) {
    Interact(event.user, event.item, &state_, event.kind);
    replay.Add(event);
    Look();
  }
  const v1::Evaluation evaluation = watch_->Report().evaluation();
  ASSERT_GT(replay.ranks().size(), 300u);
  EXPECT_EQ(evaluation.evaluated(), replay.ranks().size());
  EXPECT_EQ(evaluation.evaluated() + evaluation.skipped(), 600u);
  EXPECT_EQ(evaluation.unsampled(), 0u);
  ExpectFigures(evaluation.short_().model(), replay.ranks(), 1000);
  ExpectFigures(evaluation.long_().model(), replay.ranks(), 10000);
  ExpectFigures(evaluation.short_().popularity(), replay.popular_ranks(), 1000);
  double hits = 0;
  double unexpected = 0;
  for (size_t e = 0; e < replay.ranks().size(); ++e) {
    const bool hit = replay.ranks()[e] > 0 && replay.ranks()[e] <= 20;
    const bool popular =
        replay.popular_ranks()[e] > 0 && replay.popular_ranks()[e] <= 20;
    hits += hit;
    unexpected += hit && !popular;
  }
  EXPECT_EQ(evaluation.hits_20(), hits);
  EXPECT_EQ(evaluation.unexpected_hits_20(), unexpected);
}

// Each event is ranked as if those behind it had not come yet, though they are
// in the log by then.
TEST_F(QualityWatchTest, ABatchIsRankedAsIfItHadComeOneByOne) {
  Make();
  const auto model = Model(1, 4);
  watch_->OnSwap(model, QualityWatch::Swap::kNext);
  Replay replay(model->snapshot.get());
  const std::vector<Event> events = RandomEvents(600, false);
  for (size_t e = 0; e < events.size(); ++e) {
    Interact(events[e].user, events[e].item, &state_, events[e].kind);
    replay.Add(events[e]);
    if (e % 50 == 49) Look();
  }
  const v1::Evaluation evaluation = watch_->Report().evaluation();
  EXPECT_EQ(evaluation.evaluated(), 600u);
  ExpectFigures(evaluation.short_().model(), replay.ranks(), 1000);
}

// --- What is an event
// ----------------------------------------------------------

TEST_F(QualityWatchTest, WhatIsLearntRepeatedOrDislikedIsNone) {
  Make();
  Interact(1, 1, &state_);  // before it began to look
  Make();
  auto snapshot = MakeSnapshot(kUsers, kItems, kDim, 4);
  snapshot->version = 1;
  snapshot->trained_through = 2;
  watch_->OnSwap(Build(std::move(snapshot)), QualityWatch::Swap::kNext);
  Interact(2, 2, &state_);  // sequence 2: learnt
  Interact(1, 1, &state_);  // again
  Interact(3, 3, &state_, model::InteractionKind::kDislike);
  Interact(4, 4, &state_);
  // What came before it is not known: user 5 did it again meanwhile.
  Interact(5, 5, &state_);
  Interact(5, 5, &state_);
  Look();
  const v1::Evaluation evaluation = watch_->Report().evaluation();
  EXPECT_EQ(evaluation.evaluated(), 1u);
  EXPECT_EQ(evaluation.skipped(), 5u);
}

TEST_F(QualityWatchTest, NothingServesAndNothingIsEvaluated) {
  Make();
  Interact(1, 1, &state_);
  Look();
  EXPECT_EQ(watch_->Report().evaluation().evaluated(), 0u);
}

TEST_F(QualityWatchTest, ItTakesNoMoreThanItsShare) {
  Make(.01);
  watch_->OnSwap(Model(1, 4), QualityWatch::Swap::kNext);
  // Two readings of the clock a look: each look costs a tenth of a second.
  cpu_per_look_ = absl::Milliseconds(100);
  for (const Event& event : RandomEvents(1000, false)) {
    Interact(event.user, event.item, &state_, event.kind);
    if (state_.interactions.size() % 10 == 0) Look();
  }
  const v1::Evaluation evaluation = watch_->Report().evaluation();
  EXPECT_EQ(evaluation.evaluated() + evaluation.unsampled(), 1000u);
  // A hundred seconds went by.
  EXPECT_GT(evaluation.seconds(), .5);
  EXPECT_LE(evaluation.seconds(), 1.2);
  Make(0);
  watch_->OnSwap(Model(1, 4), QualityWatch::Swap::kNext);
  Interact(9, 9, &state_);
  Look();
  EXPECT_EQ(watch_->Report().evaluation().unsampled(), 1u);
  EXPECT_EQ(watch_->Report().evaluation().seconds(), 0);
}

// --- A fall
// ---------------------------------------------------------------------

// Users who take what the first model ranks first.
TEST_F(QualityWatchTest, AFallIsSeenAndTheVersionBeforeIsNamed) {
  Make();
  const auto first = Model(1, 4);
  watch_->OnSwap(first, QualityWatch::Swap::kNext);
  watch_->OnSwap(Model(2, 77), QualityWatch::Swap::kNext);
  size_t events = 0;
  while (falls_ == 0 && events < 500) {
    const auto user = static_cast<uint32_t>(events % kUsers);
    Interact(user, NthOf(*first, user, 3), &state_);
    ++events;
    Look();
  }
  EXPECT_EQ(falls_, 1);
  EXPECT_EQ(good_, first);
  EXPECT_EQ(bad_, 2u);
  EXPECT_LT(events, 60u);
  EXPECT_THAT(why_, testing::HasSubstr("on the same"));
  // It is said once.
  Interact(1, NthOf(*first, 1, 3), &state_);
  Look();
  EXPECT_EQ(falls_, 1);
  // And who serves again is compared with nothing.
  watch_->OnSwap(good_, QualityWatch::Swap::kChosen);
  EXPECT_EQ(watch_->Report().evaluation().against_previous().previous_version(),
            0u);
}

TEST_F(QualityWatchTest, AModelThatIsBetterDoesNotFall) {
  Make();
  watch_->OnSwap(Model(1, 77), QualityWatch::Swap::kNext);
  const auto second = Model(2, 4);
  watch_->OnSwap(second, QualityWatch::Swap::kNext);
  for (size_t e = 0; e < 300; ++e) {
    const auto user = static_cast<uint32_t>(e % kUsers);
    Interact(user, NthOf(*second, user, 3), &state_);
    Look();
  }
  EXPECT_EQ(falls_, 0);
  const v1::Comparison comparison =
      watch_->Report().evaluation().against_previous();
  EXPECT_EQ(comparison.version(), 2u);
  EXPECT_EQ(comparison.previous_version(), 1u);
  EXPECT_EQ(comparison.events(), 300u);
  EXPECT_GT(comparison.only_current(), 200u);
  EXPECT_LT(comparison.p_value(), 1e-6);
}

// A roll-back by hand is somebody's will.
TEST_F(QualityWatchTest, WhatWasChosenIsNotTakenBack) {
  Make();
  const auto better = Model(2, 4);
  watch_->OnSwap(better, QualityWatch::Swap::kNext);
  watch_->OnSwap(Model(1, 77), QualityWatch::Swap::kChosen);
  for (size_t e = 0; e < 200; ++e) {
    const auto user = static_cast<uint32_t>(e % kUsers);
    Interact(user, NthOf(*better, user, 3), &state_);
    Look();
  }
  EXPECT_EQ(falls_, 0);
}

TEST_F(QualityWatchTest, AfterAnErasureNothingHoldsWhatWasBefore) {
  Make();
  std::weak_ptr<const ServingModel> first, second;
  {
    const auto one = Model(1, 4);
    const auto two = Model(2, 5);
    first = one;
    second = two;
    watch_->OnSwap(one, QualityWatch::Swap::kNext);
    watch_->OnSwap(two, QualityWatch::Swap::kNext);
    Recommendation answer;
    answer.items.resize(3);
    watch_->lists()->Offer(*two, RecommendTask(), answer);
  }
  EXPECT_FALSE(first.expired());
  watch_->OnSwap(Model(3, 5), QualityWatch::Swap::kErasure);
  EXPECT_TRUE(first.expired());
  EXPECT_TRUE(second.expired());
}

TEST_F(QualityWatchTest, AVersionsOwnFiguresAreGivenWhenItGoes) {
  Make();
  const auto first = Model(1, 4);
  watch_->OnSwap(first, QualityWatch::Swap::kNext);
  for (uint32_t user = 0; user < 20; ++user) {
    Interact(user, NthOf(*first, user, user < 10 ? 2 : 50), &state_);
  }
  Look();
  watch_->OnSwap(Model(2, 5), QualityWatch::Swap::kNext);
  ASSERT_EQ(figures_.size(), 1u);
  EXPECT_EQ(figures_[0].first, 1u);
  EXPECT_EQ(figures_[0].second.events(), 20u);
  EXPECT_EQ(figures_[0].second.hit_rate_10().value(), .5);
}

TEST_F(QualityWatchTest, ATaskIsRunOnItsThreadOrDestroyed) {
  Make();
  absl::Notification ran;
  watch_->Start();
  ASSERT_TRUE(watch_->RunLater([&] { ran.Notify(); }).ok());
  ran.WaitForNotification();
  watch_->Stop();
  EXPECT_EQ(watch_->RunLater([] {}).code(), absl::StatusCode::kUnavailable);
}

// One task that throws takes neither the next one with it nor the thread.
TEST_F(QualityWatchTest, ATaskThatThrowsIsAnError) {
  Make();
  absl::Notification ran;
  watch_->Start();
  ASSERT_TRUE(watch_->RunLater([] { throw std::bad_alloc(); }).ok());
  ASSERT_TRUE(watch_->RunLater([&] { ran.Notify(); }).ok());
  ran.WaitForNotification();
  watch_->Stop();
  EXPECT_EQ(errors_, 1);
}

}  // namespace
}  // namespace taud::server
