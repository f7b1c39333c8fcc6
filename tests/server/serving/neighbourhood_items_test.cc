#include "server/serving/neighbourhood_items.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "device/device.h"
#include "gtest/gtest.h"
#include "index/builder/index_builder.h"
#include "index/gpu/failover_index.h"
#include "index/search_index.h"
#include "server/serving/recommender.h"
#include "tests/model/has_seen.h"
#include "tests/server/test_world.h"

namespace taud::server {
namespace {

constexpr int64_t kNow = 1000000;
constexpr size_t kUsers = 10, kItems = 50, kDim = 8;

// Random lists for all items, and weights that make them count.
std::unique_ptr<model::Snapshot> WithNeighbours(uint32_t seed, float weight,
                                                float power) {
  auto snapshot = MakeSnapshot(kUsers, kItems, kDim);
  std::mt19937 random(seed);
  snapshot->neighbours.Grow(kItems);
  for (model::ItemIndex item = 0; item < kItems; ++item) {
    snapshot->item_popularity[item] = 1 + random() % 20;
    std::vector<model::ItemIndex> others(kItems);
    std::iota(others.begin(), others.end(), 0);
    others.erase(others.begin() + item);
    std::shuffle(others.begin(), others.end(), random);
    model::NeighbourList list;
    for (size_t k = 0; k < 1 + random() % 12; ++k) {
      list.push_back({others[k], 1.0f / static_cast<float>(k + 1)});
    }
    snapshot->neighbours.Set(item, std::move(list));
  }
  snapshot->metrics[query::kNeighbourWeightMetric] = double{weight};
  snapshot->metrics[query::kNeighbourPowerMetric] = double{power};
  return snapshot;
}

class NeighbourhoodItemsTest : public testing::Test {
 protected:
  NeighbourhoodItemsTest() { FillDictionaries(kUsers, kItems, &state_); }

  Recommendation Ask(const ServingModel& model, const RecommendTask& task) {
    std::vector<Recommendation> answers;
    const absl::Status status =
        Recommend(model, state_, kNow, {&task, 1}, &answers);
    EXPECT_TRUE(status.ok()) << status;
    return answers[0];
  }

  model::State state_;
};

// What the interface of an index on a GPU is used for: searches go to it until
// one fails, and from then on to the CPU.
class LostGpu final : public index::SearchIndex {
 public:
  LostGpu(std::unique_ptr<index::SearchIndex> index, int left)
      : index_(std::move(index)), left_(left) {}
  absl::Status Search(
      absl::Span<const index::Query> queries,
      std::vector<std::vector<index::Hit>>* results) const override {
    if (left_.fetch_sub(1) <= 0) return absl::UnavailableError("it fell off");
    return index_->Search(queries, results);
  }
  std::string device() const override { return "cuda:0"; }
  index::IndexReport report() const override { return {}; }
  size_t size() const override { return index_->size(); }
  size_t dim() const override { return index_->dim(); }

