#include "model/snapshot.h"

#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::model {
namespace {

using ::testing::HasSubstr;

// Two trained users and one new, one trained item and one new.
Snapshot Good() {
  Snapshot s;
  s.users = Matrix(3, 2);
  s.users.Row(0)[0] = 1;
  s.users.Row(1)[0] = 0.6f;
  s.users.Row(1)[1] = -0.8f;
  s.items = Matrix(2, 2);
  s.items.Row(0)[1] = 1;
  s.user_degree = {4, 1, 0};
  s.item_popularity = {5, 0};
  s.temperatures = {0.1f, 0.2f, 0};
  s.tau0 = 0.1f;
  return s;
}

TEST(ValidateSnapshotTest, AcceptsGoodOnes) {
  EXPECT_TRUE(ValidateSnapshot(Good()).ok());
  Snapshot s = Good();
  s.users.Row(0)[0] = 1.0009f;  // inside the tolerance
  EXPECT_TRUE(ValidateSnapshot(s).ok());
  s.users = Matrix(0, 2);
  s.user_degree.clear();
  s.temperatures.clear();
  EXPECT_TRUE(ValidateSnapshot(s).ok());
}

TEST(ValidateSnapshotTest, NamesFieldRowAndValue) {
  const float nan = std::nanf("");
  const float infinity = std::numeric_limits<float>::infinity();
  const struct {
    std::function<void(Snapshot*)> change;
    const char* message;
  } cases[] = {
      {[](Snapshot* s) { *s = Snapshot(); }, "dimensions"},
      {[](Snapshot* s) { s->users.cols = 3; }, "users 3, items 2"},
      {[](Snapshot* s) { s->users.values.pop_back(); },
       "users has 5 values, expected 6"},
      {[](Snapshot* s) { s->items.values.push_back(0); },
       "items has 5 values, expected 4"},
      {[](Snapshot* s) { s->user_degree.pop_back(); },
       "user_degree has 2 values, expected 3"},
      {[](Snapshot* s) { s->item_popularity.push_back(0); },
       "item_popularity has 3 values, expected 2"},
      {[](Snapshot* s) { s->temperatures.clear(); },
       "temperatures has 0 values, expected 3"},
      {[=](Snapshot* s) { s->users.Row(1)[0] = nan; },
       "users row 1 is not finite"},
      {[=](Snapshot* s) { s->items.Row(0)[0] = infinity; },
       "items row 0 is not finite"},
      {[=](Snapshot* s) { s->items.Row(0)[0] = -infinity; },
       "items row 0 is not finite"},
      {[](Snapshot* s) { s->users.Row(0)[0] = 1.01f; },
       "users row 0 has norm 1.01"},
      {[](Snapshot* s) { s->users.Row(0)[0] = 0; },
       "users row 0 has norm 0, expected 1"},
      {[](Snapshot* s) { s->users.Row(2)[0] = 1; },
       "users row 2 has norm 1, expected 0"},
      {[](Snapshot* s) { s->items.Row(1)[0] = 1; },
       "items row 1 has norm 1, expected 0"},
      {[](Snapshot* s) { s->tau0 = 0; }, "tau0 is 0"},
      {[](Snapshot* s) { s->tau0 = -1; }, "tau0 is -1"},
      {[=](Snapshot* s) { s->tau0 = nan; }, "tau0 is nan"},
      {[=](Snapshot* s) { s->tau0 = infinity; }, "tau0 is inf"},
      {[](Snapshot* s) { s->temperatures[1] = 0; }, "temperatures row 1 is 0"},
      {[](Snapshot* s) { s->temperatures[0] = -0.5f; },
       "temperatures row 0 is -0.5"},
      {[=](Snapshot* s) { s->temperatures[0] = nan; },
       "temperatures row 0 is nan"},
      {[](Snapshot* s) { s->temperatures[2] = 0.1f; },
       "temperatures row 2 is 0.1 for a user with 0"},
      {[=](Snapshot* s) { s->temperatures[2] = nan; },
       "temperatures row 2 is nan"},
  };
  for (const auto& c : cases) {
    Snapshot s = Good();
    c.change(&s);
    const absl::Status status = ValidateSnapshot(s);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << c.message;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.message));
  }
}

}  // namespace
}  // namespace taud::model
