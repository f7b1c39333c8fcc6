#include "index/search_plan.h"

#include "gtest/gtest.h"

namespace taud::index {
namespace {

struct Case {
  const char* name;
  size_t rows, eligible, k;
  SearchPath path;
};

class SearchPlanTest : public testing::TestWithParam<Case> {};

TEST_P(SearchPlanTest, Chooses) {
  const Case& c = GetParam();
  EXPECT_EQ(ChoosePath(c.rows, c.eligible, c.k), c.path);
}

INSTANTIATE_TEST_SUITE_P(
    All, SearchPlanTest,
    testing::Values(Case{"NothingAsked", 100, 100, 0, SearchPath::kEmpty},
                    Case{"NothingEligible", 100, 0, 5, SearchPath::kEmpty},
                    Case{"NoFilter", 41000, 41000, 20, SearchPath::kOverfetch},
                    Case{"SomeSeen", 41000, 40700, 20, SearchPath::kOverfetch},
                    Case{"HeapTooDeep", 41000, 39000, 20,
                         SearchPath::kSelector},
                    Case{"Half", 41000, 20500, 20, SearchPath::kSelector},
                    Case{"AnEighth", 41000, 5125, 20, SearchPath::kDirect},
                    Case{"AHandful", 1000000, 5, 20, SearchPath::kDirect},
                    Case{"SmallCatalogue", 10, 9, 20, SearchPath::kOverfetch}),
    [](const auto& c) { return c.param.name; });

TEST(ScanPlanTest, DirectOnlyWhereFewAreEligible) {
  EXPECT_EQ(ChooseScanPath(41000, 41000, 0), ScanPath::kEmpty);
  EXPECT_EQ(ChooseScanPath(41000, 0, 20), ScanPath::kEmpty);
  EXPECT_EQ(ChooseScanPath(41000, 41000, 20), ScanPath::kScan);
  EXPECT_EQ(ChooseScanPath(41000, 20000, 20), ScanPath::kScan);
  EXPECT_EQ(ChooseScanPath(41000, 1000, 20), ScanPath::kDirect);
  // All that may come back does.
  EXPECT_EQ(ChooseScanPath(100, 100, 100), ScanPath::kDirect);
}

}  // namespace
}  // namespace taud::index
