#include "model/steady_clock.h"

#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace taud::model {
namespace {

TEST(SteadyClockTest, DoesNotGoBack) {
  const absl::Time first = SteadyNow();
  EXPECT_LE(first, SteadyNow());
}

TEST(SteadyAlarmTest, EndsAWaitThatNobodyElseEnds) {
  absl::Mutex mutex;
  SteadyAlarm alarm;
  const bool ready = false;
  absl::MutexLock lock(&mutex);
  for (int i = 0; i < 3; ++i) {
    const absl::Time until = SteadyNow() + absl::Milliseconds(i);
    EXPECT_FALSE(alarm.Await(&mutex, absl::Condition(&ready), until));
    EXPECT_GE(SteadyNow(), until);
  }
}

TEST(SteadyAlarmTest, EndsWhenTheConditionHolds) {
  absl::Mutex mutex;
  SteadyAlarm alarm;
  bool ready = false;
  std::thread other([&] {
    absl::MutexLock lock(&mutex);
    ready = true;
  });
  {
    absl::MutexLock lock(&mutex);
    EXPECT_TRUE(alarm.Await(&mutex, absl::Condition(&ready),
                            SteadyNow() + absl::Hours(1)));
    EXPECT_TRUE(
        alarm.Await(&mutex, absl::Condition(&ready), absl::InfiniteFuture()));
    EXPECT_TRUE(
        alarm.Await(&mutex, absl::Condition(&ready), absl::InfinitePast()));
  }
  other.join();
}

}  // namespace
}  // namespace taud::model
