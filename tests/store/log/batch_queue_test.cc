#include "store/log/batch_queue.h"

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/store/log/event_store_testing.h"

namespace taud::store {
namespace {

using ::testing::HasSubstr;

PendingBatch BatchOf(size_t n, const std::string& user = "u") {
  PendingBatch batch;
  batch.batch.interactions.assign(n, Event(user, "i"));
  return batch;
}

absl::Status PushOf(BatchQueue* queue, size_t n) {
  PendingBatch batch = BatchOf(n);
  return queue->Push(&batch);
}

TEST(BatchQueueTest, RefusesBeforeStartAndAfterClose) {
  BatchQueue queue(10, 1 << 20);
  EXPECT_EQ(PushOf(&queue, 1).code(), absl::StatusCode::kUnavailable);
  queue.Start();
  EXPECT_TRUE(PushOf(&queue, 1).ok());
  queue.Close();
  EXPECT_EQ(PushOf(&queue, 1).code(), absl::StatusCode::kUnavailable);
  queue.Start();
  EXPECT_EQ(PushOf(&queue, 1).code(), absl::StatusCode::kUnavailable);
}

TEST(BatchQueueTest, IsBoundedInInteractions) {
  BatchQueue queue(10, 1 << 20);
  queue.Start();
  EXPECT_TRUE(PushOf(&queue, 6).ok());
  EXPECT_TRUE(PushOf(&queue, 4).ok());
  EXPECT_EQ(queue.queued(), 10u);
  const absl::Status full = PushOf(&queue, 1);
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(full.message()), HasSubstr("10 of 10"));
  std::vector<PendingBatch> group;
  ASSERT_TRUE(queue.PopGroup(100, &group));
  EXPECT_EQ(queue.queued(), 0u);
  EXPECT_TRUE(PushOf(&queue, 10).ok());
}

TEST(BatchQueueTest, EmptyBatchesAreBoundedToo) {
  BatchQueue queue(2, 1 << 20);
  queue.Start();
  EXPECT_TRUE(PushOf(&queue, 0).ok());
  EXPECT_TRUE(PushOf(&queue, 0).ok());
  EXPECT_EQ(PushOf(&queue, 0).code(), absl::StatusCode::kResourceExhausted);
}

TEST(BatchQueueTest, ARefusedBatchStaysWithItsOwner) {
  BatchQueue queue(3, 1 << 20);
  queue.Start();
  PendingBatch batch = BatchOf(4);
  EXPECT_EQ(queue.Push(&batch).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(batch.batch.interactions.size(), 4u);
}

TEST(BatchQueueTest, GroupsAreBoundedButBatchesNotDivided) {
  BatchQueue queue(100, 1 << 20);
  queue.Start();
  for (const size_t n : {3, 3, 20, 1}) ASSERT_TRUE(PushOf(&queue, n).ok());
  std::vector<size_t> sizes;
  std::vector<PendingBatch> group;
  queue.Close();
  while (queue.PopGroup(7, &group)) {
    size_t n = 0;
    for (const PendingBatch& batch : group) n += batch.size();
    sizes.push_back(n);
  }
  EXPECT_THAT(sizes, ::testing::ElementsAre(6, 20, 1));
  EXPECT_TRUE(group.empty());
}

TEST(BatchQueueTest, PopWaitsForAPushOrClose) {
  BatchQueue queue(100, 1 << 20);
  queue.Start();
  std::vector<std::string> users;
  std::thread popper([&] {
    std::vector<PendingBatch> group;
    while (queue.PopGroup(1, &group)) {
      users.push_back(group[0].batch.interactions[0].user_id);
    }
  });
  for (const char* user : {"a", "b", "c"}) {
    PendingBatch batch = BatchOf(1, user);
    ASSERT_TRUE(queue.Push(&batch).ok());
  }
  queue.Close();
  popper.join();
  EXPECT_THAT(users, ::testing::ElementsAre("a", "b", "c"));
}

}  // namespace
}  // namespace taud::store
