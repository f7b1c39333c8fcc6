#include "server/serving/recommender.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "query/query_weights.h"
#include "tests/model/has_seen.h"
#include "tests/server/test_world.h"

namespace taud::server {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Not;

constexpr int64_t kNow = 1000000;

std::vector<model::ItemIndex> ItemsOf(const Recommendation& answer) {
  std::vector<model::ItemIndex> items;
  for (const RankedItem& ranked : answer.items) items.push_back(ranked.item);
  return items;
}

Recommendation Ask(const ServingModel& model, const model::State& state,
                   const RecommendTask& task, int64_t now = kNow) {
  std::vector<Recommendation> answers;
  const absl::Status status =
      Recommend(model, state, now, {&task, 1}, &answers);
  EXPECT_TRUE(status.ok()) << status;
  return answers.empty() ? Recommendation() : answers[0];
}

RecommendTask ForUser(std::optional<model::UserIndex> user, size_t k) {
  RecommendTask task;
  task.user = user;
  task.k = k;
  return task;
}

class RecommenderTest : public testing::Test {
 protected:
  RecommenderTest() { FillDictionaries(10, 50, &state_); }

  model::State state_;
};

TEST_F(RecommenderTest, ATrainedUserGetsTheNearestItems) {
  const auto model = Build(MakeSnapshot(10, 50, 8));
  const Recommendation answer = Ask(*model, state_, ForUser(3, 10));
  EXPECT_EQ(answer.representation, v1::REPRESENTATION_TRAINED);
  EXPECT_FLOAT_EQ(answer.temperature, 0.1f);
  ASSERT_EQ(answer.items.size(), 10u);
  double sum = 0;
  for (size_t i = 0; i < answer.items.size(); ++i) {
    double cosine = 0;
    for (size_t c = 0; c < 8; ++c) {
      cosine += double{model->snapshot->users.Row(3)[c]} *
                model->snapshot->items.Row(answer.items[i].item)[c];
    }
    EXPECT_NEAR(answer.items[i].score, cosine, 1e-5);
    if (i > 0) {
      EXPECT_LE(answer.items[i].score, answer.items[i - 1].score);
    }
    sum += answer.items[i].probability;
  }
  EXPECT_NEAR(sum, 1, 1e-5);
  EXPECT_NEAR(answer.items[1].probability / answer.items[0].probability,
              std::exp((answer.items[1].score - answer.items[0].score) / 0.1),
              1e-4);
}

// Promise 2, without any training: seen at once, and moving the answer.
TEST_F(RecommenderTest, AnInteractionIsSeenAndFoldedInAtOnce) {
  const auto model = Build(MakeSnapshot(10, 50, 8));
  const Recommendation before = Ask(*model, state_, ForUser(3, 50));
  const model::ItemIndex last = before.items.back().item;
  Interact(3, last, &state_);
  const Recommendation after = Ask(*model, state_, ForUser(3, 50));
  EXPECT_EQ(after.representation, v1::REPRESENTATION_FOLDED_IN);
  EXPECT_EQ(after.items.size(), 49u);
  EXPECT_THAT(ItemsOf(after), Each(Not(last)));
  EXPECT_NE(after.items[0].score, before.items[0].score);
}

TEST_F(RecommenderTest, WhatTheSnapshotLearntIsNotFoldedInAgain) {
  Interact(3, 7, &state_);
  auto snapshot = MakeSnapshot(10, 50, 8);
  snapshot->trained_through = state_.interactions.last_sequence();
  const auto model = Build(std::move(snapshot));
  const Recommendation answer = Ask(*model, state_, ForUser(3, 50));
  EXPECT_EQ(answer.representation, v1::REPRESENTATION_TRAINED);
  EXPECT_THAT(ItemsOf(answer), Each(Not(7u)));
}

// The weight that the trainer found makes what was learnt long since count.
TEST_F(RecommenderTest, TheLatestItemsMoveTheAnswerAsMuchAsTheSnapshotSays) {
  const auto top_score = [&](double weight, v1::Representation expected) {
    auto snapshot = MakeSnapshot(10, 50, 8);
    snapshot->trained_through = 1;
    snapshot->metrics[query::kRecentWeightMetric] = weight;
    const auto model = Build(std::move(snapshot));
    // Made, and then from the cache.
    const Recommendation first = Ask(*model, state_, ForUser(3, 5));
    const Recommendation again = Ask(*model, state_, ForUser(3, 5));
    EXPECT_EQ(first.representation, expected);
    EXPECT_EQ(again.representation, expected);
    EXPECT_EQ(first.items[0].score, again.items[0].score);
    return first.items[0].score;
  };
  Interact(3, 7, &state_);
  ASSERT_EQ(state_.interactions.last_sequence(), 1u);
  const float without = top_score(0, v1::REPRESENTATION_TRAINED);
  EXPECT_NE(top_score(1, v1::REPRESENTATION_TRAINED), without);
  Interact(3, 8, &state_);
  top_score(1, v1::REPRESENTATION_FOLDED_IN);
}

TEST_F(RecommenderTest, AStrangerGetsPopularItemsInOrder) {
  const auto model = Build(MakeSnapshot(10, 50, 8));
  const Recommendation answer = Ask(*model, state_, ForUser(std::nullopt, 3));
  EXPECT_EQ(answer.representation, v1::REPRESENTATION_POPULAR);
  EXPECT_THAT(ItemsOf(answer), ElementsAre(0, 1, 2));
  EXPECT_FLOAT_EQ(answer.items[0].score, 1.0f);
  EXPECT_FLOAT_EQ(answer.items[1].score, 49.0f / 50);
}

TEST_F(RecommenderTest, ANewUserIsFoldedInFromTheWholeHistory) {
  state_.users.Insert("new");
  // Before what the snapshot was trained through, yet never learnt.
  Interact(10, 4, &state_);
  auto snapshot = MakeSnapshot(10, 50, 8);
  snapshot->trained_through = 100;
  const auto model = Build(std::move(snapshot));
  const Recommendation answer = Ask(*model, state_, ForUser(10, 5));
  EXPECT_EQ(answer.representation, v1::REPRESENTATION_FOLDED_IN);
  EXPECT_FLOAT_EQ(answer.temperature, 0.2f);
  EXPECT_THAT(ItemsOf(answer), Each(Not(4u)));
}

TEST_F(RecommenderTest, ContextAloneIsTheQueryAndCountsAsSeen) {
  const auto model = Build(MakeSnapshot(10, 50, 8));
  RecommendTask task = ForUser(std::nullopt, 50);
  task.context = {9};
  const Recommendation answer = Ask(*model, state_, task);
  EXPECT_EQ(answer.representation, v1::REPRESENTATION_CONTEXT);
  EXPECT_EQ(answer.items.size(), 49u);
  EXPECT_THAT(ItemsOf(answer), Each(Not(9u)));

  // By inner products with the item's row, less half of the mean of all.
  const model::Snapshot& s = *model->snapshot;
  const std::vector<float> mean = query::MeanRow(s.items, s.item_popularity);
  std::vector<std::pair<double, model::ItemIndex>> expected;
  for (model::ItemIndex item = 0; item < 50; ++item) {
    double score = 0;
    for (size_t c = 0; c < 8; ++c) {
      score +=
          double{s.items.Row(9)[c] - 0.5f * mean[c]} * s.items.Row(item)[c];
    }
    if (item != 9) expected.emplace_back(-score, item);
  }
  std::sort(expected.begin(), expected.end());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(answer.items[i].item, expected[i].second) << i;
  }
}

