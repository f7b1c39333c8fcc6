#include "query/tag_vectors.h"

#include <algorithm>
#include <utility>

namespace taud::query {
namespace {

// Users until an item counts half, and items until a tag does.
constexpr double kDoubt = 4.0;
// Of a length, squared: one tag must not drown all others.
constexpr double kMostLength = 0.99;
// Tags that are kept: 4 MiB with 64 dimensions, if all of them have items.
constexpr size_t kMaxKnown = 16384;

}  // namespace

bool TagVectors::Mean(const model::Catalogue& catalogue,
                      absl::Span<const model::TagId> tags, int64_t* budget,
                      std::vector<float>* row) {
  row->assign(snapshot_->dim(), 0.0f);
  if (known_.size() > kMaxKnown) known_.clear();
  float total = 0;
  for (const model::TagId id : tags.subspan(0, kMaxTags)) {
    auto it = known_.find(id);
    if (it == known_.end()) {
      if (*budget <= 0) continue;
      it = known_.emplace(id, WorkOut(catalogue, id, budget)).first;
    }
    const Tag& tag = it->second;
    total += tag.certainty;
    for (size_t c = 0; c < tag.mean.size(); ++c) {
      (*row)[c] += tag.certainty * tag.mean[c];
    }
  }
  if (total <= 0) return false;
  for (float& x : *row) x /= total;
  return true;
}

TagVectors::Tag TagVectors::WorkOut(const model::Catalogue& catalogue,
                                    model::TagId id, int64_t* budget) const {
  std::vector<model::ItemIndex> items;
  catalogue.CopyItemsOf(id, kMaxItems, &items);
  *budget -= static_cast<int64_t>(items.size()) + 1;
  std::vector<double> sum(snapshot_->dim());
  double weights = 0;
  for (const model::ItemIndex item : items) {
    if (item >= snapshot_->items.rows) break;  // ascending
    const double users = snapshot_->item_popularity[item];
    if (users == 0) continue;
    const double weight = users / (users + kDoubt);
    const float* row = snapshot_->items.Row(item);
    for (size_t c = 0; c < sum.size(); ++c) sum[c] += weight * double{row[c]};
    weights += weight;
  }
  Tag tag;
  if (weights == 0) return tag;
  double length = 0;
  for (double& x : sum) {
    x /= weights + kDoubt;
    length += x * x;
    tag.mean.push_back(static_cast<float>(x));
  }
  length = std::min(length, kMostLength);
  tag.certainty = static_cast<float>(length / (1 - length));
  return tag;
}

}  // namespace taud::query
