#include "query/new_items.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "server/serving/recommender.h"
#include "tests/server/test_world.h"

namespace taud::server {
namespace {

using model::InteractionKind;

TEST(NewItemsTest, AreTheMeanOfTheirUsers) {
  auto snapshot = MakeSnapshot(4, 6, 8);
  Untrain(5, snapshot.get());
  snapshot->user_degree[3] = 0;  // no row
  model::State state;
  FillDictionaries(5, 8, &state);
  query::NewItems fresh(snapshot.get());
  EXPECT_TRUE(fresh.Update(state.interactions, state.catalogue)->items.empty());
  Interact(0, 5, &state);
  Interact(0, 5, &state);  // counts once
  Interact(1, 5, &state);
  Interact(2, 5, &state, InteractionKind::kDislike);
  Interact(3, 6, &state);  // users without a row
  Interact(4, 6, &state);
  Interact(0, 2, &state);  // an item with a vector
  Interact(2, 7, &state);  // beyond the snapshot's rows
  const auto vectors = fresh.Update(state.interactions, state.catalogue);
  ASSERT_EQ(vectors->items, (std::vector<model::ItemIndex>{5, 7}));
  double norm = 0;
  std::vector<double> mean(8);
  for (size_t c = 0; c < 8; ++c) {
    mean[c] = double{snapshot->users.Row(0)[c]} + snapshot->users.Row(1)[c];
    norm += mean[c] * mean[c];
  }
  for (size_t c = 0; c < 8; ++c) {
    // Two users made the first, one the second.
    EXPECT_NEAR(vectors->columns[c * 2], mean[c] / std::sqrt(norm) * 2 / 6,
                1e-6);
    EXPECT_NEAR(vectors->columns[c * 2 + 1], snapshot->users.Row(2)[c] / 5,
                1e-6);
  }
  EXPECT_EQ(vectors->by_tags, std::vector<char>(2, 0));
  std::vector<float> scores;
  vectors->Score({snapshot->users.Row(2), 8}, &scores);
  EXPECT_NEAR(scores[1], 1.0 / 5, 1e-6);
  vectors->Score({snapshot->users.Row(0), 8}, &scores);
  double dot = 0;
  for (size_t c = 0; c < 8; ++c) {
    dot += mean[c] / std::sqrt(norm) * double{snapshot->users.Row(0)[c]};
  }
  EXPECT_NEAR(scores[0], dot * 2 / 6, 1e-6);
}

TEST(NewItemsTest, WhatTheSnapshotKnowsIsNotNew) {
  auto snapshot = MakeSnapshot(4, 6, 8);
  model::State state;
  FillDictionaries(4, 8, &state);
  Interact(0, 6, &state);
  snapshot->trained_through = 1;
  query::NewItems fresh(snapshot.get());
  EXPECT_TRUE(fresh.Update(state.interactions, state.catalogue)->items.empty());
  Interact(0, 7, &state);
  EXPECT_EQ(fresh.Update(state.interactions, state.catalogue)->items.size(),
            1u);
}

TEST(NewItemsTest, AnErasureIsForgotten) {
  auto snapshot = MakeSnapshot(4, 6, 8);
  model::State state;
  FillDictionaries(4, 8, &state);
  query::NewItems fresh(snapshot.get());
  Interact(0, 6, &state);
  Interact(1, 6, &state);
  Interact(0, 7, &state);
  EXPECT_EQ(fresh.Update(state.interactions, state.catalogue)->items.size(),
            2u);
  state.interactions.Erase({0}, {});
  const auto vectors = fresh.Update(state.interactions, state.catalogue);
  ASSERT_EQ(vectors->items, (std::vector<model::ItemIndex>{6}));
  for (size_t c = 0; c < 8; ++c) {
    EXPECT_NEAR(vectors->columns[c], snapshot->users.Row(1)[c] / 5, 1e-6);
  }
}

void Tag(model::ItemIndex item, std::vector<std::string> tags,
         model::State* state) {
  model::ItemRecord record;
  record.tags = std::move(tags);
  state->catalogue.Upsert(item, record);
}

TEST(NewItemsTest, TagsTeachWhoNobodyCameTo) {
  auto snapshot = MakeSnapshot(4, 6, 8);
  snapshot->item_popularity = {4, 4, 4, 4, 4, 0};
  for (size_t i = 1; i < 5; ++i) {  // one direction
    std::copy_n(snapshot->items.Row(0), 8, snapshot->items.Row(i));
  }
  model::State state;
  FillDictionaries(4, 9, &state);
  for (model::ItemIndex i = 0; i < 4; ++i) Tag(i, {"jazz"}, &state);
  query::NewItems fresh(snapshot.get());
  EXPECT_TRUE(fresh.Update(state.interactions, state.catalogue)->items.empty())
      << "items that were learnt need none";
  Tag(5, {"jazz"}, &state);   // in the snapshot, but nobody came
  Tag(8, {"jazz"}, &state);   // after the snapshot
  Tag(7, {"other"}, &state);  // nothing is known of such
  auto vectors = fresh.Update(state.interactions, state.catalogue);
  ASSERT_EQ(vectors->items, (std::vector<model::ItemIndex>{5, 8}));
  EXPECT_EQ(vectors->by_tags, std::vector<char>(2, 1));
  // Four items of weight a half: 2 / (2 + 4) of their direction.
  for (size_t c = 0; c < 8; ++c) {
    EXPECT_NEAR(vectors->columns[c * 2 + 1], snapshot->items.Row(0)[c] / 3,
                1e-6);
  }
  std::vector<float> direction;
  ASSERT_TRUE(vectors->Direction(1, &direction));
  for (size_t c = 0; c < 8; ++c) {
    EXPECT_NEAR(direction[c], snapshot->items.Row(0)[c], 1e-6);
  }
  // One user counts a fifth, and tags the rest.
  Interact(2, 8, &state);
  vectors = fresh.Update(state.interactions, state.catalogue);
  EXPECT_EQ(vectors->by_tags, (std::vector<char>{1, 0}));
  for (size_t c = 0; c < 8; ++c) {
    EXPECT_NEAR(
        vectors->columns[c * 2 + 1],
        snapshot->users.Row(2)[c] / 5 + snapshot->items.Row(0)[c] / 3 * 4 / 5,
        1e-6);
  }
  // Without the tag nothing is known of the first any more.
  Tag(5, {}, &state);
  vectors = fresh.Update(state.interactions, state.catalogue);
  ASSERT_EQ(vectors->items, (std::vector<model::ItemIndex>{8}));
  state.catalogue.Delete(8);
  vectors = fresh.Update(state.interactions, state.catalogue);
  for (size_t c = 0; c < 8; ++c) {
    EXPECT_NEAR(vectors->columns[c], snapshot->users.Row(2)[c] / 5, 1e-6);
  }
}

TEST(NewItemsTest, AnIdOfATagThatMeansAnotherOneTeachesNothing) {
  auto snapshot = MakeSnapshot(4, 6, 8);
  model::State state;
  FillDictionaries(4, 8, &state);
  Tag(0, {"jazz"}, &state);
  Tag(6, {"jazz"}, &state);
  query::NewItems fresh(snapshot.get());
  ASSERT_EQ(fresh.Update(state.interactions, state.catalogue)->items.size(),
            1u);
  Tag(0, {}, &state);
  Tag(6, {}, &state);        // the tag is forgotten
  Tag(6, {"rock"}, &state);  // and its id given again
  EXPECT_TRUE(fresh.Update(state.interactions, state.catalogue)->items.empty());
}

TEST(NewItemsTest, TheNewestOfManyTaggedItemsHaveVectors) {
  auto snapshot = MakeSnapshot(4, 6, 8);
  model::State state;
  Tag(0, {"jazz"}, &state);
  constexpr size_t kMost = query::NewItems::kMaxTagged;
  for (model::ItemIndex i = 0; i < 2 * kMost; ++i)
    Tag(10 + i, {"jazz"}, &state);
  query::NewItems fresh(snapshot.get());
  const auto vectors = fresh.Update(state.interactions, state.catalogue);
  ASSERT_EQ(vectors->items.size(), kMost);
  EXPECT_EQ(vectors->items.front(), 10 + kMost);
  EXPECT_EQ(vectors->items.back(), 10 + 2 * kMost - 1);
}

// Under its own tag it stands where the tag's items stand, not last.
TEST(NewItemsTest, UnderItsTagItIsRankedAmongTheOthers) {
  auto snapshot = MakeSnapshot(4, 40, 8);
  for (size_t i = 0; i < 20; ++i) {  // what the user likes
    std::copy_n(snapshot->users.Row(0), 8, snapshot->items.Row(i));
  }
  for (size_t i = 20; i < 40; ++i) {  // what the user does not
    for (size_t c = 0; c < 8; ++c) {
      snapshot->items.Row(i)[c] = -snapshot->users.Row(0)[c];
    }
  }
  const auto model = Build(std::move(snapshot));
  model::State state;
  FillDictionaries(4, 42, &state);
  for (model::ItemIndex i = 0; i < 40; ++i) {
    Tag(i, {i < 20 ? "liked" : "not", "all"}, &state);
  }
  Tag(40, {"liked", "all"}, &state);
  Tag(41, {"not", "all"}, &state);
  RecommendTask task;
  task.user = 0;
  task.k = 42;
  task.filter.exclude_seen = false;
  task.filter.tags.any = {"all"};
  std::vector<Recommendation> answers;
  ASSERT_TRUE(Recommend(*model, state, 0, {&task, 1}, &answers).ok());
  ASSERT_EQ(answers[0].items.size(), 42u);
  // Behind all that are liked for sure, before all that are not.
  EXPECT_EQ(answers[0].items[20].item, 40u);
  EXPECT_EQ(answers[0].items[21].item, 41u);
  for (size_t i = 0; i < 42; ++i) {
    EXPECT_EQ(answers[0].items[i].by_tags, i == 20 || i == 21) << i;
    EXPECT_FALSE(answers[0].items[i].unscored) << i;
  }
  EXPECT_GT(answers[0].items[20].score, 0.5f);
  EXPECT_LT(answers[0].items[21].score, -0.5f);
  // Asked with it, a stranger gets what it is like.
  RecommendTask stranger;
  stranger.context = {40};
  stranger.k = 20;
  ASSERT_TRUE(Recommend(*model, state, 0, {&stranger, 1}, &answers).ok());
  EXPECT_EQ(answers[0].representation, v1::REPRESENTATION_CONTEXT);
  ASSERT_EQ(answers[0].items.size(), 20u);
  for (const auto& ranked : answers[0].items) EXPECT_LT(ranked.item, 20u);
}

TEST(NewItemsTest, AreBounded) {
  auto snapshot = MakeSnapshot(4, 6, 8);
  model::State state;
  query::NewItems fresh(snapshot.get());
  for (model::ItemIndex i = 0; i < 2 * query::NewItems::kMaxItems; ++i) {
    Interact(0, 10 + i, &state);
  }
  EXPECT_EQ(fresh.Update(state.interactions, state.catalogue)->items.size(),
            query::NewItems::kMaxItems);
}

// m_t of query/tag_vectors.h, in double.
std::map<std::string, std::vector<double>> MeansByTag(
    const model::Snapshot& s, const model::Catalogue& catalogue,
    const std::vector<std::string>& names) {
  std::map<std::string, std::vector<double>> means;
  for (const std::string& name : names) {
    std::vector<double> mean(s.dim());
    double weights = 4;
    for (size_t i = 0; i < s.items.rows; ++i) {
      const auto tags = catalogue.Get(static_cast<model::ItemIndex>(i)).tags;
      if (std::find(tags.begin(), tags.end(), name) == tags.end()) continue;
      const double users = s.item_popularity[i];
      weights += users / (users + 4);
      for (size_t c = 0; c < s.dim(); ++c) {
        mean[c] += users / (users + 4) * double{s.items.Row(i)[c]};
      }
    }
    for (double& x : mean) x /= weights;
    means[name] = mean;
  }
  return means;
}

// m of an item with `tags`; false without any.
bool ByTags(const std::map<std::string, std::vector<double>>& means,
            const std::vector<std::string>& tags, std::vector<double>* m) {
  double total = 0;
  for (const std::string& tag : tags) {
    double length = 0;
    for (const double x : means.at(tag)) length += x * x;
    const double certainty = length / (1 - length);
    total += certainty;
    for (size_t c = 0; c < m->size(); ++c) {
      (*m)[c] += certainty * means.at(tag)[c];
    }
  }
  if (total == 0) return false;
  for (double& x : *m) x /= total;
  return true;
}

// q of query/common_taste.h, in double, of an item's vector of any length.
std::vector<double> QueryFor(std::vector<double> e,
                             const model::Matrix& users) {
  const auto normalise = [](std::vector<double>* v) {
    double sum = 0;
    for (const double x : *v) sum += x * x;
    for (double& x : *v) x /= std::sqrt(sum);
  };
  std::vector<double> taste(e.size());
  for (size_t u = 0; u < users.rows; ++u) {
    for (size_t c = 0; c < e.size(); ++c) taste[c] += users.Row(u)[c];
  }
  normalise(&taste);
  normalise(&e);
  double dot = 0;
  for (size_t c = 0; c < e.size(); ++c) dot += e[c] * taste[c];
  for (size_t c = 0; c < e.size(); ++c) e[c] -= dot / 2 * taste[c];
  normalise(&e);
  return e;
}

// The whole answer against its definition: every item with a vector, its own,
// or from its first users and its tags, that the filter lets pass, by score.
TEST(NewItemsPropertyTest, CompeteByScoreWhateverTheFilter) {
  constexpr size_t kUsers = 20, kItems = 60, kAll = 80, kDim = 8;
  std::mt19937 random(11);
  size_t reached = 0;
  for (int round = 0; round < 60; ++round) {
    auto snapshot = MakeSnapshot(kUsers, kItems, kDim, round + 1);
    for (size_t i = 0; i < kItems; ++i) {
      if (random() % 10 == 0) Untrain(i, snapshot.get());
    }
    const auto model = Build(std::move(snapshot));
    const model::Snapshot& s = *model->snapshot;
    model::State state;
    FillDictionaries(kUsers + 5, kAll, &state);
    for (model::ItemIndex i = 0; i < kAll; ++i) {
      model::ItemRecord record;
      for (const char* tag : {"a", "b"}) {
        if (random() % 2 == 0) record.tags.push_back(tag);
      }
      record.hidden = random() % 12 == 0;
      state.catalogue.Upsert(i, record);
    }
    std::map<model::ItemIndex, std::set<model::UserIndex>> users;
    for (int n = 0; n < 120; ++n) {
      const auto user = static_cast<model::UserIndex>(random() % (kUsers + 5));
      const auto item = static_cast<model::ItemIndex>(random() % kAll);
      const bool liked = random() % 4 != 0;
      Interact(user, item, &state,
               liked ? InteractionKind::kView : InteractionKind::kDislike);
      if (liked && user < kUsers) users[item].insert(user);
    }
    std::map<model::ItemIndex, std::vector<double>> vectors;
    const std::map<std::string, std::vector<double>> by_tag =
        MeansByTag(s, state.catalogue, {"a", "b"});
    for (model::ItemIndex i = 0; i < kAll; ++i) {
      std::vector<double> v(kDim);
      if (i < kItems && s.item_popularity[i] > 0) {
        for (size_t c = 0; c < kDim; ++c) v[c] = s.items.Row(i)[c];
      } else {
        const bool tagged = ByTags(by_tag, state.catalogue.Get(i).tags, &v);
        if (!tagged && users.count(i) == 0) continue;
        std::vector<double> mean(kDim);
        double norm = 0;
        for (const model::UserIndex u : users[i]) {
          for (size_t c = 0; c < kDim; ++c) mean[c] += s.users.Row(u)[c];
        }
        for (const double x : mean) norm += x * x;
        const auto count = static_cast<double>(users[i].size());
        for (size_t c = 0; c < kDim; ++c) {
          v[c] *= 4 / (count + 4);
          if (count > 0)
            v[c] += mean[c] / std::sqrt(norm) * count / (count + 4);
        }
      }
      vectors[i] = v;
    }
    for (int q = 0; q < 20; ++q) {
      // The vector of an item as the query: known without fold-in.
      RecommendTask task;
      task.kind = RecommendTask::Kind::kSimilarItems;
      task.similar_to = static_cast<model::ItemIndex>(random() % kAll);
      task.k = 1 + random() % 40;
      if (random() % 2 == 0) task.filter.tags.any = {"a"};
      for (size_t n = random() % 6; n > 0; --n) {
        task.filter.excluded.push_back(
            static_cast<model::ItemIndex>(random() % kAll));
      }
      if (random() % 4 == 0) {
        task.filter.only_some = true;
        for (int n = 0; n < 30; ++n) {
          task.filter.only.push_back(
              static_cast<model::ItemIndex>(random() % kAll));
        }
      }
      if (random() % 3 == 0) task.rules.boosts = {{HasTag("none"), 0.5f}};
      std::vector<Recommendation> answers;
      ASSERT_TRUE(Recommend(*model, state, 0, {&task, 1}, &answers).ok());
      if (vectors.count(task.similar_to) == 0) {
        EXPECT_TRUE(answers[0].items.empty());
        continue;
      }
      const auto in = [](const std::vector<model::ItemIndex>& list,
                         model::ItemIndex item) {
        return std::find(list.begin(), list.end(), item) != list.end();
      };
      const std::vector<double> query =
          QueryFor(vectors[task.similar_to], s.users);
      std::vector<std::pair<double, model::ItemIndex>> expected;
      for (const auto& [item, v] : vectors) {
        const auto tags = state.catalogue.Get(item).tags;
        const bool a = std::find(tags.begin(), tags.end(), "a") != tags.end();
        if (item == task.similar_to || in(task.filter.excluded, item) ||
            (!task.filter.tags.any.empty() && !a) ||
            (task.filter.only_some && !in(task.filter.only, item)) ||
            state.catalogue.Get(item).hidden) {
          continue;
        }
        double score = 0;
        for (size_t c = 0; c < kDim; ++c) score += v[c] * query[c];
        expected.emplace_back(-score, item);
      }
      std::sort(expected.begin(), expected.end());
      std::set<model::ItemIndex> distinct;
      const size_t scored = std::min(task.k, expected.size());
      ASSERT_GE(answers[0].items.size(), scored);
      for (size_t i = 0; i < answers[0].items.size(); ++i) {
        const RankedItem& item = answers[0].items[i];
        ASSERT_EQ(item.unscored, i >= scored);
        if (item.unscored) continue;
        // Items with the same users tie but for rounding: the place is the
        // score's, and the item one that has this score.
        EXPECT_NEAR(item.score, -expected[i].first, 1e-5) << "round " << round;
        EXPECT_TRUE(distinct.insert(item.item).second);
        const auto own =
            std::find_if(expected.begin(), expected.end(),
                         [&](const auto& e) { return e.second == item.item; });
        ASSERT_NE(own, expected.end()) << "not eligible";
        EXPECT_NEAR(item.score, -own->first, 1e-5);
        const bool is_new =
            item.item >= kItems || s.item_popularity[item.item] == 0;
        if (is_new) ++reached;
      }
    }
  }
  EXPECT_GT(reached, 500u) << "the test saw hardly a new item";
}

// An answer from the cache is the answer without it.
// What the next snapshot takes up of a dislike is nothing.
TEST(FoldInCachedTest, ADislikeCountsAfterTheNextSnapshotAsBefore) {
  model::State state;
  FillDictionaries(10, 50, &state);
  Interact(2, 7, &state, model::InteractionKind::kDislike);
  const auto answer = [&](model::Sequence through) {
    auto snapshot = MakeSnapshot(10, 50, 8);
    snapshot->trained_through = through;
    const auto model = Build(std::move(snapshot));
    RecommendTask task;
    task.user = 2;
    task.k = 50;
    std::vector<Recommendation> answers;
    EXPECT_TRUE(Recommend(*model, state, 0, {&task, 1}, &answers).ok());
    return answers[0];
  };
  const Recommendation before = answer(0);
  const Recommendation after = answer(state.interactions.last_sequence());
  EXPECT_EQ(before.representation, v1::REPRESENTATION_FOLDED_IN);
  EXPECT_EQ(after.representation, v1::REPRESENTATION_TRAINED);
  ASSERT_EQ(before.items.size(), after.items.size());
  for (size_t i = 0; i < before.items.size(); ++i) {
    EXPECT_EQ(before.items[i].item, after.items[i].item);
    EXPECT_NEAR(before.items[i].score, after.items[i].score, 1e-6);
  }
}

TEST(FoldInCachedTest, TheSameAnswerUntilSomethingHappens) {
  const auto model = Build(MakeSnapshot(10, 50, 8));
  model::State state;
  FillDictionaries(10, 50, &state);
  RecommendTask task;
  task.user = 2;
  task.k = 10;
  FoldInCounts counts;
  const auto ask = [&] {
    std::vector<Recommendation> answers;
    EXPECT_TRUE(
        Recommend(*model, state, 0, {&task, 1}, &answers, &counts).ok());
    // The same from a model that has not seen the user yet.
    const auto again = Build(MakeSnapshot(10, 50, 8));
    std::vector<Recommendation> afresh;
    EXPECT_TRUE(Recommend(*again, state, 0, {&task, 1}, &afresh).ok());
    EXPECT_EQ(answers[0].representation, afresh[0].representation);
    EXPECT_EQ(answers[0].items.size(), afresh[0].items.size());
    for (size_t i = 0; i < afresh[0].items.size(); ++i) {
      EXPECT_EQ(answers[0].items[i].item, afresh[0].items[i].item);
      EXPECT_EQ(answers[0].items[i].score, afresh[0].items[i].score);
    }
  };
  ask();
  EXPECT_EQ(counts.wanted, 0u) << "nothing is newer than the snapshot";
  Interact(2, 7, &state);
  ask();
  EXPECT_EQ(counts.cached, 0u);
  ask();
  EXPECT_EQ(counts.wanted, 2u);
  EXPECT_EQ(counts.cached, 1u);
  Interact(2, 8, &state);
  ask();
  EXPECT_EQ(counts.cached, 1u) << "a new interaction";
  ask();
  EXPECT_EQ(counts.cached, 2u);
  Interact(3, 9, &state);
  ask();
  EXPECT_EQ(counts.cached, 3u) << "somebody else's";
  state.interactions.Erase({}, {8});
  ask();
  EXPECT_EQ(counts.cached, 3u) << "an erasure";
  task.context = {1};
  ask();
  EXPECT_EQ(counts.cached, 3u) << "the request's own items are not kept";
}

}  // namespace
}  // namespace taud::server