TEST_F(RecommenderTest, SimilarItemsOfAnUntrainedItemHasNoAnswer) {
  auto snapshot = MakeSnapshot(10, 50, 8);
  Untrain(9, snapshot.get());
  const auto model = Build(std::move(snapshot));
  RecommendTask task;
  task.kind = RecommendTask::Kind::kSimilarItems;
  task.similar_to = 9;
  task.k = 5;
  const Recommendation answer = Ask(*model, state_, task);
  EXPECT_EQ(answer.representation, v1::REPRESENTATION_UNSPECIFIED);
  EXPECT_TRUE(answer.items.empty());
}

TEST_F(RecommenderTest, ItemsWithoutAVectorMakeTheAnswerWhole) {
  auto snapshot = MakeSnapshot(10, 48, 8);
  Untrain(20, snapshot.get());
  snapshot->trained_through = 100;
  const auto model = Build(std::move(snapshot));
  Interact(1, 49, &state_);
  // 47 trained ones, then the interacted-with 49, then 20 and 48.
  const Recommendation answer = Ask(*model, state_, ForUser(3, 1000));
  ASSERT_EQ(answer.items.size(), 50u);
  for (size_t i = 0; i < 47; ++i) EXPECT_FALSE(answer.items[i].unscored);
  for (size_t i = 47; i < 50; ++i) {
    EXPECT_TRUE(answer.items[i].unscored);
    EXPECT_EQ(answer.items[i].score, -1);
    EXPECT_EQ(answer.items[i].probability, 0);
  }
  EXPECT_EQ(answer.items[47].item, 49u);
  EXPECT_EQ(answer.items[48].item, 20u);
  EXPECT_EQ(answer.items[49].item, 48u);
}

