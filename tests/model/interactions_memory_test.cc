// Interactions when there is no memory for one of them: what was appended is
// whole, what was not is not there at all.

#include <algorithm>
#include <new>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/interactions.h"
#include "tests/failing_new.h"

namespace taud::model {
namespace {

constexpr UserIndex kUsers = 30;
constexpr ItemIndex kItems = 50;

// With repeats, dislikes, retractions; times that go back; more than a chunk of
// the log.
std::vector<Interaction> Stream() {
  std::mt19937 random(7);
  std::vector<Interaction> stream(1500);
  for (size_t i = 0; i < stream.size(); ++i) {
    Interaction& one = stream[i];
    one.sequence = 2 * i + 1;
    one.user = random() % kUsers;
    one.item = random() % kItems;
    one.time_ms = static_cast<int64_t>(random() % 1000);
    const uint32_t kind = random() % 4;
    one.kind = kind == 0   ? InteractionKind::kRetract
               : kind == 1 ? InteractionKind::kDislike
                           : InteractionKind::kLike;
  }
  return stream;
}

// One interaction, or what a user or an item has of them, as numbers.
using Numbers = std::vector<int64_t>;

std::vector<Numbers> Everything(const Interactions& interactions) {
  std::vector<Numbers> all;
  for (size_t p = 0; p < interactions.size(); ++p) {
    const Interaction one = interactions.At(p);
    all.push_back({static_cast<int64_t>(one.sequence), one.user, one.item,
                   static_cast<int64_t>(one.kind), one.repeated});
  }
  for (UserIndex user = 0; user < kUsers; ++user) {
    std::vector<ItemIndex> seen;
    interactions.CopySeen(user, &seen);
    all.emplace_back(seen.begin(), seen.end());
    std::vector<HistoryEntry> history;
    interactions.CopyHistory(user, 1000, &history);
    for (const HistoryEntry& entry : history) {
      all.push_back({entry.item, static_cast<int64_t>(entry.kind),
                     entry.repeated, entry.since_like,
                     static_cast<int64_t>(entry.sequence), entry.time_ms});
    }
    all.push_back({static_cast<int64_t>(interactions.NewestOf(user))});
  }
  for (ItemIndex item = 0; item < kItems; ++item) {
    std::vector<UserIndex> recent;
    interactions.CopyRecentUsers(item, &recent);
    all.emplace_back(recent.begin(), recent.end());
    all.push_back(
        {interactions.ItemCount(item), interactions.ItemPositives(item)});
  }
  all.push_back({static_cast<int64_t>(interactions.last_sequence()),
                 static_cast<int64_t>(interactions.last_retraction())});
  return all;
}

void AppendEach(const std::vector<Interaction>& part, Interactions* to) {
  for (const Interaction& one : part) to->Append(one);
}

void AppendInBlocks(const std::vector<Interaction>& part, Interactions* to) {
  for (size_t begin = 0; begin < part.size(); begin += 400) {
    const size_t end = std::min(part.size(), begin + 400);
    to->AppendAll({part.begin() + static_cast<std::ptrdiff_t>(begin),
                   part.begin() + static_cast<std::ptrdiff_t>(end)});
  }
}

using AppendFunction = void (*)(const std::vector<Interaction>&, Interactions*);

// Whichever allocation fails: appended again from where it stands, everything
// is as if none had failed.
void FailEachAllocation(AppendFunction append) {
  const std::vector<Interaction> stream = Stream();
  Interactions expected;
  AppendEach(stream, &expected);
  const std::vector<Numbers> all = Everything(expected);
  int failures = 0;
  for (int n = 1;; ++n) {
    SCOPED_TRACE(n);
    Interactions interactions;
    FailAllocation(n);
    try {
      append(stream, &interactions);
    } catch (const std::bad_alloc&) {
    }
    FailAllocation(0);
    const Sequence last = interactions.last_sequence();
    if (last == stream.back().sequence) break;
    ++failures;
    std::vector<Interaction> rest;
    for (const Interaction& one : stream) {
      if (one.sequence > last) rest.push_back(one);
    }
    ASSERT_EQ(interactions.size() + rest.size(), stream.size());
    append(rest, &interactions);
    ASSERT_EQ(Everything(interactions), all);
  }
  EXPECT_GT(failures, 100);
}

TEST(InteractionsMemoryTest, OneByOne) { FailEachAllocation(AppendEach); }

TEST(InteractionsMemoryTest, ManyAtATime) {
  FailEachAllocation(AppendInBlocks);
}

}  // namespace
}  // namespace taud::model
