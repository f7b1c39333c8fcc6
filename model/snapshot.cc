#include "model/snapshot.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace taud::model {
namespace {

constexpr double kNormTolerance = 1e-3;

absl::Status CheckSize(const char* field, size_t actual, size_t expected) {
  if (actual == expected) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("snapshot.", field, " has ", actual,
                                          " values, expected ", expected));
}

absl::Status CheckRows(const char* field, const Matrix& matrix,
                       const std::vector<uint32_t>& counts) {
  for (size_t r = 0; r < matrix.rows; ++r) {
    const float* row = matrix.Row(r);
    double sum = 0;
    for (size_t c = 0; c < matrix.cols; ++c) sum += double{row[c]} * row[c];
    // NaN and infinity both end up in the sum.
    if (!std::isfinite(sum)) {
      return absl::DataLossError(
          absl::StrCat("snapshot.", field, " row ", r, " is not finite"));
    }
    const double expected = counts[r] > 0 ? 1.0 : 0.0;
    if (std::abs(std::sqrt(sum) - expected) > kNormTolerance) {
      return absl::DataLossError(absl::StrCat("snapshot.", field, " row ", r,
                                              " has norm ", std::sqrt(sum),
                                              ", expected ", expected));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckNeighbours(const Snapshot& s) {
  for (ItemIndex item = 0; item < s.neighbours.size(); ++item) {
    for (const Neighbour& one : s.neighbours.Of(item)) {
      if (one.item < s.items.rows && std::isfinite(one.weight) &&
          one.weight > 0) {
        continue;
      }
      return absl::DataLossError(
          absl::StrCat("snapshot.neighbours row ", item, " has item ", one.item,
                       " of ", s.items.rows, " with weight ", one.weight));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckTemperatures(const Snapshot& s) {
  if (!std::isfinite(s.tau0) || s.tau0 <= 0) {
    return absl::DataLossError(
        absl::StrCat("snapshot.tau0 is ", s.tau0, ", expected > 0"));
  }
  for (size_t u = 0; u < s.users.rows; ++u) {
    const float t = s.temperatures[u];
    const bool good =
        s.user_degree[u] > 0 ? std::isfinite(t) && t > 0 : t == 0.0f;
    if (good) continue;
    return absl::DataLossError(absl::StrCat("snapshot.temperatures row ", u,
                                            " is ", t, " for a user with ",
                                            s.user_degree[u], " interactions"));
  }
  return absl::OkStatus();
}

}  // namespace

Sequence Snapshot::ThroughOf(UserIndex user) const {
  if (user >= users.rows || user_degree[user] == 0) return 0;
  if (user_behind.empty()) return trained_through;
  const uint32_t behind = user_behind[user];
  // Further behind than can be counted: from the beginning.
  if (behind == std::numeric_limits<uint32_t>::max()) return 0;
  return trained_through - std::min<Sequence>(behind, trained_through);
}

uint32_t Behind(Sequence trained_through, Sequence row_through) {
  if (row_through >= trained_through) return 0;
  return static_cast<uint32_t>(std::min<Sequence>(
      trained_through - row_through, std::numeric_limits<uint32_t>::max()));
}

void ForgetNeighbours(const std::vector<ItemIndex>& items,
                      NeighbourLists* lists) {
  const absl::flat_hash_set<ItemIndex> gone(items.begin(), items.end());
  if (gone.empty()) return;
  for (ItemIndex item = 0; item < lists->size(); ++item) {
    const absl::Span<const Neighbour> list = lists->Of(item);
    const bool names = std::any_of(
        list.begin(), list.end(),
        [&](const Neighbour& one) { return gone.contains(one.item); });
    if (!names && !gone.contains(item)) continue;
    NeighbourList left;
    for (const Neighbour& one : list) {
      if (!gone.contains(one.item) && !gone.contains(item)) left.push_back(one);
    }
    lists->Set(item, std::move(left));
  }
}

bool ForgetTogether(const std::vector<ItemIndex>& items,
                    NeighbourLists* lists) {
  const absl::flat_hash_set<ItemIndex> together(items.begin(), items.end());
  bool changed = false;
  for (const ItemIndex item : together) {
    NeighbourList left;
    const absl::Span<const Neighbour> list = lists->Of(item);
    for (const Neighbour& one : list) {
      if (!together.contains(one.item)) left.push_back(one);
    }
    if (left.size() == list.size()) continue;
    lists->Set(item, std::move(left));
    changed = true;
  }
  return changed;
}

bool ForgetHistories(const ItemLists& histories, Snapshot* snapshot) {
  bool changed = false;
  for (const std::vector<ItemIndex>& items : histories) {
    changed = ForgetTogether(items, &snapshot->neighbours) || changed;
  }
  return changed;
}

bool ForgetRows(const std::vector<UserIndex>& users,
                const std::vector<ItemIndex>& items, Snapshot* snapshot) {
  bool changed = false;
  for (const UserIndex user : users) {
    if (user >= snapshot->users.rows || snapshot->user_degree[user] == 0) {
      continue;
    }
    std::fill_n(snapshot->users.Row(user), snapshot->users.cols, 0.0f);
    snapshot->user_degree[user] = 0;
    snapshot->temperatures[user] = 0;
    if (!snapshot->user_behind.empty()) snapshot->user_behind[user] = 0;
    changed = true;
  }
  for (const ItemIndex item : items) {
    if (item >= snapshot->items.rows || snapshot->item_popularity[item] == 0) {
      continue;
    }
    std::fill_n(snapshot->items.Row(item), snapshot->items.cols, 0.0f);
    snapshot->item_popularity[item] = 0;
    changed = true;
  }
  ForgetNeighbours(items, &snapshot->neighbours);
  return changed;
}

absl::Status ValidateSnapshot(const Snapshot& s) {
  if (s.items.cols == 0 || s.users.cols != s.items.cols) {
    return absl::DataLossError(absl::StrCat("snapshot has dimensions users ",
                                            s.users.cols, ", items ",
                                            s.items.cols));
  }
  const struct {
    const char* field;
    size_t actual;
    size_t expected;
  } sizes[] = {
      {"users", s.users.values.size(), s.users.rows * s.users.cols},
      {"items", s.items.values.size(), s.items.rows * s.items.cols},
      {"user_degree", s.user_degree.size(), s.users.rows},
      {"item_popularity", s.item_popularity.size(), s.items.rows},
      {"temperatures", s.temperatures.size(), s.users.rows},
      {"user_behind", s.user_behind.size(),
       s.user_behind.empty() ? 0 : s.users.rows},
  };
  for (const auto& size : sizes) {
    absl::Status status = CheckSize(size.field, size.actual, size.expected);
    if (!status.ok()) return status;
  }
  absl::Status status = CheckNeighbours(s);
  if (status.ok()) status = CheckRows("users", s.users, s.user_degree);
  if (status.ok()) status = CheckRows("items", s.items, s.item_popularity);
  if (status.ok()) status = CheckTemperatures(s);
  return status;
}

}  // namespace taud::model
