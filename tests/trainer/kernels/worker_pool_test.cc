#include "trainer/kernels/worker_pool.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <stdexcept>
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

// Wherever it was thrown, after all have returned; and the pool goes on.
TEST(WorkerPoolTest, WhatATaskThrowsIsThrownToTheCaller) {
  for (const int workers : {1, 4}) {
    WorkerPool pool(workers);
    for (int thrower = 0; thrower < pool.workers(); ++thrower) {
      std::atomic<int> runs{0};
      EXPECT_THROW(pool.Run([&](int worker) {
        ++runs;
        if (worker == thrower) throw std::runtime_error("no memory");
      }),
                   std::runtime_error);
      EXPECT_EQ(runs, pool.workers());
    }
    std::atomic<int> runs{0};
    pool.Run([&](int) { ++runs; });
    EXPECT_EQ(runs, pool.workers());
  }
}

TEST(WorkerPoolTest, WorkersInheritTheNicenessOfTheirCreator) {
  // The suite itself may run under nice.
  const int own = getpriority(PRIO_PROCESS, 0);
  if (own >= 19) GTEST_SKIP() << "cannot be nicer than the suite runs: " << own;
  std::thread creator([own] {
    ASSERT_EQ(setpriority(PRIO_PROCESS, 0, own + 1), 0);
    WorkerPool pool(3);
    std::atomic<int> nice{0};
    pool.Run([&](int) { nice += getpriority(PRIO_PROCESS, 0); });
    EXPECT_EQ(nice, 3 * (own + 1));
  });
  creator.join();
  EXPECT_EQ(getpriority(PRIO_PROCESS, 0), own);
}

}  // namespace
}  // namespace taud::trainer
