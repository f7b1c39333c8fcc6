#include "server/quality/gate.h"

#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/test_world.h"

namespace taud::server {
namespace {

using testing::HasSubstr;

// --- The judgement, by figures -----------------------------------------------

GateFacts GoodFacts() {
  GateFacts facts;
  facts.candidate.users = 1000;
  facts.candidate.items = 1000;
  facts.candidate.pairs = 20000;
  facts.candidate.user_spread = {1000, .5};
  facts.candidate.item_spread = {1000, .4};
  facts.candidate.passes = 30;
  facts.candidate.tau0 = .1;
  facts.candidate.tau_user = {.08, .1, .12};
  facts.candidate.audited = 4;
  facts.candidate.lists.lists = 64;
  facts.candidate.lists.distinct = .4;
  facts.candidate.lists.top_item_share = .2;
  facts.serving = facts.candidate;
  facts.comparison = GateComparison();
  facts.comparison->compared_with = 7;
  facts.comparison->pairs_there = 30000;
  for (PairCounts& pairs : facts.comparison->pairs) pairs = {300, 50, 50, 600};
  return facts;
}

TEST(GateTest, AGoodOnePasses) {
  const v1::Verdict verdict = Judge(GoodFacts());
  EXPECT_TRUE(verdict.passed()) << Failures(verdict);
  EXPECT_EQ(verdict.compared_with(), 7u);
  EXPECT_EQ(Failures(verdict), "");
  for (const v1::Check& check : verdict.checks()) {
    EXPECT_TRUE(check.passed() && check.checked()) << check.DebugString();
    EXPECT_FALSE(check.text().empty()) << check.name();
  }
}

TEST(GateTest, TheFirstOneIsComparedWithNothing) {
  GateFacts facts = GoodFacts();
  facts.serving.reset();
  facts.comparison.reset();
  EXPECT_TRUE(Judge(facts).passed());
  EXPECT_EQ(Judge(facts).compared_with(), 0u);
}

TEST(GateTest, EachBoundIsOneThatCanBeBroken) {
  using Counts = PairCounts;
  const struct {
    const char* what;
    std::function<void(GateFacts*)> change;
    const char* failure;  // empty: it passes
  } cases[] = {
      {"parallel users", [](auto* f) { f->candidate.user_spread.length = .96; },
       "spread (users) 0.96, at most 0.85 (serving: 0.5)"},
      {"nearly parallel",
       [](auto* f) { f->candidate.user_spread.length = .84; }, ""},
      {"parallel items", [](auto* f) { f->candidate.item_spread.length = .99; },
       "spread (items)"},
      {"as parallel as what serves",
       [](auto* f) {
         f->serving->item_spread.length = .96;
         f->candidate.item_spread.length = .961;
       },
       ""},
      {"more parallel than what serves",
       [](auto* f) {
         f->serving->item_spread.length = .96;
         f->candidate.item_spread.length = .99;
       },
       "spread (items) 0.99, at most 0.962"},
      {"few rows may be alike",
       [](auto* f) {
         f->candidate.item_spread = {99, .99};
       },
       ""},
      {"nor a small catalogue's users",
       [](auto* f) {
         f->candidate.items = 20;
         f->candidate.user_spread.length = .99;
       },
       ""},
      {"beside a small one it has a bound of its own",
       [](auto* f) {
         f->serving->users = 60;
         f->serving->user_spread = {};
         f->candidate.user_spread.length = .94;
       },
       ""},
      {"and may not collapse",
       [](auto* f) {
         f->serving->users = 60;
         f->serving->user_spread = {};
         f->candidate.user_spread.length = .96;
       },
       "spread (users) 0.96, at most 0.95"},
      {"fewer than five interactions each tell nothing",
       [](auto* f) {
         f->candidate.user_spread = {0, 0};
       },
       ""},
      {"tau_u collapsed", [](auto* f) { f->candidate.tau_user = {}; },
       "temperatures (tau_user_p50) 0, at least 0.025"},
      {"tau0 leapt", [](auto* f) { f->candidate.tau0 = .41; },
       "temperatures (tau0) 0.41, at most 0.4"},
      {"tau0 is no number",
       [](auto* f) {
         f->candidate.tau0 = std::numeric_limits<double>::quiet_NaN();
       },
       "temperatures (tau0) nan"},
      {"tau0 rose", [](auto* f) { f->candidate.tau0 = .39; }, ""},
      {"the index does not find",
       [](auto* f) { f->candidate.index_recall = .5; }, "index_recall 0.5"},
      {"few items", [](auto* f) { f->candidate.lists.distinct = .09; },
       "coverage 0.09, at least 0.1"},
      {"a hub", [](auto* f) { f->candidate.lists.top_item_share = .7; },
       "concentration 0.7, at most 0.6"},
      {"more of a hub than before",
       [](auto* f) {
         f->serving->lists.top_item_share = .5;
         f->candidate.lists.top_item_share = .7;
       },
       ""},
      {"items gone", [](auto* f) { f->comparison->items_lost = 101; },
       "rows_missing (items) 0.101"},
      {"users gone", [](auto* f) { f->comparison->users_lost = 101; },
       "rows_missing (users) 0.101"},
      {"learnt less", [](auto* f) { f->candidate.pairs = 17999; },
       "pairs_learnt"},
      {"learnt less, for something was taken back",
       [](auto* f) {
         f->candidate.pairs = 17999;
         f->comparison->pairs_there = 19000;
       },
       ""},
      {"worse by a third",
       [](auto* f) {
         f->comparison->pairs[0] = Counts{150, 30, 200, 620};
       },
       "hit_rate (all) 0.18, at least 0.1999 (serving: 0.35)"},
      {"as bad by chance",
       [](auto* f) {
         f->comparison->pairs[0] = Counts{2, 5, 15, 980};
       },
       ""},
      {"surely, and hardly worse",
       [](auto* f) {
         f->comparison->pairs[0] = Counts{600, 0, 100, 300};
       },
       ""},
      {"the rarer half worse",
       [](auto* f) {
         f->comparison->pairs[2] = Counts{100, 30, 250, 620};
       },
       "hit_rate (tail) 0.13, at least 0.1999"},
      {"young: a third more to know, half as well",
       [](auto* f) {
         f->candidate.pairs = 27000;
         f->comparison->pairs[0] = Counts{200, 10, 220, 570};
       },
       ""},
      {"young, and collapsed",
       [](auto* f) {
         f->candidate.pairs = 27000;
         f->comparison->pairs[0] = Counts{30, 10, 400, 560};
       },
       "hit_rate (all) 0.04"},
      {"too few pairs to tell",
       [](auto* f) {
         f->comparison->pairs[0] = Counts{0, 0, 99, 0};
       },
       ""},
  };
  for (const auto& c : cases) {
    GateFacts facts = GoodFacts();
    c.change(&facts);
    const v1::Verdict verdict = Judge(facts);
    const std::string failure = c.failure;
    EXPECT_EQ(verdict.passed(), failure.empty())
        << c.what << ": " << Failures(verdict);
    EXPECT_THAT(Failures(verdict), HasSubstr(failure)) << c.what;
  }
}

// With a stream that is steady a third less is too much; where such falls are
// usual it is none.
TEST(GateTest, WhatIsUsualIsNoFall) {
  GateFacts worse = GoodFacts();
  worse.comparison->pairs[0] = PairCounts{200, 30, 150, 620};
  HitHistory steady;
  for (int i = 0; i < 100; ++i) steady.Note(*GoodFacts().comparison);
  EXPECT_GT(steady.LeastShare(GateComparison::kAll), .9);
  EXPECT_THAT(Failures(Judge(worse, steady)),
              HasSubstr("hit_rate (all) 0.23, at least 0.28"));
  HitHistory lively;
  for (int i = 0; i < 100; ++i) {
    GateComparison comparison;
    for (PairCounts& pairs : comparison.pairs) {
      pairs = i % 2 == 0 ? PairCounts{300, 100, 0, 600}
                         : PairCounts{300, 0, 100, 600};
    }
    lively.Note(comparison);
  }
  // ln(401 / 301) each time.
  EXPECT_NEAR(lively.LeastShare(GateComparison::kAll), std::pow(301.0 / 401, 8),
              .01);
  EXPECT_EQ(Failures(Judge(worse, lively)), "");
  // But a collapse is one at any rate.
  worse.comparison->pairs[0] = PairCounts{50, 0, 300, 650};
  EXPECT_THAT(Failures(Judge(worse, lively)),
              HasSubstr("hit_rate (all) 0.05, at least 0.0875"));
}

// A candidate that knows more has other things to keep in mind as well.
TEST(GateTest, WhoKnowsMoreMayHaveForgottenMore) {
  GateFacts grown = GoodFacts();
  grown.comparison->pairs[0] = PairCounts{200, 30, 150, 620};
  grown.candidate.pairs = 22000;  // a tenth more
  HitHistory steady;
  for (int i = 0; i < 100; ++i) steady.Note(*GoodFacts().comparison);
  // .35 · (.8 − .75 · .1)
  EXPECT_THAT(Failures(Judge(grown, steady)),
              HasSubstr("hit_rate (all) 0.23, at least 0.2537"));
  grown.candidate.pairs = 26000;  // a third: .35 · (.8 − .225)
  EXPECT_EQ(Failures(Judge(grown, steady)), "");
  // The same pairs, but a third more often; of an older version nobody knows.
  grown.candidate.pairs = 20000;
  grown.serving->passes = 23;
  EXPECT_EQ(Failures(Judge(grown, steady)), "");
  grown.serving->passes = 0;
  EXPECT_THAT(Failures(Judge(grown, steady)), HasSubstr("hit_rate (all)"));
}

// --- Measured on snapshots ---------------------------------------------------

constexpr size_t kUsers = 400, kItems = 300, kDim = 16, kKinds = 10;

// Users and items of ten kinds, each near its kind's own direction; everybody
// liked items of his kind.
class GateMeasuresTest : public testing::Test {
 protected:
  GateMeasuresTest() {
    FillDictionaries(kUsers, kItems, &state_);
    std::mt19937 random(3);
    for (size_t n = 0; n < 6000; ++n) {
      const uint32_t user = random() % kUsers;
      const uint32_t item =
          (random() % (kItems / kKinds)) * kKinds + user % kKinds;
      Interact(user, item, &state_, model::InteractionKind::kLike);
    }
    serving_ = Build(Good());
  }

