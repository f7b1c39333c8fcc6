#include "server/serving/candidate_items.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "server/serving/sum_ranking.h"

namespace taud::server {
namespace {

using model::Bitmap;
using model::ItemIndex;
using query::NewItems;

// Of the items with a vector fewer than one in so many are few.
constexpr size_t kFewEligible = 16;

// Calls visit(item) for the items in [begin, end) that have no vector and are
// eligible, ascending, while it returns true.
template <typename Visit>
void VisitUnscored(const Bitmap& trained, const Bitmap* eligible, size_t begin,
                   size_t end, Visit visit) {
  const auto word_of = [](const Bitmap& bits, size_t w) {
    return w < bits.words().size() ? bits.words()[w] : 0;
  };
  for (size_t w = begin / 64; w * 64 < end; ++w) {
    uint64_t bits = ~word_of(trained, w);
    if (eligible != nullptr) bits &= word_of(*eligible, w);
    for (; bits != 0; bits &= bits - 1) {
      const size_t item = w * 64 + static_cast<size_t>(__builtin_ctzll(bits));
      if (item < begin || item >= end) continue;
      if (!visit(static_cast<ItemIndex>(item))) return;
    }
  }
}

}  // namespace

bool IsForbidden(absl::Span<const ItemIndex> forbidden, ItemIndex item) {
  return std::binary_search(forbidden.begin(), forbidden.end(), item);
}

bool Allowed(const Bitmap* eligible, absl::Span<const ItemIndex> forbidden,
             ItemIndex item) {
  if (eligible != nullptr && !eligible->Test(item)) return false;
  return !IsForbidden(forbidden, item);
}

std::vector<RankedItem> MostPopular(const ServingModel& model,
                                    const Bitmap* eligible,
                                    absl::Span<const ItemIndex> forbidden,
                                    size_t depth) {
  std::vector<RankedItem> items;
  if (model.by_popularity.empty()) return items;
  const std::vector<uint32_t>& popularity = model.snapshot->item_popularity;
  const auto top = static_cast<float>(popularity[model.by_popularity[0]]);
  const auto add = [&](ItemIndex item) {
    if (IsForbidden(forbidden, item)) return;
    RankedItem ranked;
    ranked.item = item;
    ranked.score = static_cast<float>(popularity[item]) / top;
    items.push_back(ranked);
  };
  if (eligible != nullptr && kFewEligible * eligible->CountAnd(model.trained) <
                                 model.by_popularity.size()) {
    // Few of the list may be given: those are sorted, and nothing is walked.
    Bitmap few = *eligible;
    few.And(model.trained);
    few.ForEach([&](size_t item) { add(static_cast<ItemIndex>(item)); });
    std::sort(items.begin(), items.end(),
              [&](const RankedItem& x, const RankedItem& y) {
                return popularity[x.item] != popularity[y.item]
                           ? popularity[x.item] > popularity[y.item]
                           : x.item < y.item;
              });
    if (items.size() > depth) items.resize(depth);
    return items;
  }
  for (const ItemIndex item : model.by_popularity) {
    if (items.size() == depth) break;
    if (eligible == nullptr || eligible->Test(item)) add(item);
  }
  return items;
}

std::vector<RankedItem> FromHits(const std::vector<index::Hit>& hits) {
  std::vector<RankedItem> items;
  items.reserve(hits.size());
  for (const index::Hit& hit : hits) {
    RankedItem ranked;
    ranked.item = hit.item;
    ranked.score = std::clamp(hit.score, -1.0f, 1.0f);
    items.push_back(ranked);
  }
  return items;
}

void MergeNew(const NewItems::Vectors& fresh, const std::vector<float>& query,
              const Bitmap* eligible, absl::Span<const ItemIndex> forbidden,
              size_t depth, std::vector<RankedItem>* items) {
  if (fresh.items.empty()) return;
  std::vector<float> scores;
  fresh.Score(query, &scores);
  const HigherScore better;
  const bool full = items->size() == depth;
  const auto known = static_cast<std::ptrdiff_t>(items->size());
  for (size_t i = 0; i < scores.size(); ++i) {
    RankedItem ranked;
    ranked.item = fresh.items[i];
    ranked.score = std::clamp(scores[i], -1.0f, 1.0f);
    ranked.by_tags = fresh.by_tags[i] != 0;
    if (full && !better(ranked, (*items)[static_cast<size_t>(known) - 1])) {
      continue;
    }
    if (Allowed(eligible, forbidden, ranked.item)) items->push_back(ranked);
  }
  std::sort(items->begin() + known, items->end(), better);
  std::inplace_merge(items->begin(), items->begin() + known, items->end(),
                     better);
  if (items->size() > depth) items->resize(depth);
}

std::vector<ItemIndex> UnscoredItems(const ServingModel& model,
                                     const model::State& state,
                                     const query::NewItems::Vectors* scored,
                                     size_t num_items, size_t wanted,
                                     const Bitmap* eligible,
                                     absl::Span<const ItemIndex> forbidden) {
  std::vector<std::pair<uint32_t, ItemIndex>> candidates;
  size_t left = kMaxUnscored;
  const auto visit = [&](ItemIndex item) {
    if (IsForbidden(forbidden, item)) return true;
    if (size_t at = 0; scored != nullptr && scored->Find(item, &at)) {
      return true;
    }
    candidates.emplace_back(state.interactions.ItemPositives(item), item);
    return --left > 0;
  };
  const size_t rows = std::min(model.trained.size(), num_items);
  VisitUnscored(model.trained, eligible, rows, num_items, visit);
  if (left > 0) {
    VisitUnscored(model.trained, eligible, 0, rows, visit);
  }
  const size_t sorted = std::min(candidates.size(), wanted);
  std::partial_sort(candidates.begin(),
                    candidates.begin() + static_cast<std::ptrdiff_t>(sorted),
                    candidates.end(), [](const auto& a, const auto& b) {
                      return a.first != b.first ? a.first > b.first
                                                : a.second < b.second;
                    });
  std::vector<ItemIndex> items;
  for (size_t i = 0; i < sorted; ++i) items.push_back(candidates[i].second);
  return items;
}

TaskSource::TaskSource(const ServingModel& model, const model::State& state,
                       const NewItems::Vectors& fresh,
                       const RankingRules& rules,
                       const std::vector<float>& query,
                       const NeighbourGains& gains, const Bitmap* eligible,
                       const std::vector<ItemIndex>& forbidden,
                       const std::function<absl::Status()>& keep_on)
    : model_(model),
      state_(state),
      fresh_(fresh),
      rules_(rules),
      query_(query),
      gains_(gains),
      keep_on_(keep_on),
      eligible_(eligible),
      forbidden_(forbidden) {}

absl::StatusOr<std::vector<RankedItem>> TaskSource::Best(size_t depth) {
  absl::Status status = keep_on_ == nullptr ? absl::OkStatus() : keep_on_();
  if (!status.ok()) return status;
  if (query_.empty()) return MostPopular(model_, eligible_, forbidden_, depth);
  SumRanking sum(model_, gains_, query_, eligible_, forbidden_, depth);
  index::Query query;
  query.vector = query_.data();
  query.k = depth;
  query.floor = sum.floor();
  query.eligible = eligible_;
  query.excluded = forbidden_;
  std::vector<std::vector<index::Hit>> hits;
  status = model_.index->Search({&query, 1}, &hits);
  if (!status.ok()) return status;
  std::vector<RankedItem> items = FromHits(hits[0]);
  sum.Complete(&items);
  MergeNew(fresh_, query_, eligible_, forbidden_, depth, &items);
  return items;
}

void TaskSource::Describe(absl::Span<const RankedItem> items,
                          std::vector<ItemFacts>* facts) {
  std::vector<ItemIndex> indices;
  indices.reserve(items.size());
  for (const RankedItem& item : items) indices.push_back(item.item);
  facts->assign(items.size(), {});
  if (rules_.max_per_tag > 0) {
    state_.catalogue.CopyTags(indices, &tags_);
    for (size_t i = 0; i < items.size(); ++i) (*facts)[i].tags = tags_.Of(i);
  }
  std::vector<char> matches;
  for (const auto& [when, amount] : rules_.boosts) {
    state_.catalogue.MatchEach(*when, indices, &matches);
    for (size_t i = 0; i < items.size(); ++i) {
      if (matches[i] != 0) (*facts)[i].boost += amount;
    }
  }
  FillPopularity(indices, facts);
}

void TaskSource::Leave(absl::Span<const ItemIndex> items,
                       absl::Span<const model::TagId> tags) {
  forbidden_.insert(forbidden_.end(), items.begin(), items.end());
  std::sort(forbidden_.begin(), forbidden_.end());
  forbidden_.erase(std::unique(forbidden_.begin(), forbidden_.end()),
                   forbidden_.end());
  if (tags.empty()) return;
  if (eligible_ == nullptr) {
    own_eligible_.Assign(
        std::max(state_.items.size(), model_.snapshot->items.rows), true);
  } else if (eligible_ != &own_eligible_) {
    own_eligible_ = *eligible_;
  }
  eligible_ = &own_eligible_;
  state_.catalogue.TakeTagged(tags, &own_eligible_);
}

void TaskSource::FillPopularity(const std::vector<ItemIndex>& items,
                                std::vector<ItemFacts>* facts) const {
  const std::vector<uint32_t>& popularity = model_.snapshot->item_popularity;
  if (model_.by_popularity.empty()) return;
  const double top =
      std::log1p(static_cast<double>(popularity[model_.by_popularity[0]]));
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i] >= popularity.size()) continue;
    (*facts)[i].popularity = static_cast<float>(
        std::log1p(static_cast<double>(popularity[items[i]])) / top);
  }
}

}  // namespace taud::server
