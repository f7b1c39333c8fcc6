#include "index/gpu/failover_index.h"

#include <atomic>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/builder/index_builder.h"

namespace taud::index {
namespace {

// Four items on the axes of a plane.
model::Snapshot Axes() {
  model::Snapshot snapshot;
  snapshot.items = model::Matrix(4, 2);
  snapshot.items.values = {1, 0, 0, 1, -1, 0, 0, -1};
  snapshot.item_popularity.assign(4, 1);
  return snapshot;
}

// Answers `left` searches with item 3, then fails.
class FailingIndex : public SearchIndex {
 public:
  FailingIndex(int left, absl::Status error)
      : left_(left), error_(std::move(error)) {}
  absl::Status Search(absl::Span<const Query> queries,
                      std::vector<std::vector<Hit>>* results) const override {
    if (left_.fetch_sub(1) <= 0) return error_;
    results->assign(queries.size(), {{3, 0.5f}});
    return absl::OkStatus();
  }
  std::string device() const override { return "cuda:0"; }
  IndexReport report() const override { return {}; }
  size_t size() const override { return 4; }
  size_t dim() const override { return 2; }

 private:
  mutable std::atomic<int> left_;
  const absl::Status error_;
};

constexpr float kEast[] = {1, 0};

Query Nearest() {
  Query query;
  query.vector = kEast;
  query.k = 1;
  return query;
}

TEST(FailoverIndexTest, TheSearchThatFailsIsAnsweredByTheCpu) {
  const model::Snapshot snapshot = Axes();
  std::vector<absl::Status> errors;
  const auto index = MakeFailoverIndex(
      snapshot,
      std::make_unique<FailingIndex>(2, absl::UnavailableError("fell off")),
      [&](const absl::Status& error) { errors.push_back(error); });
  const Query query = Nearest();
  std::vector<std::vector<Hit>> results;
  for (const model::ItemIndex expected : {3, 3, 0, 0}) {
    EXPECT_EQ(index->device(), errors.empty() ? "cuda:0" : "cpu");
    ASSERT_TRUE(index->Search({&query, 1}, &results).ok());
    ASSERT_EQ(results[0].size(), 1u);
    EXPECT_EQ(results[0][0].item, expected);
  }
  EXPECT_EQ(index->device(), "cpu");
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].message(), "fell off");
}

TEST(FailoverIndexTest, ABadQueryIsNoReasonToLeaveTheGpu) {
  const model::Snapshot snapshot = Axes();
  const auto index = MakeFailoverIndex(
      snapshot,
      std::make_unique<FailingIndex>(0, absl::InvalidArgumentError("no")),
      nullptr);
  const Query query = Nearest();
  std::vector<std::vector<Hit>> results;
  EXPECT_TRUE(absl::IsInvalidArgument(index->Search({&query, 1}, &results)));
  EXPECT_EQ(index->device(), "cuda:0");
}

TEST(FailoverIndexTest, ManyThreadsAtOnceGetAnswersAndOneErrorIsReported) {
  const model::Snapshot snapshot = Axes();
  std::atomic<int> errors{0};
  const auto index = MakeFailoverIndex(
      snapshot,
      std::make_unique<FailingIndex>(100, absl::InternalError("lost")),
      [&](const absl::Status&) { ++errors; });
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      const Query query = Nearest();
      std::vector<std::vector<Hit>> results;
      for (int i = 0; i < 100; ++i) {
        answered +=
            index->Search({&query, 1}, &results).ok() && results[0].size() == 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered, 400);
  EXPECT_EQ(errors, 1);
}

// A wish for a GPU that is not there costs an answer's speed, not the answer.
TEST(IndexBuilderTest, SearchesOnTheCpuWhereTheGpuIsNotThere) {
  const model::Snapshot snapshot = Axes();
  IndexOptions options;
  options.device = {device::Wish::Kind::kCuda, 63};
  std::vector<absl::Status> errors;
  options.on_gpu_error = [&](const absl::Status& error) {
    errors.push_back(error);
  };
  IndexBuilder builder(options);
  for (size_t round = 1; round <= 2; ++round) {
    auto index = builder.Build(snapshot);
    ASSERT_TRUE(index.ok()) << index.status();
    EXPECT_EQ((*index)->device(), "cpu");
    EXPECT_THAT((*index)->report().reason, testing::HasSubstr("cuda:63"));
    // Each snapshot is offered to the GPU anew.
    EXPECT_EQ(errors.size(), round);
  }
  options.device = {device::Wish::Kind::kCpu, 0};
  auto index = IndexBuilder(options).Build(snapshot);
  ASSERT_TRUE(index.ok());
  EXPECT_EQ((*index)->report().reason, "");
  EXPECT_EQ(errors.size(), 2u);
}

}  // namespace
}  // namespace taud::index