  std::unique_ptr<model::Snapshot> Good() {
    auto snapshot = MakeSnapshot(kUsers, kItems, kDim, 5);
    const auto kinds = MakeSnapshot(kKinds, 1, kDim, 6);
    const auto lean = [&](model::Matrix* rows) {
      for (size_t r = 0; r < rows->rows; ++r) {
        double sum = 0;
        for (size_t c = 0; c < kDim; ++c) {
          float& value = rows->Row(r)[c];
          value = .5f * value + kinds->users.Row(r % kKinds)[c];
          sum += double{value} * value;
        }
        for (size_t c = 0; c < kDim; ++c) {
          rows->Row(r)[c] /= static_cast<float>(std::sqrt(sum));
        }
      }
    };
    lean(&snapshot->users);
    lean(&snapshot->items);
    for (uint32_t item = 0; item < kItems; ++item) {
      snapshot->item_popularity[item] =
          std::max(1u, state_.interactions.ItemPositives(item));
    }
    snapshot->trained_through = state_.interactions.last_sequence();
    return snapshot;
  }

  // What the gate says of a good one that was spoilt.
  std::string FailuresOf(const std::function<void(model::Snapshot*)>& spoil) {
    auto snapshot = Good();
    spoil(snapshot.get());
    const auto facts =
        MeasureForGate(*Build(std::move(snapshot)), serving_.get(), state_);
    EXPECT_TRUE(facts.ok()) << facts.status();
    return facts.ok() ? Failures(Judge(*facts)) : "";
  }

