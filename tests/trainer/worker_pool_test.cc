#include "trainer/worker_pool.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <thread>
#include <vector>

namespace taud::trainer {
namespace {

TEST(WorkerPoolTest, EveryWorkerRunsOnceARound) {
  for (const int workers : {-1, 1, 2, 5}) {
    WorkerPool pool(workers);
    std::vector<int> runs(static_cast<size_t>(pool.workers()), 0);
    for (int round = 1; round <= 300; ++round) {
      pool.Run([&](int worker) { ++runs[worker]; });
      for (const int count : runs) ASSERT_EQ(count, round);
    }
  }
}

TEST(WorkerPoolTest, WorkersInheritTheNicenessOfTheirCreator) {
  std::thread creator([] {
    ASSERT_EQ(setpriority(PRIO_PROCESS, 0, 7), 0);
    WorkerPool pool(3);
    std::atomic<int> nice{0};
    pool.Run([&](int) { nice += getpriority(PRIO_PROCESS, 0); });
    EXPECT_EQ(nice, 21);
  });
  creator.join();
  EXPECT_LT(getpriority(PRIO_PROCESS, 0), 7);
}

}  // namespace
}  // namespace taud::trainer
