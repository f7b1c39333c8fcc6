#include "server/quality/snapshot_diff.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "server/quality/model_measures.h"

namespace taud::server {
namespace {

constexpr size_t kUsers = 512;
constexpr size_t kItems = 64;
constexpr size_t kTop = 10;
constexpr size_t kShifts = 10;
// Scores of all that is sampled.
constexpr size_t kMostScores = 50'000'000;

size_t SampleSize(size_t wanted, size_t items) {
  return std::clamp<size_t>(kMostScores / std::max<size_t>(1, items), 8,
                            wanted);
}

void FillTemperatures(const model::Snapshot& from, const model::Snapshot& to,
                      v1::SnapshotDiff* diff) {
  double sum_from = 0;
  double sum_to = 0;
  double change = 0;
  size_t users = 0;
  for (size_t user = 0; user < std::min(from.users.rows, to.users.rows);
       ++user) {
    if (from.user_degree[user] == 0 || to.user_degree[user] == 0) continue;
    const double before = double{from.temperatures[user]};
    const double now = double{to.temperatures[user]};
    sum_from += before;
    sum_to += now;
    change += std::abs(now - before);
    ++users;
  }
  if (users == 0) return;
  const auto n = static_cast<double>(users);
  diff->set_temperature_from(sum_from / n);
  diff->set_temperature_to(sum_to / n);
  diff->set_temperature_change(change / n);
}

void FillShifts(const Lists& from, const Lists& to,
                const model::Dictionary& items, v1::SnapshotDiff* diff) {
  if (from.empty()) return;
  absl::flat_hash_map<model::ItemIndex, std::pair<int, int>> places;
  for (const auto& list : from) {
    for (const model::ItemIndex item : list) ++places[item].first;
  }
  for (const auto& list : to) {
    for (const model::ItemIndex item : list) ++places[item].second;
  }
  std::vector<std::pair<int, model::ItemIndex>> gains;
  for (const auto& [item, both] : places) {
    gains.emplace_back(both.second - both.first, item);
  }
  std::sort(gains.begin(), gains.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  const auto lists = static_cast<double>(from.size());
  const model::Dictionary::NamesLock lock(items);
  const auto add = [&](model::ItemIndex item, v1::ItemShift* shift) {
    shift->set_item_id(std::string(items.Name(item)));
    shift->set_share_from(places[item].first / lists);
    shift->set_share_to(places[item].second / lists);
  };
  for (size_t i = 0; i < std::min(kShifts, gains.size()); ++i) {
    if (gains[i].first > 0) add(gains[i].second, diff->add_gained());
    const auto& last = gains[gains.size() - 1 - i];
    if (last.first < 0) add(last.second, diff->add_lost());
  }
}

}  // namespace

v1::SnapshotDiff DiffSnapshots(const model::Snapshot& from,
                               const model::Snapshot& to,
                               const model::Dictionary& items) {
  v1::SnapshotDiff diff;
  diff.mutable_from()->set_version(from.version);
  diff.mutable_to()->set_version(to.version);
  diff.set_users_added(CountLost(to.user_degree, from.user_degree));
  diff.set_users_removed(CountLost(from.user_degree, to.user_degree));
  diff.set_items_added(CountLost(to.item_popularity, from.item_popularity));
  diff.set_items_removed(CountLost(from.item_popularity, to.item_popularity));
  diff.set_user_cosine(
      RowCosine(from.users, from.user_degree, to.users, to.user_degree));
  diff.set_item_cosine(RowCosine(from.items, from.item_popularity, to.items,
                                 to.item_popularity));
  FillTemperatures(from, to, &diff);
  const size_t most = std::max(from.items.rows, to.items.rows);
  std::vector<model::UserIndex> users;
  for (const model::UserIndex user : SampleTrained(from.user_degree, kUsers)) {
    if (users.size() >= SampleSize(kUsers, most)) break;
    if (user < to.users.rows && to.user_degree[user] > 0) users.push_back(user);
  }
  diff.set_sampled_users(static_cast<uint32_t>(users.size()));
  const Lists before = ExactListsOf(from, users, kTop);
  const Lists now = ExactListsOf(to, users, kTop);
  diff.set_list_overlap_10(Overlap(before, now));
  const std::vector<model::ItemIndex> sampled = SampleTrained(
      from.item_popularity, std::min(kItems, SampleSize(kItems, most)));
  diff.set_neighbour_overlap_10(Overlap(ExactNeighboursOf(from, sampled, kTop),
                                        ExactNeighboursOf(to, sampled, kTop)));
  FillShifts(before, now, items, &diff);
  return diff;
}

}  // namespace taud::server
