#include "store/files/snapshot_retention.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kMinute = 60 * 1000;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kBegin = 20000 * kDay;

// One every `interval`, versions from 1.
std::vector<SnapshotOnDisk> Every(int64_t interval, size_t count) {
  std::vector<SnapshotOnDisk> saved;
  for (size_t i = 0; i < count; ++i) {
    saved.push_back({i + 1, kBegin + static_cast<int64_t>(i) * interval, 100});
  }
  return saved;
}

SnapshotRetention Keep(size_t keep) {
  SnapshotRetention retention;
  retention.keep = keep;
  return retention;
}

std::vector<model::SnapshotVersion> Left(
    const std::vector<SnapshotOnDisk>& saved,
    const SnapshotRetention& retention) {
  const auto gone = Superfluous(saved, retention);
  std::vector<model::SnapshotVersion> left;
  for (const SnapshotOnDisk& one : saved) {
    if (!testing::Value(gone, testing::Contains(one.version))) {
      left.push_back(one.version);
    }
  }
  return left;
}

TEST(SnapshotRetentionTest, TheNewestStay) {
  EXPECT_THAT(Superfluous({}, Keep(3)), IsEmpty());
  EXPECT_THAT(Left(Every(kMinute, 5), Keep(2)), ElementsAre(4, 5));
  EXPECT_THAT(Left(Every(kMinute, 5), Keep(9)), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(Left(Every(kMinute, 5), Keep(0)), IsEmpty());
}

TEST(SnapshotRetentionTest, OfOlderOnesTheLastOfAnHourAndOfADayStay) {
  SnapshotRetention retention = Keep(2);
  retention.hourly = 3;
  // Twenty minutes apart: 1–3 in the first hour, 4–6, 7–9, 10–12.
  EXPECT_THAT(Left(Every(20 * kMinute, 12), retention),
              ElementsAre(6, 9, 11, 12));
  retention = Keep(1);
  retention.daily = 2;
  // Twelve hours apart: two a day.
  EXPECT_THAT(Left(Every(12 * kHour, 7), retention), ElementsAre(6, 7));
  retention.daily = 3;
  EXPECT_THAT(Left(Every(12 * kHour, 7), retention), ElementsAre(4, 6, 7));
}

// Asked again and again while they come, the history thins with age and none
// is removed that would be wanted later.
TEST(SnapshotRetentionTest, AHistoryThatGrowsThinsWithAge) {
  SnapshotRetention retention = Keep(4);
  retention.hourly = 5;
  retention.daily = 3;
  std::vector<SnapshotOnDisk> saved;
  for (uint64_t v = 1; v <= 4 * 24 * 6; ++v) {  // four days, ten minutes apart
    saved.push_back({v, kBegin + static_cast<int64_t>(v) * 10 * kMinute, 1});
    for (const auto gone : Superfluous(saved, retention)) {
      saved.erase(std::find_if(saved.begin(), saved.end(), [&](const auto& s) {
        return s.version == gone;
      }));
    }
  }
  std::vector<int64_t> hours;
  for (const auto& one : saved)
    hours.push_back((one.created_ms - kBegin) / kHour);
  // The last of days 2 and 3 (counted from 0: hours 47 and 71), hours 92 to 95
  // and, within the newest forty minutes, four.
  EXPECT_THAT(hours, ElementsAre(71, 92, 93, 94, 95, 95, 95, 96));
}

TEST(SnapshotRetentionTest, WhatIsKeptAndWhatIsAsideCountAsNoneOfThem) {
  SnapshotRetention retention = Keep(2);
  retention.stay = {1};
  retention.aside = {3, 5};
  EXPECT_THAT(Left(Every(kMinute, 6), retention), ElementsAre(1, 4, 5, 6));
  retention.stay = {1, 3};
  EXPECT_THAT(Left(Every(kMinute, 6), retention), ElementsAre(1, 3, 4, 5, 6));
}

TEST(SnapshotRetentionTest, TheNewestAndTheKeptOneStayWhateverTheyNeed) {
  SnapshotRetention retention = Keep(10);
  retention.max_bytes = 250;
  EXPECT_THAT(Left(Every(kMinute, 5), retention), ElementsAre(4, 5));
  retention.max_bytes = 1;
  retention.stay = {2};
  EXPECT_THAT(Left(Every(kMinute, 5), retention), ElementsAre(2, 5));
}

TEST(SnapshotRetentionTest, ADamagedOneIsOfNoHour) {
  SnapshotRetention retention = Keep(1);
  retention.hourly = 10;
  std::vector<SnapshotOnDisk> saved = Every(kHour, 3);
  saved[1].created_ms = 0;
  EXPECT_THAT(Left(saved, retention), ElementsAre(1, 3));
}

}  // namespace
}  // namespace taud::store