TEST_F(RecommenderTest, HiddenAndUnavailableItemsNeverCome) {
  const auto model = Build(MakeSnapshot(10, 50, 8));
  model::ItemRecord hidden;
  hidden.hidden = true;
  state_.catalogue.Upsert(0, hidden);
  model::ItemRecord past;
  past.available_until_ms = kNow;
  state_.catalogue.Upsert(1, past);
  model::ItemRecord future;
  future.available_from_ms = kNow + 1;
  state_.catalogue.Upsert(2, future);
  for (const std::optional<model::UserIndex> user :
       {std::optional<model::UserIndex>(3),
        std::optional<model::UserIndex>()}) {
    const Recommendation now = Ask(*model, state_, ForUser(user, 50));
    EXPECT_EQ(now.items.size(), 47u);
    EXPECT_THAT(ItemsOf(now), Each(Not(0u)));
    EXPECT_THAT(ItemsOf(now), Each(Not(1u)));
    EXPECT_THAT(ItemsOf(now), Each(Not(2u)));
    EXPECT_EQ(Ask(*model, state_, ForUser(user, 50), kNow + 1).items.size(),
              48u);
  }
}

TEST_F(RecommenderTest, AFilterThatExcludesEverythingGivesNothing) {
  const auto model = Build(MakeSnapshot(10, 50, 8));
  RecommendTask task = ForUser(3, 10);
  task.filter.tags.any = {"no such tag"};
  EXPECT_TRUE(Ask(*model, state_, task).items.empty());
}

TEST_F(RecommenderTest, SeenItemsMayBeAskedFor) {
  const auto model = Build(MakeSnapshot(10, 50, 8));
  Interact(3, 7, &state_);
  RecommendTask task = ForUser(3, 50);
  task.filter.exclude_seen = false;
  EXPECT_EQ(Ask(*model, state_, task).items.size(), 50u);
}

// Random tags, histories and filters: exactly min(k, eligible), none
// forbidden, whoever asks.
TEST(RecommenderPropertyTest, ExactlyKWhateverTheFilter) {
  std::mt19937 random(5);
  for (int round = 0; round < 100; ++round) {
    SCOPED_TRACE(testing::Message() << "round " << round);
    const size_t items = 20 + random() % 300;
    const size_t trained = 1 + random() % items;
    model::State state;
    FillDictionaries(6, items, &state);
    auto snapshot = MakeSnapshot(5, trained, 8, round);
    const size_t untrained = random() % trained;
    Untrain(untrained, snapshot.get());
    // Otherwise the popularity order would be empty with one item.
    snapshot->trained_through = 1u << 30;
    if (trained == 1) snapshot = MakeSnapshot(5, 1, 8, round);
    const auto model = Build(std::move(snapshot));
    std::vector<std::set<std::string>> tags(items);
    std::vector<bool> hidden(items);
    for (size_t i = 0; i < items; ++i) {
      model::ItemRecord record;
      for (const char* tag : {"a", "b", "c"}) {
        if (random() % 3 == 0) tags[i].insert(tag);
      }
      record.tags.assign(tags[i].begin(), tags[i].end());
      record.hidden = hidden[i] = random() % 10 == 0;
      state.catalogue.Upsert(static_cast<model::ItemIndex>(i), record);
    }
    std::vector<RecommendTask> tasks;
    for (model::UserIndex u = 0; u < 7; ++u) {
      const size_t events = random() % (items / 2);
      for (size_t e = 0; u < 6 && e < events; ++e) {
        Interact(u, static_cast<model::ItemIndex>(random() % items), &state);
      }
      RecommendTask task =
          ForUser(u < 6 ? std::optional<model::UserIndex>(u) : std::nullopt,
                  1 + random() % (items + 10));
      if (random() % 2) task.filter.tags.any = {"a", "b"};
      if (random() % 4 == 0) task.filter.tags.all = {"c"};
      if (random() % 4 == 0) task.filter.tags.none = {"b"};
      for (int e = 0; e < 5; ++e) {
        task.filter.excluded.push_back(
            static_cast<model::ItemIndex>(random() % items));
      }
      tasks.push_back(task);
    }
    std::vector<Recommendation> answers;
    ASSERT_TRUE(Recommend(*model, state, kNow, tasks, &answers).ok());
    for (size_t t = 0; t < tasks.size(); ++t) {
      const RecommendTask& task = tasks[t];
      std::set<model::ItemIndex> eligible;
      for (size_t i = 0; i < items; ++i) {
        const auto item = static_cast<model::ItemIndex>(i);
        const auto& wanted = task.filter.tags;
        const auto has = [&](const std::string& tag) {
          return tags[i].count(tag) > 0;
        };
        if (hidden[i]) continue;
        if (!wanted.any.empty() &&
            !std::any_of(wanted.any.begin(), wanted.any.end(), has)) {
          continue;
        }
        if (!std::all_of(wanted.all.begin(), wanted.all.end(), has)) continue;
        if (std::any_of(wanted.none.begin(), wanted.none.end(), has)) continue;
        if (std::count(task.filter.excluded.begin(), task.filter.excluded.end(),
                       item) > 0) {
          continue;
        }
        if (task.user && HasSeen(state.interactions, *task.user, item))
          continue;
        eligible.insert(item);
      }
      std::set<model::ItemIndex> got;
      for (const RankedItem& ranked : answers[t].items) {
        EXPECT_TRUE(eligible.count(ranked.item)) << ranked.item;
        EXPECT_TRUE(got.insert(ranked.item).second) << "twice";
      }
      EXPECT_EQ(got.size(), std::min(task.k, eligible.size()));
    }
  }
}

