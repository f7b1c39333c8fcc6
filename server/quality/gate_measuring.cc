// How snapshots are measured for the gate (gate.h).

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "server/quality/gate.h"

namespace taud::server {
namespace {

constexpr size_t kPairs = 1024;
constexpr size_t kOthers = 200;
constexpr size_t kListLength = 10;
constexpr size_t kMaxLists = 128;
constexpr size_t kScoresForLists = 2'000'000;
constexpr size_t kAudited = 4;
// Fewer pairs place a row where they are.
constexpr uint32_t kKnownBy = 5;
// Fewer items beside a pair tell too little.
constexpr size_t kFewOthers = 50;

GateMeasures MeasureOne(const ServingModel& model) {
  const model::Snapshot& snapshot = *model.snapshot;
  GateMeasures measures;
  measures.users = CountTrained(snapshot.user_degree);
  measures.items = CountTrained(snapshot.item_popularity);
  measures.pairs = std::accumulate(snapshot.item_popularity.begin(),
                                   snapshot.item_popularity.end(), size_t{0});
  const auto passes = snapshot.metrics.find(model::kPassesMetric);
  if (passes != snapshot.metrics.end()) measures.passes = passes->second;
  measures.user_spread =
      SpreadOf(snapshot.users, snapshot.user_degree, kKnownBy);
  measures.item_spread =
      SpreadOf(snapshot.items, snapshot.item_popularity, kKnownBy);
  measures.tau0 = double{snapshot.tau0};
  measures.tau_user = MeasureTemperatures(snapshot);
  return measures;
}

// Compares a few of the index's lists with exact ones.
absl::Status Audit(const ServingModel& model, GateMeasures* measures) {
  const model::Snapshot& snapshot = *model.snapshot;
  const std::vector<model::UserIndex> users =
      SampleTrained(snapshot.user_degree, kAudited);
  const auto found = ListsOf(model, users, kListLength);
  if (!found.ok()) return found.status();
  measures->audited = users.size();
  measures->index_recall =
      Overlap(*found, ExactListsOf(snapshot, users, kListLength));
  return absl::OkStatus();
}

// Of the rows that both have, of both; if these are few, each has its own.
void MeasureSpreadBeside(const model::Matrix& next, const model::Matrix& last,
                         const std::vector<uint32_t>& counts,
                         Spread* next_spread, Spread* last_spread) {
  const Spread common = SpreadOf(next, counts, kKnownBy);
  if (common.rows < kFewRows) {
    *last_spread = Spread();
    return;
  }
  *next_spread = common;
  *last_spread = SpreadOf(last, counts, kKnownBy);
}

size_t NumLists(size_t items) {
  return std::clamp(kScoresForLists / std::max<size_t>(1, items), kMinLists,
                    kMaxLists);
}

// Without items that nobody likes any more.
size_t ItemsLost(const model::Snapshot& serving,
                 const model::Snapshot& candidate, const model::State& state) {
  size_t lost = 0;
  for (size_t item = 0; item < serving.items.rows; ++item) {
    if (serving.item_popularity[item] == 0) continue;
    if (item < candidate.items.rows && candidate.item_popularity[item] > 0) {
      continue;
    }
    lost += state.interactions.ItemPositives(
                static_cast<model::ItemIndex>(item)) > 0;
  }
  return lost;
}

// Without users who like nothing any more.
size_t UsersLost(const model::Snapshot& serving,
                 const model::Snapshot& candidate, const model::State& state) {
  size_t lost = 0;
  std::vector<model::ItemIndex> liked;
  for (model::UserIndex user = 0; user < serving.users.rows; ++user) {
    if (serving.user_degree[user] == 0) continue;
    if (user < candidate.users.rows && candidate.user_degree[user] > 0) {
      continue;
    }
    if (state.users.IsErased(user)) continue;
    // What came after the candidate it need not know.
    state.interactions.CopyLiked(user, 1, &liked,
                                 candidate.trained_through + 1);
    lost += !liked.empty();
  }
  return lost;
}

void Count(PairOutcome candidate, PairOutcome serving, PairCounts* counts) {
  const bool now = candidate == PairOutcome::kHit;
  const bool before = serving == PairOutcome::kHit;
  if (now && before) ++counts->both;
  if (now && !before) ++counts->only_candidate;
  if (!now && before) ++counts->only_serving;
  if (!now && !before) ++counts->neither;
}

void ComparePairs(const model::Snapshot& candidate,
                  const model::Snapshot& serving, const model::State& state,
                  GateComparison* comparison) {
  // What both have learnt.
  const PairSample sample =
      SamplePairs(state, serving.trained_through, kPairs, kOthers);
  if (sample.others.size() < kFewOthers) return;
  const auto now = AskPairs(candidate, sample);
  const auto before = AskPairs(serving, sample);
  std::vector<uint32_t> popularity;
  for (const auto& [user, item] : sample.pairs) {
    popularity.push_back(state.interactions.ItemPositives(item));
  }
  std::vector<uint32_t> sorted = popularity;
  const auto middle =
      sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  if (!sorted.empty()) std::nth_element(sorted.begin(), middle, sorted.end());
  for (size_t p = 0; p < sample.pairs.size(); ++p) {
    if (before[p] == PairOutcome::kNoRow) continue;
    const auto slice = popularity[p] >= *middle ? GateComparison::kHead
                                                : GateComparison::kTail;
    Count(now[p], before[p], &comparison->pairs[GateComparison::kAll]);
    Count(now[p], before[p], &comparison->pairs[slice]);
  }
}

absl::Status MeasureListsAlone(const ServingModel& candidate,
                               GateFacts* facts) {
  const model::Snapshot& next = *candidate.snapshot;
  const std::vector<model::UserIndex> users =
      SampleTrained(next.user_degree, NumLists(facts->candidate.items));
  auto lists = ListsOf(candidate, users, kListLength);
  if (!lists.ok()) return lists.status();
  facts->candidate.lists = MeasureLists(*lists);
  return absl::OkStatus();
}

// What both have, measured of both. REQUIRES: facts->serving.
absl::Status MeasureBeside(const ServingModel& candidate,
                           const ServingModel& serving,
                           const model::State& state, GateFacts* facts) {
  const model::Snapshot& next = *candidate.snapshot;
  const model::Snapshot& last = *serving.snapshot;
  const auto user_counts = CountsInBoth(last.user_degree, next.user_degree);
  const auto item_counts =
      CountsInBoth(last.item_popularity, next.item_popularity);
  MeasureSpreadBeside(next.users, last.users, user_counts,
                      &facts->candidate.user_spread,
                      &facts->serving->user_spread);
  MeasureSpreadBeside(next.items, last.items, item_counts,
                      &facts->candidate.item_spread,
                      &facts->serving->item_spread);
  const std::vector<model::UserIndex> users =
      SampleTrained(user_counts, NumLists(facts->candidate.items));
  const auto lists = ListsOf(candidate, users, kListLength);
  if (!lists.ok()) return lists.status();
  const auto before = ListsOf(serving, users, kListLength);
  if (!before.ok()) return before.status();
  facts->candidate.lists = MeasureLists(*lists);
  facts->serving->lists = MeasureLists(*before);
  GateComparison& comparison = facts->comparison.emplace();
  comparison.compared_with = last.version;
  comparison.list_overlap = Overlap(*lists, *before);
  comparison.item_cosine = RowCosine(last.items, last.item_popularity,
                                     next.items, next.item_popularity);
  comparison.items_lost = ItemsLost(last, next, state);
  comparison.users_lost = UsersLost(last, next, state);
  for (size_t item = 0; item < state.interactions.num_items(); ++item) {
    comparison.pairs_there +=
        state.interactions.ItemPositives(static_cast<model::ItemIndex>(item));
  }
  ComparePairs(next, last, state, &comparison);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<GateFacts> MeasureForGate(const ServingModel& candidate,
                                         const ServingModel* serving,
                                         const model::State& state) {
  GateFacts facts;
  facts.candidate = MeasureOne(candidate);
  if (serving != nullptr) {
    const GateMeasures measures = MeasureOne(*serving);
    if (measures.users > 0 && measures.items > 0) facts.serving = measures;
  }
  absl::Status status = Audit(candidate, &facts.candidate);
  if (!status.ok()) return status;
  status = facts.serving.has_value()
               ? MeasureBeside(candidate, *serving, state, &facts)
               : MeasureListsAlone(candidate, &facts);
  if (!status.ok()) return status;
  return facts;
}

}  // namespace taud::server
