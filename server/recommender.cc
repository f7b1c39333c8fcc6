#include "server/recommender.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "model/bitmap.h"
#include "server/fold_in.h"

namespace taud::server {
namespace {

using model::Bitmap;
using model::ItemIndex;

// One task on its way to an answer.
struct Work {
  std::vector<float> query;          // empty: no search, popularity
  std::vector<ItemIndex> forbidden;  // ascending, distinct
  const Bitmap* eligible = nullptr;  // null: every item
  Bitmap own_eligible;               // what eligible points to, if its own
};

bool HasVector(const model::Snapshot& snapshot, ItemIndex item) {
  return item < snapshot.items.rows && snapshot.item_popularity[item] > 0;
}

// The trained row of the user, or null.
const float* TrainedRow(const model::Snapshot& snapshot,
                        std::optional<model::UserIndex> user) {
  if (!user.has_value() || *user >= snapshot.users.rows) return nullptr;
  if (snapshot.user_degree[*user] == 0) return nullptr;
  return snapshot.users.Row(*user);
}

// Fills in the query of a user and says how it was made.
v1::Representation QueryForUser(const model::Snapshot& snapshot,
                                const model::State& state,
                                std::optional<model::UserIndex> user,
                                absl::Span<const ItemIndex> context,
                                std::vector<float>* query) {
  FoldInInput input;
  input.trained = TrainedRow(snapshot, user);
  if (input.trained != nullptr) input.degree = snapshot.user_degree[*user];
  std::vector<model::HistoryEntry> newer;
  if (user.has_value()) {
    // Of a user without a row, nothing was learnt: the whole history is new.
    const model::Sequence after =
        input.trained == nullptr ? 0 : snapshot.trained_through;
    state.interactions.CopyHistorySince(*user, after, kMaxFoldIn, &newer);
  }
  input.newer = newer;
  input.context = context;
  if (!FoldIn(snapshot, input, query)) {
    query->clear();
    return v1::REPRESENTATION_POPULAR;
  }
  if (!newer.empty()) return v1::REPRESENTATION_FOLDED_IN;
  if (input.trained == nullptr) return v1::REPRESENTATION_CONTEXT;
  return context.empty() ? v1::REPRESENTATION_TRAINED
                         : v1::REPRESENTATION_FOLDED_IN;
}

std::vector<ItemIndex> Forbidden(const model::State& state,
                                 const RecommendTask& task) {
  std::vector<ItemIndex> forbidden;
  if (task.kind == RecommendTask::Kind::kSimilarItems) {
    forbidden.push_back(task.similar_to);
  } else if (task.filter.exclude_seen) {
    if (task.user.has_value()) {
      state.interactions.CopySeen(*task.user, &forbidden);
    }
    forbidden.insert(forbidden.end(), task.context.begin(), task.context.end());
  }
  forbidden.insert(forbidden.end(), task.filter.excluded.begin(),
                   task.filter.excluded.end());
  std::sort(forbidden.begin(), forbidden.end());
  forbidden.erase(std::unique(forbidden.begin(), forbidden.end()),
                  forbidden.end());
  return forbidden;
}

bool Allowed(const Work& work, ItemIndex item) {
  if (work.eligible != nullptr && !work.eligible->Test(item)) return false;
  return !std::binary_search(work.forbidden.begin(), work.forbidden.end(),
                             item);
}

void FillByPopularity(const ServingModel& model, const Work& work, size_t k,
                      Recommendation* answer) {
  if (model.by_popularity.empty()) return;
  const std::vector<uint32_t>& popularity = model.snapshot->item_popularity;
  const auto top = static_cast<float>(popularity[model.by_popularity[0]]);
  for (const ItemIndex item : model.by_popularity) {
    if (answer->items.size() == k) return;
    if (!Allowed(work, item)) continue;
    RankedItem ranked;
    ranked.item = item;
    ranked.score = static_cast<float>(popularity[item]) / top;
    answer->items.push_back(ranked);
  }
}

// Items without a vector, most interacted with first, make the answer whole.
void FillWithUnscored(const ServingModel& model, const model::State& state,
                      const Work& work, size_t num_items, size_t k,
                      Recommendation* answer) {
  if (answer->items.size() >= k) return;
  std::vector<std::pair<uint32_t, ItemIndex>> candidates;
  for (size_t i = 0; i < num_items; ++i) {
    const auto item = static_cast<ItemIndex>(i);
    if (HasVector(*model.snapshot, item) || !Allowed(work, item)) continue;
    candidates.emplace_back(state.interactions.ItemCount(item), item);
  }
  const size_t n = std::min(candidates.size(), k - answer->items.size());
  std::partial_sort(
      candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(n),
      candidates.end(), [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first > b.first : a.second < b.second;
      });
  const bool popular = answer->representation == v1::REPRESENTATION_POPULAR;
  for (size_t i = 0; i < n; ++i) {
    RankedItem ranked;
    ranked.item = candidates[i].second;
    ranked.score = popular ? 0.0f : -1.0f;
    ranked.unscored = true;
    answer->items.push_back(ranked);
  }
}

// Softmax of score / τ over the items, the largest score taken out first.
void FillProbabilities(float temperature, std::vector<RankedItem>* items) {
  if (items->empty() || !(temperature > 0)) return;
  const float top = items->front().score;
  double sum = 0;
  for (RankedItem& item : *items) {
    item.probability = std::exp((item.score - top) / temperature);
    sum += item.probability;
  }
  for (RankedItem& item : *items) {
    item.probability = static_cast<float>(item.probability / sum);
  }
}

float TemperatureOf(const model::Snapshot& snapshot,
                    std::optional<model::UserIndex> user) {
  return TrainedRow(snapshot, user) != nullptr ? snapshot.temperatures[*user]
                                               : snapshot.tau0;
}

}  // namespace

absl::Status Recommend(const ServingModel& model, const model::State& state,
                       int64_t now_ms, absl::Span<const RecommendTask> tasks,
                       std::vector<Recommendation>* answers) {
  const model::Snapshot& snapshot = *model.snapshot;
  const size_t num_items = std::max(state.items.size(), snapshot.items.rows);
  answers->assign(tasks.size(), {});
  std::vector<Work> works(tasks.size());
  std::vector<index::Query> queries;
  std::vector<size_t> searched;

  // Most tasks have no tags: they share one set.
  Bitmap base;
  const bool restricted = !state.catalogue.Unrestricted();
  if (restricted) state.catalogue.FillEligible({}, now_ms, num_items, &base);

  for (size_t t = 0; t < tasks.size(); ++t) {
    const RecommendTask& task = tasks[t];
    Work& work = works[t];
    Recommendation& answer = (*answers)[t];
    if (task.kind == RecommendTask::Kind::kSimilarItems) {
      if (!HasVector(snapshot, task.similar_to)) continue;
      const float* row = snapshot.items.Row(task.similar_to);
      work.query.assign(row, row + snapshot.dim());
      answer.representation = v1::REPRESENTATION_CONTEXT;
      answer.temperature = snapshot.tau0;
    } else {
      answer.representation =
          QueryForUser(snapshot, state, task.user, task.context, &work.query);
      answer.temperature = TemperatureOf(snapshot, task.user);
    }
    work.forbidden = Forbidden(state, task);
    if (!task.filter.tags.empty()) {
      state.catalogue.FillEligible(task.filter.tags, now_ms, num_items,
                                   &work.own_eligible);
      work.eligible = &work.own_eligible;
    } else if (restricted) {
      work.eligible = &base;
    }
    if (work.query.empty()) continue;
    index::Query query;
    query.vector = work.query.data();
    query.k = task.k;
    query.eligible = work.eligible;
    query.excluded = work.forbidden;
    queries.push_back(query);
    searched.push_back(t);
  }

  std::vector<std::vector<index::Hit>> hits;
  absl::Status status = model.index->Search(queries, &hits);
  if (!status.ok()) return status;
  for (size_t q = 0; q < searched.size(); ++q) {
    Recommendation& answer = (*answers)[searched[q]];
    for (const index::Hit& hit : hits[q]) {
      RankedItem ranked;
      ranked.item = hit.item;
      ranked.score = std::clamp(hit.score, -1.0f, 1.0f);
      answer.items.push_back(ranked);
    }
    FillProbabilities(answer.temperature, &answer.items);
  }
  for (size_t t = 0; t < tasks.size(); ++t) {
    Recommendation& answer = (*answers)[t];
    if (answer.representation == v1::REPRESENTATION_UNSPECIFIED) continue;
    if (answer.representation == v1::REPRESENTATION_POPULAR) {
      FillByPopularity(model, works[t], tasks[t].k, &answer);
    }
    FillWithUnscored(model, state, works[t], num_items, tasks[t].k, &answer);
  }
  return absl::OkStatus();
}

v1::Representation RepresentationOf(const ServingModel& model,
                                    const model::State& state,
                                    std::optional<model::UserIndex> user) {
  std::vector<float> query;
  return QueryForUser(*model.snapshot, state, user, {}, &query);
}

}  // namespace taud::server