TEST_F(RecommenderTest, OnlyTheListedItems) {
  const auto model = Build(MakeSnapshot(10, 50, 8));
  RecommendTask task = ForUser(3, 10);
  task.filter.only_some = true;
  task.filter.only = {40, 7, 7, 12, 4000};
  std::vector<model::ItemIndex> items = ItemsOf(Ask(*model, state_, task));
  std::sort(items.begin(), items.end());
  EXPECT_EQ(items, (std::vector<model::ItemIndex>{7, 12, 40}));
  task.filter.only.clear();
  EXPECT_TRUE(Ask(*model, state_, task).items.empty())
      << "all of the listed were unknown";
}

// Adds what a page gave to what the next one leaves out.
void TurnPage(const Recommendation& page, RecommendTask* task) {
  for (const model::ItemIndex item : ItemsOf(page)) task->given.push_back(item);
  std::sort(task->given.begin(), task->given.end());
}

TEST_F(RecommenderTest, PagesFollowEachOther) {
  const auto model = Build(MakeSnapshot(10, 50, 8));
  const std::vector<model::ItemIndex> whole =
      ItemsOf(Ask(*model, state_, ForUser(3, 50)));
  std::vector<model::ItemIndex> paged;
  RecommendTask task = ForUser(3, 20);
  bool more = true;
  size_t pages = 0;
  for (; more; ++pages) {
    const Recommendation page = Ask(*model, state_, task);
    for (const model::ItemIndex item : ItemsOf(page)) paged.push_back(item);
    TurnPage(page, &task);
    more = page.more;
  }
  EXPECT_EQ(paged, whole);
  EXPECT_EQ(pages, 3u);
}

// Another model for each page, random places and what the user does meanwhile:
// every item comes once, but for what has become seen.
TEST_F(RecommenderTest, PagesOutliveSwaps) {
  std::set<model::ItemIndex> all;
  RecommendTask task = ForUser(3, 7);
  task.explore = 0.5;
  bool more = true;
  for (int seed = 1; more; ++seed) {
    task.seed = static_cast<uint64_t>(seed);
    const auto model = Build(MakeSnapshot(10, 50, 8, seed));
    if (seed == 3) Interact(3, *all.begin(), &state_);
    const Recommendation page = Ask(*model, state_, task);
    ASSERT_FALSE(page.items.empty());
    for (const model::ItemIndex item : ItemsOf(page)) {
      EXPECT_TRUE(all.insert(item).second) << item << " came twice";
    }
    TurnPage(page, &task);
    more = page.more;
  }
  EXPECT_EQ(all.size(), 50u) << "none is left out";
}