 private:
  const std::unique_ptr<index::SearchIndex> index_;
  mutable std::atomic<int> left_;
};

// Which index finds the candidates of the sum.
struct IndexCase {
  const char* name;
  index::IndexKind kind;
  bool exact = true;
  bool lost_gpu = false;
  bool gpu = false;
};

class SumTest : public NeighbourhoodItemsTest,
                public testing::WithParamInterface<IndexCase> {
 protected:
  std::shared_ptr<const ServingModel> BuildCase(
      std::unique_ptr<model::Snapshot> snapshot) {
    index::IndexOptions options;
    options.kind = GetParam().kind;
    if (GetParam().gpu) options.device = {device::Wish::Kind::kCuda, 0};
    index::IndexBuilder builder(options);
    auto built = BuildServingModel(std::move(snapshot), &builder);
    EXPECT_TRUE(built.ok()) << built.status();
    if (!GetParam().lost_gpu) return *built;
    auto model = std::const_pointer_cast<ServingModel>(*built);
    auto flat = index::BuildFlatIndex(*model->snapshot);
    EXPECT_TRUE(flat.ok()) << flat.status();
    model->index = index::MakeFailoverIndex(
        *model->snapshot,
        std::make_unique<LostGpu>(*std::move(flat), ++built_ % 3), nullptr);
    return model;
  }

  int built_ = 0;
};

std::vector<IndexCase> IndexCases() {
  std::vector<IndexCase> cases = {
      {"Flat", index::IndexKind::kFlat},
      {"Quantised", index::IndexKind::kFlatQuantised},
      {"Ivf", index::IndexKind::kIvf, false},
      {"Hnsw", index::IndexKind::kHnsw, false},
      {"LostGpu", index::IndexKind::kFlat, true, true},
  };
  if (device::NumGpus() > 0) {
    cases.push_back({"Gpu", index::IndexKind::kAuto, true, false, true});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Kinds, SumTest, testing::ValuesIn(IndexCases()),
                         [](const auto& one) { return one.param.name; });

// Against every item scored by the formula.
TEST_P(SumTest, AnAnswerIsTheExactTopOfTheSum) {
  std::mt19937 random(7);
  int changed = 0;
  const int rounds = GetParam().exact ? 300 : 60;  // those take long to build
  for (int round = 0; round < rounds; ++round) {
    const float weight = static_cast<float>(random() % 20) / 10;
    const float power = random() % 2 == 0 ? 0.0f : 0.25f;
    const auto model = BuildCase(WithNeighbours(random(), weight, power));
    const model::Snapshot& snapshot = *model->snapshot;
    const auto user = static_cast<model::UserIndex>(random() % kUsers);
    for (size_t k = 0; k < random() % 4; ++k) {
      Interact(user, static_cast<model::ItemIndex>(random() % kItems), &state_);
    }
    RecommendTask task;
    task.user = user;
    task.k = 1 + random() % 20;
    for (size_t k = 0; k < random() % 20; ++k) {
      task.filter.excluded.push_back(
          static_cast<model::ItemIndex>(random() % kItems));
    }
    const Recommendation answer = Ask(*model, task);

    // The cosines, from an answer that has all and no neighbourhood.
    model::Snapshot plain = snapshot;
    plain.metrics[query::kNeighbourWeightMetric] = 0;
    RecommendTask all = task;
    all.k = kItems;
    const Recommendation cosines =
        Ask(*Build(std::make_unique<model::Snapshot>(plain)), all);
    const std::vector<model::ItemIndex> history = HistoryOf(state_, user, {});
    std::vector<float> strengths(kItems, 0.0f);
    query::NeighbourScratch scratch;
    std::vector<query::NeighbourStrength> found;
    query::FindStrengths(snapshot.neighbours, snapshot.item_popularity, history,
                         &scratch, &found);
    for (const auto& [item, strength] : found) strengths[item] = strength;
    const double mean = query::MeanPopularity(snapshot.item_popularity);
    std::vector<std::pair<float, model::ItemIndex>> expected;
    for (const RankedItem& ranked : cosines.items) {
      const float gain =
          weight * strengths[ranked.item] *
          query::PopularityFactor(snapshot.item_popularity[ranked.item], mean,
                                  power);
      expected.push_back({-(ranked.score + gain), ranked.item});
    }
    std::sort(expected.begin(), expected.end());
    ASSERT_EQ(answer.items.size(), std::min(task.k, expected.size()));
    std::map<model::ItemIndex, float> score_of;
    for (const auto& [less, item] : expected) score_of[item] = -less;
    std::set<model::ItemIndex> answered;
    for (size_t i = 0; i < answer.items.size(); ++i) {
      const RankedItem& ranked = answer.items[i];
      if (GetParam().exact) {
        EXPECT_NEAR(ranked.score, -expected[i].first, 1e-5);
      }
      EXPECT_NEAR(ranked.score, score_of.at(ranked.item), 1e-5);
      EXPECT_TRUE(answered.insert(ranked.item).second) << ranked.item;
      if (ranked.item != cosines.items[i].item) ++changed;
    }
    // What the history touches is found whatever the index misses.
    for (size_t i = 0; i < answer.items.size(); ++i) {
      const auto [less, item] = expected[i];
      if (strengths[item] == 0 || -less <= answer.items.back().score) continue;
      EXPECT_EQ(answered.count(item), 1u) << item;
    }
  }
  EXPECT_GT(changed, rounds);  // the neighbourhood did say something
}

TEST_F(NeighbourhoodItemsTest, TheNewestInteractionCountsWithoutTraining) {
  auto snapshot = WithNeighbours(3, 1, 0);
  snapshot->neighbours.Set(5, {{17, 1.0f}});
  const auto model = Build(std::move(snapshot));
  RecommendTask task;
  task.user = 2;
  task.k = 1;
  Interact(2, 5, &state_);
  const Recommendation answer = Ask(*model, task);
  ASSERT_EQ(answer.items.size(), 1u);
  EXPECT_EQ(answer.items[0].item, 17u);
  EXPECT_GT(answer.items[0].score, 0.5f);
}

TEST_F(NeighbourhoodItemsTest, ReasonsAreWhatOfTheHistorySpeaksMost) {
  auto snapshot = WithNeighbours(3, 1, 0);
  for (model::ItemIndex item = 0; item < kItems; ++item) {
    snapshot->neighbours.Set(item, {});
  }
  snapshot->neighbours.Set(5, {{17, 0.9f}});
  snapshot->neighbours.Set(6, {{17, 0.1f}});
  const auto model = Build(std::move(snapshot));
  for (const model::ItemIndex item : {5u, 6u, 7u}) Interact(2, item, &state_);
  RecommendTask task;
  task.user = 2;
  task.k = 3;
  task.reasons = true;
  const Recommendation answer = Ask(*model, task);
  ASSERT_EQ(answer.reasons.size(), answer.items.size());
  ASSERT_EQ(answer.items[0].item, 17u);
  ASSERT_FALSE(answer.reasons[0].empty());
  for (const auto& reasons : answer.reasons) {
    EXPECT_LE(reasons.size(), kMostReasons);
    float sum = 0;
    for (size_t r = 0; r < reasons.size(); ++r) {
      EXPECT_TRUE(model::HasSeen(state_.interactions, 2, reasons[r].item));
      if (r > 0) {
        EXPECT_LE(reasons[r].share, reasons[r - 1].share);
      }
      sum += reasons[r].share;
    }
    EXPECT_LE(sum, 1.0001f);
  }
  task.reasons = false;
  EXPECT_TRUE(Ask(*model, task).reasons.empty());
}

TEST_F(NeighbourhoodItemsTest, AHistoryIsTheContextAndThenWhatWasLiked) {
  for (const model::ItemIndex item : {1u, 2u, 3u}) Interact(4, item, &state_);
  const std::vector<model::ItemIndex> context = {9, 2, 9};
  EXPECT_EQ(HistoryOf(state_, 4, context),
            (std::vector<model::ItemIndex>{9, 2, 3, 1}));
  EXPECT_TRUE(HistoryOf(state_, std::nullopt, {}).empty());
  // However many dislikes come after.
  for (size_t n = 0; n <= query::kMostNeighbourhoodItems; ++n) {
    Interact(4, static_cast<uint32_t>(20 + n), &state_,
             model::InteractionKind::kDislike);
  }
  EXPECT_EQ(HistoryOf(state_, 4, context),
            (std::vector<model::ItemIndex>{9, 2, 3, 1}));
}

}  // namespace
}  // namespace taud::server