  model::State state_;
  std::shared_ptr<const ServingModel> serving_;
};

TEST_F(GateMeasuresTest, TheSameModelPassesAndKnowsItsPairs) {
  const auto facts = MeasureForGate(*Build(Good()), serving_.get(), state_);
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(Failures(Judge(*facts)), "");
  const PairCounts& all = facts->comparison->pairs[GateComparison::kAll];
  EXPECT_GT(all.all(), 900u);
  EXPECT_EQ(all.only_candidate + all.only_serving, 0u);
  EXPECT_GT(all.both, all.all() / 3);
  EXPECT_EQ(facts->comparison->list_overlap, 1);
  EXPECT_NEAR(facts->comparison->item_cosine, 1, 1e-6);
  EXPECT_EQ(facts->candidate.index_recall, 1);
}

TEST_F(GateMeasuresTest, BadOnesFailByWhatIsWrongWithThem) {
  EXPECT_THAT(FailuresOf([](model::Snapshot* s) {
                // Ids one place off: everybody gets another kind's items.
                const model::Matrix before = s->items;
                for (size_t i = 0; i < kItems; ++i) {
                  std::copy_n(before.Row((i + 1) % kItems), kDim,
                              s->items.Row(i));
                }
              }),
              HasSubstr("hit_rate (all)"));
  EXPECT_THAT(FailuresOf([](model::Snapshot* s) {
                *s = *MakeSnapshot(kUsers, kItems, kDim, 9);
              }),
              HasSubstr("hit_rate (all)"));
  EXPECT_THAT(
      FailuresOf([](model::Snapshot* s) {
        for (size_t u = 0; u < kUsers; ++u) {
          std::copy_n(s->items.Row(17), kDim, s->users.Row(u));
        }
      }),
      testing::AllOf(HasSubstr("spread (users)"), HasSubstr("concentration")));
  EXPECT_THAT(FailuresOf([](model::Snapshot* s) {
                for (size_t i = 0; i < kItems; i += 2) Untrain(i, s);
              }),
              HasSubstr("rows_missing (items) 0.5"));
  EXPECT_THAT(FailuresOf([](model::Snapshot* s) {
                s->temperatures.assign(kUsers, 1e-4f);
              }),
              HasSubstr("tau_user_p50"));
}

// Twenty thousand accounts with one item each stand where that item stands, and
// so do as many items of one account's.
TEST_F(GateMeasuresTest, RowsThatCameAtOnceAndAreAlikeStopNothing) {
  const auto grow = [](size_t more, const float* row, model::Matrix* rows,
                       std::vector<uint32_t>* counts) {
    for (size_t n = 0; n < more; ++n) {
      rows->values.insert(rows->values.end(), row, row + kDim);
      counts->push_back(n % 2 == 0 ? 1 : 6);
    }
    rows->rows += more;
  };
  auto snapshot = Good();
  const std::vector<float> one(snapshot->items.Row(3),
                               snapshot->items.Row(3) + kDim);
  grow(20000, one.data(), &snapshot->items, &snapshot->item_popularity);
  grow(20000, one.data(), &snapshot->users, &snapshot->user_degree);
  snapshot->temperatures.resize(snapshot->users.rows, .1f);
  const auto next = Build(std::move(snapshot));
  const auto facts = MeasureForGate(*next, serving_.get(), state_);
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(Failures(Judge(*facts)), "");
  // Nor do they when they serve.
  const auto after = MeasureForGate(*next, next.get(), state_);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(Failures(Judge(*after)), "");
}

// A wrong import that is undone: what serves knows it still, nobody else has
// to.
TEST_F(GateMeasuresTest, WhatWasTakenBackIsNotAskedAbout) {
  std::set<std::pair<uint32_t, uint32_t>> gone;
  for (const auto kind :
       {model::InteractionKind::kDislike, model::InteractionKind::kRetract}) {
    for (uint32_t user = 0; user < kUsers; user += 2) {
      std::vector<model::ItemIndex> liked;
      state_.interactions.CopyLiked(user, kItems, &liked);
      for (size_t n = 0; n < liked.size(); n += 2) {
        Interact(user, liked[n], &state_, kind);
        gone.emplace(user, liked[n]);
      }
    }
  }
  const PairSample sample =
      SamplePairs(state_, serving_->snapshot->trained_through, 10000, 100);
  EXPECT_GT(sample.pairs.size(), 500u);
  for (const auto& [user, item] : sample.pairs) {
    ASSERT_EQ(gone.count({user, item}), 0u) << user << " " << item;
  }
}

TEST_F(GateMeasuresTest, UsersWhoLikeNothingAnyMoreAreNotMissed) {
  const auto lose = [&](auto take_back) {
    auto snapshot = Good();
    for (uint32_t user = 0; user < kUsers; user += 2) {
      std::vector<model::ItemIndex> liked;
      state_.interactions.CopyLiked(user, kItems, &liked);
      for (const model::ItemIndex item : liked) take_back(user, item);
      std::fill_n(snapshot->users.Row(user), kDim, 0.0f);
      snapshot->user_degree[user] = 0;
      snapshot->temperatures[user] = 0;
    }
    const auto facts =
        MeasureForGate(*Build(std::move(snapshot)), serving_.get(), state_);
    EXPECT_TRUE(facts.ok()) << facts.status();
    return facts.ok() ? facts->comparison->users_lost : SIZE_MAX;
  };
  EXPECT_GT(lose([](uint32_t, uint32_t) {}), kUsers / 3);
  EXPECT_EQ(lose([&](uint32_t user, uint32_t item) {
              Interact(user, item, &state_, model::InteractionKind::kDislike);
            }),
            0u);
}

// What was taken back is rightly gone.
TEST_F(GateMeasuresTest, ItemsThatNobodyLikesAnyMoreAreNotMissed) {
  std::vector<uint32_t> half;
  for (uint32_t i = 0; i < kItems; i += 2) half.push_back(i);
  state_.interactions.Erase({}, half);
  const auto facts = MeasureForGate(*Build([&] {
    auto snapshot = Good();
    for (const uint32_t i : half) {
      Untrain(i, snapshot.get());
    }
    return snapshot;
  }()),
                                    serving_.get(), state_);
  ASSERT_TRUE(facts.ok());
  EXPECT_EQ(facts->comparison->items_lost, 0u);
}

}  // namespace
}  // namespace taud::server
