#include "server/admission/request_memory.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "taud/v1/recommendation_service.pb.h"

namespace taud::server {
namespace {

constexpr size_t kItems = 1000000;

size_t Estimate(const RecommendTask& task) {
  return EstimateBytes({task}, kItems);
}

RecommendTask TaskOf(size_t k) {
  RecommendTask task;
  task.k = k;
  return task;
}

TEST(RequestMemoryTest, AnAnswerFitsIntoItsEstimate) {
  for (const size_t k : {1, 20, 1000}) {
    v1::RecommendResponse response;
    for (size_t i = 0; i < k; ++i) {
      v1::ScoredItem* item = response.add_items();
      item->set_id(absl::StrCat("an-item-of-some-length-", i));
      item->set_title("A title as films and articles have them");
      item->set_score(0.5f);
      item->set_probability(0.001f);
      item->set_rank_score(0.5f);
    }
    // As objects and as bytes.
    EXPECT_GE(Estimate(TaskOf(k)),
              response.SpaceUsedLong() + response.ByteSizeLong())
        << k;
  }
}

TEST(RequestMemoryTest, EachThingThatIsAskedForCounts) {
  const size_t plain = Estimate(TaskOf(20));
  RecommendTask paged = TaskOf(20);
  paged.given.resize(980);
  EXPECT_GE(Estimate(paged), plain + 2 * 980 * sizeof(model::ItemIndex));
  RecommendTask lists = TaskOf(20);
  lists.context.resize(100);
  lists.filter.excluded.resize(200);
  lists.filter.only.resize(300);
  EXPECT_EQ(Estimate(lists), plain + 600 * sizeof(model::ItemIndex));
  // A list or a tag makes a bitmap of the catalogue.
  RecommendTask some = TaskOf(20);
  some.filter.only_some = true;
  EXPECT_GE(Estimate(some), plain + kItems / 8);
  RecommendTask tagged = TaskOf(20);
  tagged.filter.tags.any = {"films"};
  EXPECT_GE(Estimate(tagged), plain + kItems / 8);
}

// A batch has one filter, and as many copies of its lists as are searched
// together.
TEST(RequestMemoryTest, ACommonFilterIsNotCountedForEachTask) {
  auto filter = std::make_shared<ItemFilter>();
  filter->excluded.resize(20000);
  RecommendTask task = TaskOf(20);
  task.common_filter = filter;
  const std::vector<RecommendTask> tasks(1000, task);
  const size_t plain =
      EstimateBytes(std::vector<RecommendTask>(1000, TaskOf(20)), kItems);
  const size_t list = 20000 * sizeof(model::ItemIndex);
  EXPECT_GE(EstimateBytes(tasks, kItems), plain + list);
  EXPECT_LE(EstimateBytes(tasks, kItems), plain + 100 * list);
}

TEST(RequestMemoryTest, ABatchIsTheSumOfItsTasks) {
  EXPECT_EQ(EstimateBytes({TaskOf(20), TaskOf(30)}, kItems),
            Estimate(TaskOf(20)) + Estimate(TaskOf(30)));
  EXPECT_EQ(EstimateBytes({}, kItems), 0u);
}

}  // namespace
}  // namespace taud::server
