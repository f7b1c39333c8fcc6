#include "server/quality/event_ranking.h"

#include <algorithm>
#include <cstddef>

#include "absl/time/clock.h"
#include "server/serving/recommender.h"

namespace taud::server {
namespace {

// Of the lists of two models, compared.
constexpr size_t kReferenceDepth = 20;

size_t RankOf(const Recommendation& answer, model::ItemIndex item) {
  for (size_t i = 0; i < answer.items.size(); ++i) {
    if (answer.items[i].item == item) return i + 1;
  }
  return 0;
}

double TopTenOverlap(const Recommendation& a, const Recommendation& b) {
  constexpr size_t kTop = 10;
  size_t both = 0;
  const size_t n = std::min(kTop, a.items.size());
  const size_t m = std::min(kTop, b.items.size());
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < m; ++j) {
      both += a.items[i].item == b.items[j].item;
    }
  }
  return static_cast<double>(both) /
         static_cast<double>(std::max<size_t>(1, std::max(n, m)));
}

RecommendTask TaskOf(const model::Interaction& event, size_t k) {
  RecommendTask task;
  task.user = event.user;
  task.before = event.sequence;
  task.k = k;
  return task;
}

}  // namespace

TenthBounds TenthBoundsOf(const ServingModel& model) {
  TenthBounds bounds{};
  const model::Snapshot& snapshot = *model.snapshot;
  double all = 0;
  for (const uint32_t count : snapshot.item_popularity) all += count;
  double sum = 0;
  size_t tenth = 0;
  for (const model::ItemIndex item : model.by_popularity) {
    sum += snapshot.item_popularity[item];
    while (tenth < bounds.size() &&
           sum >= all * static_cast<double>(tenth + 1) / 10) {
      bounds[tenth++] = snapshot.item_popularity[item];
    }
  }
  return bounds;
}

std::vector<model::Interaction> OpenEvents(
    const ServingModel& model, const model::State& state,
    const std::vector<model::Interaction>& events) {
  std::vector<model::Interaction> open;
  std::vector<model::ItemIndex> since;
  for (const model::Interaction& event : events) {
    if (event.sequence <= model.snapshot->trained_through) continue;
    if (state.interactions.CopyTakenSince(event.user, event.sequence, &since)) {
      open.push_back(event);
    }
  }
  return open;
}

absl::StatusOr<std::vector<EvaluatedEvent>> RankEvents(
    const ServingModel& current, const ServingModel* reference,
    const model::State& state, const TenthBounds& bounds,
    const std::vector<model::Interaction>& events) {
  std::vector<RecommendTask> tasks;
  tasks.reserve(events.size());
  for (const model::Interaction& event : events) {
    tasks.push_back(TaskOf(event, kEvaluatedDepth));
  }
  const int64_t now_ms = absl::ToUnixMillis(absl::Now());
  std::vector<Recommendation> lists;
  std::vector<Recommendation> popular;
  std::vector<Recommendation> referred;
  absl::Status status = Recommend(current, state, now_ms, tasks, &lists);
  if (!status.ok()) return status;
  for (RecommendTask& task : tasks) task.popular = true;
  status = Recommend(current, state, now_ms, tasks, &popular);
  if (!status.ok()) return status;
  for (RecommendTask& task : tasks) {
    task.popular = false;
    task.k = kReferenceDepth;
  }
  if (reference != nullptr) {
    status = Recommend(*reference, state, now_ms, tasks, &referred);
    if (!status.ok()) return status;
  }
  const std::vector<uint32_t>& popularity = current.snapshot->item_popularity;
  std::vector<EvaluatedEvent> ranked(events.size());
  for (size_t e = 0; e < events.size(); ++e) {
    const model::ItemIndex item = events[e].item;
    EvaluatedEvent& event = ranked[e];
    event.rank = RankOf(lists[e], item);
    event.popularity_rank = RankOf(popular[e], item);
    event.representation = lists[e].representation;
    const uint32_t count = item < popularity.size() ? popularity[item] : 0;
    event.popularity_tenth = 0;
    for (const uint32_t bound : bounds) event.popularity_tenth += count < bound;
    if (reference != nullptr) {
      event.reference_rank = RankOf(referred[e], item);
      event.list_overlap_10 = TopTenOverlap(lists[e], referred[e]);
    }
  }
  return ranked;
}

}  // namespace taud::server
