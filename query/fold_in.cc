#include "query/fold_in.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "model/unit_norm.h"

namespace taud::query {
namespace {

constexpr float kMaxStrength = 20;
constexpr float kMaxWeight = 5.0f;

void AddScaled(float scale, const float* row, std::vector<float>* sum) {
  for (size_t c = 0; c < sum->size(); ++c) (*sum)[c] += scale * row[c];
}

// What the row has of the degree: what is counted but does not show in it yet
// is added by itself. A row on its way has something of it all the same.
float RowStrength(const FoldInInput& input) {
  const TrainedUser& trained = input.trained;
  const auto degree = static_cast<float>(trained.degree);
  float in_row = degree;
  for (const model::HistoryEntry& entry : input.history) {
    if (entry.sequence > trained.through &&
        entry.sequence <= trained.counted_through && IsPositive(entry.kind)) {
      in_row -= 1;
    }
  }
  return std::max(in_row, degree / 2);
}

}  // namespace

TrainedUser FindTrained(const model::Snapshot& snapshot,
                        model::UserIndex user) {
  if (user >= snapshot.users.rows || snapshot.user_degree[user] == 0) return {};
  return {snapshot.users.Row(user), snapshot.user_degree[user],
          snapshot.ThroughOf(user), snapshot.trained_through};
}

FoldIn::FoldIn(const model::Snapshot* snapshot)
    : snapshot_(snapshot),
      weights_(QueryWeightsOf(*snapshot)),
      item_mean_(MeanRow(snapshot->items, snapshot->item_popularity)),
      common_taste_(snapshot->dim(), 0.0f) {
  std::vector<float> mean = MeanRow(snapshot->users, snapshot->user_degree);
  if (model::Normalise(&mean)) common_taste_ = std::move(mean);
}

bool FoldIn::Query(const FoldInInput& input, std::vector<float>* query) const {
  query->assign(snapshot_->dim(), 0.0f);
  const TrainedUser& trained = input.trained;
  float liked = 0;  // what likes count, and dislikes
  float disliked = 0;
  std::vector<float> against(snapshot_->dim(), 0.0f);
  const auto dislike = [&](model::ItemIndex item, float weight) {
    if (AddItem(item, weight, &against)) disliked += weight;
  };
  if (trained.row != nullptr) {
    liked = std::min(RowStrength(input), kMaxStrength);
    AddScaled(liked, trained.row, query);
  }
  // Positives that the query is made of.
  auto length = static_cast<int64_t>(trained.degree);
  for (const model::HistoryEntry& entry : input.history) {
    if (entry.sequence <= trained.through) {
      // The row has no dislikes.
      if (!IsPositive(entry.kind)) dislike(entry.item, 1.0f);
      continue;
    }
    const bool counted = entry.sequence <= trained.counted_through;
    if (IsPositive(entry.kind)) {
      const float weight = std::min(entry.weight, kMaxWeight);
      if (AddItem(entry.item, weight, query)) {
        liked += weight;
        if (!counted) ++length;
      }
    } else {
      const bool in_row =
          trained.row != nullptr && entry.TakesBack(trained.through);
      dislike(entry.item, in_row ? 2.0f : 1.0f);
      if (!counted && trained.row != nullptr &&
          entry.TakesBack(trained.counted_through)) {
        --length;
      }
    }
  }
  if (disliked > 0) {
    AddScaled(-std::min(1.0f, liked / disliked), against.data(), query);
  }
  // Nothing is liked, or nothing any more.
  if (length <= 0) query->assign(snapshot_->dim(), 0.0f);
  length = std::max<int64_t>(length, 0);
  const bool by_context_alone = length == 0;
  for (const model::ItemIndex item : input.context) {
    length += AddItem(item, 1.0f, query);
  }
  if (!model::Normalise(query)) return false;
  if (weights_.recent > 0) AddRecent(input, query);
  if (weights_.prior > 0 && !by_context_alone) {
    AddScaled(weights_.prior / static_cast<float>(length), common_taste_.data(),
              query);
  }
  return model::Normalise(query);
}

const float* FoldIn::RowOf(model::ItemIndex item) const {
  const bool known =
      item < snapshot_->items.rows && snapshot_->item_popularity[item] > 0;
  return known ? snapshot_->items.Row(item) : nullptr;
}

bool FoldIn::AddItem(model::ItemIndex item, float weight,
                     std::vector<float>* sum) const {
  const float* const row = RowOf(item);
  if (row == nullptr) return false;
  AddScaled(weight, row, sum);
  AddScaled(-weight * kMeanShare, item_mean_.data(), sum);
  return true;
}

void FoldIn::AddRecent(const FoldInInput& input,
                       std::vector<float>* query) const {
  std::vector<RecentItem> recent;
  // The request's own are the latest, each later than the next.
  int64_t second = std::numeric_limits<int64_t>::max();
  for (const model::ItemIndex item : input.context) {
    if (recent.size() == kRecentItems) break;
    if (const float* row = RowOf(item)) recent.push_back({row, second--});
  }
  for (const model::HistoryEntry& entry : input.history) {
    if (!IsPositive(entry.kind)) continue;
    if (const float* row = RowOf(entry.item)) {
      recent.push_back({row, entry.time_ms / 1000});
    }
  }
  std::vector<float> taste;
  RecentTaste(recent, item_mean_, &taste);
  AddScaled(weights_.recent, taste.data(), query);
}

}  // namespace taud::query
