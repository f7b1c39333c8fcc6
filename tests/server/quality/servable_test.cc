#include "server/quality/servable.h"

#include <functional>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/test_world.h"

namespace taud::server {
namespace {

struct Case {
  const char* name;
  std::function<void(model::Snapshot*)> spoil;
  const char* reason;  // null: passes
};

class ServableTest : public testing::TestWithParam<Case> {};

TEST_P(ServableTest, Decides) {
  const auto serving = MakeSnapshot(4, 6, 8, 1);
  serving->trained_through = 10;
  const auto candidate = MakeSnapshot(4, 6, 8, 2);
  candidate->trained_through = 10;
  GetParam().spoil(candidate.get());
  const absl::Status status = CheckServable(*candidate, serving.get(), 8);
  if (GetParam().reason == nullptr) {
    EXPECT_TRUE(status.ok()) << status;
    return;
  }
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(std::string(status.message()),
              testing::HasSubstr(GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(
    All, ServableTest,
    testing::Values(
        Case{"AsGood", [](auto*) {}, nullptr},
        Case{"Nan",
             [](auto* s) {
               s->items.Row(2)[1] = std::numeric_limits<float>::quiet_NaN();
             },
             "items row 2 is not finite"},
        Case{"NotUnit", [](auto* s) { s->users.Row(1)[0] += 1; },
             "users row 1 has norm"},
        Case{"Older", [](auto* s) { s->trained_through = 9; },
             "trained through 9"},
        Case{"OtherDimension", [](auto* s) { *s = *MakeSnapshot(4, 6, 16); },
             "dimension 16"},
        Case{"NothingTrained",
             [](auto* s) {
               for (size_t i = 0; i < 6; ++i) Untrain(i, s);
             },
             "no user or no item"},
        Case{"ColdTemperature", [](auto* s) { s->temperatures[0] = 0; },
             "temperatures row 0"},
        Case{"ShortList", [](auto* s) { s->item_popularity.pop_back(); },
             "item_popularity has 5"}),
    [](const auto& c) { return c.param.name; });

}  // namespace
}  // namespace taud::server
