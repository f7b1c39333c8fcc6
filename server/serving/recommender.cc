#include "server/serving/recommender.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <random>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "model/bitmap.h"
#include "model/unit_norm.h"
#include "query/common_taste.h"
#include "query/fold_in.h"
#include "query/fold_in_cache.h"
#include "query/new_items.h"
#include "server/serving/candidate_items.h"
#include "server/serving/item_reasons.h"
#include "server/serving/sum_ranking.h"

namespace taud::server {
namespace {

using model::Bitmap;
using model::ItemIndex;
using query::NewItems;

// One task on its way to an answer.
struct Work {
  std::vector<float> query;          // empty: no search, popularity
  std::vector<ItemIndex> forbidden;  // ascending, distinct
  const Bitmap* eligible = nullptr;  // null: every item
  Bitmap own_eligible;               // what eligible points to, if its own
  std::vector<ItemIndex> history;    // latest first; of an item: itself
  NeighbourGains gains;
  std::optional<SumRanking> sum;  // of a task without rules
  TagQuota quota{0};
};

// How deep an answer's list has to be: one item more, to see whether there is
// another page.
size_t DepthOf(const RecommendTask& task) { return task.k + 1; }

// Fills in the query of a user and says how it was made.
v1::Representation QueryForUser(
    const ServingModel& model, const model::State& state,
    std::optional<model::UserIndex> user, absl::Span<const ItemIndex> context,
    model::Sequence before, std::vector<float>* query, FoldInCounts* counts) {
  const model::Snapshot& snapshot = *model.snapshot;
  query::FoldInInput input;
  if (user.has_value()) input.trained = query::FindTrained(snapshot, *user);
  const model::Sequence since = input.trained.through;
  query::FoldInCache::Stamp stamp;
  stamp.erased = state.interactions.num_erased();
  // Asked before the history is copied: what comes in between makes the vector
  // newer than its stamp, and it is made again.
  if (user.has_value()) stamp.newest = state.interactions.NewestOf(*user);
  bool has_newer = stamp.newest > since;
  model::Interactions::HistoryPart part;
  part.after = since;
  // Where the taste of the moment counts, what was learnt matters, too.
  part.latest = model.fold_in->weights().recent > 0 ? query::kRecentItems : 0;
  part.limit = query::kMaxFoldIn;
  part.before = before;
  if (user.has_value() && state.interactions.HasDislikes(*user)) {
    part.dislikes = query::kMaxFoldIn;
    part.limit += part.dislikes;
  }
  const bool wanted =
      has_newer || (stamp.newest > 0 && (part.latest > 0 || part.dislikes > 0));
  const bool cacheable = wanted && context.empty() &&
                         before == model::kNoSequence &&
                         model.fold_ins != nullptr;
  if (cacheable) {
    ++counts->wanted;
    if (model.fold_ins->Find(*user, stamp, query)) {
      ++counts->cached;
      return has_newer ? v1::REPRESENTATION_FOLDED_IN
                       : v1::REPRESENTATION_TRAINED;
    }
  }
  std::vector<model::HistoryEntry> history;
  if (wanted) {
    state.interactions.CopyHistoryPart(*user, part, &history);
  }
  if (before != model::kNoSequence) {
    has_newer = std::any_of(history.begin(), history.end(),
                            [since](const model::HistoryEntry& entry) {
                              return entry.sequence > since;
                            });
  }
  input.history = history;
  input.context = context;
  if (!model.fold_in->Query(input, query)) {
    query->clear();
    return v1::REPRESENTATION_POPULAR;
  }
  if (cacheable) model.fold_ins->Put(*user, stamp, *query);
  if (has_newer) return v1::REPRESENTATION_FOLDED_IN;
  if (input.trained.row == nullptr) return v1::REPRESENTATION_CONTEXT;
  return context.empty() ? v1::REPRESENTATION_TRAINED
                         : v1::REPRESENTATION_FOLDED_IN;
}

// Fills in the query for items like `item`; false if it has no vector.
bool QueryForItem(const ServingModel& model, const NewItems::Vectors& fresh,
                  ItemIndex item, std::vector<float>* query) {
  const model::Snapshot& snapshot = *model.snapshot;
  if (const float* const row = ItemRow(model, item); row != nullptr) {
    query->assign(row, row + snapshot.dim());
  } else {
    size_t at = 0;
    if (!fresh.Find(item, &at) || !fresh.Direction(at, query)) return false;
  }
  query::LeaveCommonTaste(model.fold_in->common_taste(), query);
  return true;
}

// Where nothing else is known: the items of a context that the snapshot has no
// row of, by what their users or their tags say.
bool QueryForNewItems(const NewItems::Vectors& fresh,
                      absl::Span<const ItemIndex> context,
                      std::vector<float>* query) {
  std::vector<float> sum;
  std::vector<float> row;
  for (const ItemIndex item : context) {
    size_t at = 0;
    if (!fresh.Find(item, &at) || !fresh.Direction(at, &row)) continue;
    sum.resize(row.size(), 0.0f);
    for (size_t c = 0; c < row.size(); ++c) sum[c] += row[c];
  }
  if (sum.empty() || !model::Normalise(&sum)) return false;
  *query = std::move(sum);
  return true;
}

std::vector<ItemIndex> Forbidden(const model::State& state,
                                 const RecommendTask& task) {
  const ItemFilter& filter = task.filter_in_use();
  std::vector<ItemIndex> forbidden;
  if (task.kind == RecommendTask::Kind::kSimilarItems) {
    forbidden.push_back(task.similar_to);
  } else if (filter.exclude_seen && task.user.has_value()) {
    state.interactions.CopySeen(*task.user, &forbidden);
    if (task.before != model::kNoSequence) {
      std::vector<ItemIndex> since;
      state.interactions.CopyTakenSince(*task.user, task.before, &since);
      std::vector<ItemIndex> then;
      std::set_difference(forbidden.begin(), forbidden.end(), since.begin(),
                          since.end(), std::back_inserter(then));
      forbidden = std::move(then);
    }
  }
  // What somebody asks with is no answer, whatever the filter.
  forbidden.insert(forbidden.end(), task.context.begin(), task.context.end());
  forbidden.insert(forbidden.end(), filter.excluded.begin(),
                   filter.excluded.end());
  forbidden.insert(forbidden.end(), task.given.begin(), task.given.end());
  std::sort(forbidden.begin(), forbidden.end());
  forbidden.erase(std::unique(forbidden.begin(), forbidden.end()),
                  forbidden.end());
  return forbidden;
}

// The index's query for the `depth` best of a task.
index::Query QueryOf(const Work& work, size_t depth) {
  index::Query query;
  query.floor = work.sum->floor();
  query.vector = work.query.data();
  query.k = depth;
  query.eligible = work.eligible;
  query.excluded = work.forbidden;
  return query;
}

// Whether `item` may stand in the place of `old` as far as tags go; if so, it
// is counted instead.
bool TakePlace(const model::State& state, ItemIndex old, ItemIndex item,
               TagQuota* quota) {
  if (quota->unlimited()) return true;
  model::ItemTags tags;
  const ItemIndex both[] = {old, item};
  state.catalogue.CopyTags(both, &tags);
  quota->Give(tags.Of(0));
  if (quota->Take(tags.Of(1))) return true;
  quota->Count(tags.Of(0));
  return false;
}

// Gives places to random eligible items that are not in the list.
void Explore(const ServingModel& model, const model::State& state,
             const RecommendTask& task, Work* work,
             std::vector<RankedItem>* items) {
  // For one place, and for all of them.
  constexpr int kTries = 64;
  size_t tries_left = 1024 + 4 * items->size();
  const model::Snapshot& snapshot = *model.snapshot;
  const size_t candidates = model.by_popularity.size();
  if (task.explore <= 0 || candidates == 0) return;
  std::mt19937_64 random(task.seed + task.given.size());
  std::uniform_real_distribution<double> uniform;
  absl::flat_hash_set<ItemIndex> listed;
  for (const RankedItem& place : *items) listed.insert(place.item);
  for (RankedItem& place : *items) {
    if (uniform(random) >= task.explore) continue;
    for (int attempt = 0; attempt < kTries && tries_left > 0; ++attempt) {
      --tries_left;
      const ItemIndex item = model.by_popularity[random() % candidates];
      if (listed.contains(item) ||
          !Allowed(work->eligible, work->forbidden, item)) {
        continue;
      }
      if (!TakePlace(state, place.item, item, &work->quota)) continue;
      listed.erase(place.item);
      listed.insert(item);
      place = RankedItem();
      place.item = item;
      place.explored = true;
      if (!work->query.empty()) {
        place.score = Cosine(snapshot.items.Row(item), work->query.data(),
                             snapshot.dim());
      }
      break;
    }
  }
}

// Keeps the task's own page of its list.
void CutPage(const RecommendTask& task, Recommendation* answer) {
  answer->more = answer->items.size() > task.k;
  if (answer->more) answer->items.resize(task.k);
}

// They make the answer whole.
void FillWithUnscored(const ServingModel& model, const model::State& state,
                      const NewItems::Vectors& fresh, size_t num_items,
                      size_t k, Work* work, Recommendation* answer) {
  if (answer->items.size() >= k) return;
  // A tag's share may leave out any of them, so that all may be looked at.
  const size_t wanted =
      work->quota.unlimited() ? k - answer->items.size() : kMaxUnscored;
  const std::vector<ItemIndex> items =
      UnscoredItems(model, state, work->query.empty() ? nullptr : &fresh,
                    num_items, wanted, work->eligible, work->forbidden);
  model::ItemTags tags;
  if (!work->quota.unlimited()) state.catalogue.CopyTags(items, &tags);
  const bool popular = answer->representation == v1::REPRESENTATION_POPULAR;
  for (size_t i = 0; i < items.size() && answer->items.size() < k; ++i) {
    if (!work->quota.unlimited() && !work->quota.Take(tags.Of(i))) continue;
    RankedItem ranked;
    ranked.item = items[i];
    ranked.score = popular ? 0.0f : -1.0f;
    ranked.unscored = true;
    answer->items.push_back(ranked);
  }
}

// Softmax of score / τ over the items, the largest score taken out first.
// Unscored ones are behind and have none.
void FillProbabilities(float temperature, std::vector<RankedItem>* items) {
  if (items->empty() || !(temperature > 0)) return;
  float top = -1;
  for (const RankedItem& item : *items) top = std::max(top, item.score);
  double sum = 0;
  for (RankedItem& item : *items) {
    if (item.unscored) continue;
    item.probability = std::exp((item.score - top) / temperature);
    sum += item.probability;
  }
  if (sum == 0) return;
  for (RankedItem& item : *items) {
    item.probability = static_cast<float>(item.probability / sum);
  }
}

float TemperatureOf(const model::Snapshot& snapshot,
                    std::optional<model::UserIndex> user) {
  const bool trained =
      user.has_value() && query::FindTrained(snapshot, *user).row != nullptr;
  return trained ? snapshot.temperatures[*user] : snapshot.tau0;
}

// Points work->eligible to what the catalogue and the filter leave; `base`:
// what the catalogue alone leaves, null if that is everything.
void SetEligible(const model::State& state, const RecommendTask& task,
                 int64_t now_ms, size_t num_items, const Bitmap* base,
                 Work* work) {
  work->eligible = base;
  const ItemFilter& filter = task.filter_in_use();
  if (filter.tags.empty() && !filter.only_some) return;
  work->eligible = &work->own_eligible;
  if (!filter.tags.empty()) {
    state.catalogue.FillEligible(filter.tags, now_ms, num_items,
                                 &work->own_eligible);
  }
  if (!filter.only_some) return;
  Bitmap only(num_items, false);
  for (const ItemIndex item : filter.only) {
    if (item < num_items) only.Set(item);
  }
  if (!filter.tags.empty()) {
    only.And(work->own_eligible);
  } else if (base != nullptr) {
    only.And(*base);
  }
  work->own_eligible = std::move(only);
}

// What the tasks of one call have in common.
struct Shared {
  const ServingModel& model;
  const model::State& state;
  int64_t now_ms;
  size_t num_items;
  const NewItems::Vectors& fresh;
  const Bitmap* base;  // of tasks without tags; null: every item
};

// Makes the query and says how; false: there is nothing to answer with.
bool MakeQuery(const Shared& shared, const RecommendTask& task, Work* work,
               Recommendation* answer, FoldInCounts* counted) {
  const model::Snapshot& snapshot = *shared.model.snapshot;
  if (task.kind == RecommendTask::Kind::kSimilarItems) {
    if (!QueryForItem(shared.model, shared.fresh, task.similar_to,
                      &work->query)) {
      return false;
    }
    answer->representation = v1::REPRESENTATION_CONTEXT;
    answer->temperature = snapshot.tau0;
    work->history = {task.similar_to};
    return true;
  }
  if (task.popular) {
    answer->representation = v1::REPRESENTATION_POPULAR;
    return true;
  }
  if (task.reasons || !shared.model.neighbour_factors.empty()) {
    work->history =
        HistoryOf(shared.state, task.user, task.context, task.before);
  }
  answer->representation =
      QueryForUser(shared.model, shared.state, task.user, task.context,
                   task.before, &work->query, counted);
  if (work->query.empty() &&
      QueryForNewItems(shared.fresh, task.context, &work->query)) {
    answer->representation = v1::REPRESENTATION_CONTEXT;
  }
  answer->temperature = TemperatureOf(snapshot, task.user);
  return true;
}

// What may be in the answer. `same`: the work of a task with the same filter,
// or null.
void SetLimits(const Shared& shared, const RecommendTask& task,
               const Work* same, Work* work) {
  if (!work->query.empty()) {
    work->gains = FindGains(shared.model, work->history);
  }
  work->quota = TagQuota(task.rules.max_per_tag);
  if (!work->quota.unlimited()) {
    model::ItemTags tags;
    shared.state.catalogue.CopyTags(task.given, &tags);
    work->quota.Count(tags.tags);
  }
  work->forbidden = Forbidden(shared.state, task);
  if (same != nullptr) {
    work->eligible = same->eligible;
  } else {
    SetEligible(shared.state, task, shared.now_ms, shared.num_items,
                shared.base, work);
  }
}

// What a search by score alone has found, and what the index does not know of.
void TakeHits(const Shared& shared, const RecommendTask& task,
              const std::vector<index::Hit>& hits, Work* work,
              std::vector<RankedItem>* items) {
  *items = FromHits(hits);
  work->sum->Complete(items);
  MergeNew(shared.fresh, work->query, work->eligible, work->forbidden,
           DepthOf(task), items);
}

// From what was found to the answer; by rules, with searches of its own.
absl::Status Complete(const Shared& shared, const RecommendTask& task,
                      const std::function<absl::Status()>& keep_on, Work* work,
                      Recommendation* answer) {
  if (answer->representation == v1::REPRESENTATION_UNSPECIFIED) {
    return absl::OkStatus();
  }
  if (!task.rules.empty()) {
    TaskSource source(shared.model, shared.state, shared.fresh, task.rules,
                      work->query, work->gains, work->eligible, work->forbidden,
                      keep_on);
    auto ruled = RankByRules(task.rules, DepthOf(task), &source, &work->quota);
    if (!ruled.ok()) return ruled.status();
    answer->items = *std::move(ruled);
  } else if (answer->representation == v1::REPRESENTATION_POPULAR) {
    answer->items = MostPopular(shared.model, work->eligible, work->forbidden,
                                DepthOf(task));
  }
  FillWithUnscored(shared.model, shared.state, shared.fresh, shared.num_items,
                   DepthOf(task), work, answer);
  CutPage(task, answer);
  Explore(shared.model, shared.state, task, work, &answer->items);
  if (answer->representation != v1::REPRESENTATION_POPULAR) {
    FillProbabilities(answer->temperature, &answer->items);
  }
  if (task.reasons) {
    answer->reasons = FindReasons(shared.model, work->history, answer->items);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Recommend(const ServingModel& model, const model::State& state,
                       int64_t now_ms, absl::Span<const RecommendTask> tasks,
                       std::vector<Recommendation>* answers,
                       FoldInCounts* counts,
                       const std::function<absl::Status()>& keep_on) {
  const size_t num_items =
      std::max(state.items.size(), model.snapshot->items.rows);
  const std::shared_ptr<const NewItems::Vectors> fresh =
      model.new_items == nullptr
          ? std::make_shared<NewItems::Vectors>()
          : model.new_items->Update(state.interactions, state.catalogue);
  // Most tasks have no tags: they share one set.
  Bitmap base;
  const bool restricted = !state.catalogue.Unrestricted();
  if (restricted) state.catalogue.FillEligible({}, now_ms, num_items, &base);
  const Shared shared{model,     state,  now_ms,
                      num_items, *fresh, restricted ? &base : nullptr};

  answers->assign(tasks.size(), {});
  std::vector<Work> works(tasks.size());
  std::vector<index::Query> queries;
  std::vector<size_t> searched;
  FoldInCounts counted;
  for (size_t t = 0; t < tasks.size(); ++t) {
    const RecommendTask& task = tasks[t];
    if (!MakeQuery(shared, task, &works[t], &(*answers)[t], &counted)) continue;
    // Tasks of a batch have one filter in common, one behind the other.
    const bool same = t > 0 && task.common_filter != nullptr &&
                      task.common_filter == tasks[t - 1].common_filter;
    SetLimits(shared, task, same ? &works[t - 1] : nullptr, &works[t]);
    if (works[t].query.empty() || !task.rules.empty()) continue;
    Work& work = works[t];
    work.sum.emplace(shared.model, std::move(work.gains), work.query,
                     work.eligible, work.forbidden, DepthOf(task));
    queries.push_back(QueryOf(work, DepthOf(task)));
    searched.push_back(t);
  }
  std::vector<std::vector<index::Hit>> hits;
  absl::Status status = model.index->Search(queries, &hits);
  if (!status.ok()) return status;
  for (size_t q = 0; q < searched.size(); ++q) {
    const size_t t = searched[q];
    TakeHits(shared, tasks[t], hits[q], &works[t], &(*answers)[t].items);
  }
  for (size_t t = 0; t < tasks.size(); ++t) {
    status = Complete(shared, tasks[t], keep_on, &works[t], &(*answers)[t]);
    if (!status.ok()) return status;
  }
  if (counts != nullptr) {
    counts->wanted += counted.wanted;
    counts->cached += counted.cached;
  }
  return absl::OkStatus();
}

v1::Representation RepresentationOf(const ServingModel& model,
                                    const model::State& state,
                                    std::optional<model::UserIndex> user) {
  std::vector<float> query;
  FoldInCounts counts;
  return QueryForUser(model, state, user, {}, model::kNoSequence, &query,
                      &counts);
}

}  // namespace taud::server