TEST_F(RecommenderTest, AFilterInCommonIsAsGoodAsOnesOwn) {
  const auto model = Build(MakeSnapshot(10, 50, 8));
  RecommendTask own = ForUser(3, 20);
  own.filter.excluded = {1, 2, 3};
  own.filter.only_some = true;
  for (model::ItemIndex item = 0; item < 30; ++item) {
    own.filter.only.push_back(item);
  }
  RecommendTask common = ForUser(3, 20);
  common.common_filter = std::make_shared<const ItemFilter>(own.filter);
  EXPECT_EQ(ItemsOf(Ask(*model, state_, common)),
            ItemsOf(Ask(*model, state_, own)));
  EXPECT_FALSE(ItemsOf(Ask(*model, state_, own)).empty());
}

TEST_F(RecommenderTest, ExplorationIsSeededAndKeepsToTheFilter) {
  const auto model = Build(MakeSnapshot(10, 50, 8));
  RecommendTask task = ForUser(3, 20);
  task.explore = 0.5;
  task.seed = 11;
  task.filter.excluded = {1, 2, 3};
  const Recommendation first = Ask(*model, state_, task);
  EXPECT_EQ(ItemsOf(first), ItemsOf(Ask(*model, state_, task)));
  size_t explored = 0;
  std::set<model::ItemIndex> distinct;
  for (const RankedItem& item : first.items) {
    explored += item.explored;
    distinct.insert(item.item);
    EXPECT_GT(item.item == 0 ? 9u : item.item, 3u);
  }
  EXPECT_EQ(distinct.size(), 20u);
  EXPECT_GT(explored, 2u);
  EXPECT_LT(explored, 18u);
  task.explore = 0;
  for (const RankedItem& item : Ask(*model, state_, task).items) {
    EXPECT_FALSE(item.explored);
  }
}

TEST_F(RecommenderTest, NoMoreOfATagThanWanted) {
  const auto model = Build(MakeSnapshot(10, 50, 8));
  for (model::ItemIndex i = 0; i < 50; ++i) {
    model::ItemRecord record;
    record.tags = {i % 2 == 0 ? "even" : "odd"};
    state_.catalogue.Upsert(i, record);
  }
  RecommendTask task = ForUser(3, 10);
  task.rules.max_per_tag = 3;
  for (const std::optional<model::UserIndex> user :
       {std::optional<model::UserIndex>(3),
        std::optional<model::UserIndex>()}) {
    task.user = user;
    const Recommendation answer = Ask(*model, state_, task);
    EXPECT_EQ(answer.items.size(), 6u);
  }
  task.user = 3;
  task.rules.max_per_tag = 0;
  task.rules.boosts = {{HasTag("odd"), 1.0f}};
  for (const RankedItem& item : Ask(*model, state_, task).items) {
    EXPECT_EQ(item.item % 2, 1u);
  }
}

// The most popular of the items without a vector share a tag whose share is
// used up; others, less popular, are still to be found.
TEST_F(RecommenderTest, ATagsShareDoesNotEndTheItemsWithoutAVector) {
  auto snapshot = MakeSnapshot(10, 50, 8);
  for (size_t i = 2; i < 50; ++i) Untrain(i, snapshot.get());
  const auto model = Build(std::move(snapshot));
  // As many as are asked for, all with one tag, and before all others.
  for (model::ItemIndex i = 2; i < 12; ++i) {
    model::ItemRecord record;
    record.tags = {"crowd"};
    state_.catalogue.Upsert(i, record);
    Interact(3, i, &state_);
  }
  RecommendTask task;
  task.k = 8;
  task.rules.max_per_tag = 1;
  const Recommendation answer = Ask(*model, state_, task);
  EXPECT_EQ(answer.items.size(), 8u);
}

TEST_F(RecommenderTest, ExplorationKeepsToATagsShare) {
  const auto model = Build(MakeSnapshot(10, 50, 8));
  for (model::ItemIndex i = 0; i < 50; ++i) {
    model::ItemRecord record;
    record.tags = {i < 2 ? "rare" : i % 2 == 0 ? "even" : "odd"};
    state_.catalogue.Upsert(i, record);
  }
  RecommendTask task;
  task.user = 1;
  task.k = 6;
  task.explore = 0.5;
  task.rules.max_per_tag = 3;
  for (task.seed = 0; task.seed < 200; ++task.seed) {
    std::map<std::string, int> tags;
    for (const RankedItem& item : Ask(*model, state_, task).items) {
      ++tags[state_.catalogue.Get(item.item).tags[0]];
    }
    for (const auto& [tag, count] : tags) {
      EXPECT_LE(count, 3) << tag << " with seed " << task.seed;
    }
  }
}

}  // namespace
}  // namespace taud::server
