#ifndef TAUD_SERVER_SERVING_CANDIDATE_ITEMS_H_
#define TAUD_SERVER_SERVING_CANDIDATE_ITEMS_H_

#include <cstddef>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "index/search_index.h"
#include "model/bitmap.h"
#include "model/catalogue.h"
#include "model/state.h"
#include "query/new_items.h"
#include "server/serving/neighbourhood_items.h"
#include "server/serving/ranking_rules.h"
#include "server/serving/serving_model.h"

// Where the items of an answer come from. In all of this `eligible` are the
// items that may be given, null being all, and `forbidden` those that may not,
// ascending and distinct, whatever the first says. Any thread.

namespace taud::server {

bool IsForbidden(absl::Span<const model::ItemIndex> forbidden,
                 model::ItemIndex item);
bool Allowed(const model::Bitmap* eligible,
             absl::Span<const model::ItemIndex> forbidden,
             model::ItemIndex item);

// The `depth` most popular ones with a vector.
std::vector<RankedItem> MostPopular(
    const ServingModel& model, const model::Bitmap* eligible,
    absl::Span<const model::ItemIndex> forbidden, size_t depth);

std::vector<RankedItem> FromHits(const std::vector<index::Hit>& hits);

// Puts the new items that may be given in their places among the `depth` best
// of the index; best first, ties by item, no more than `depth`.
void MergeNew(const query::NewItems::Vectors& fresh,
              const std::vector<float>& query, const model::Bitmap* eligible,
              absl::Span<const model::ItemIndex> forbidden, size_t depth,
              std::vector<RankedItem>* items);

// Items without a vector that one answer may look at.
inline constexpr size_t kMaxUnscored = 65536;

// The first `wanted` items of [0, num_items) without a vector, most interacted
// with first, ties by index; without those in `scored`, which may be null. Of
// very many, kMaxUnscored are looked at: those that are newer than the snapshot
// first, for nobody can have come to the others lately.
std::vector<model::ItemIndex> UnscoredItems(
    const ServingModel& model, const model::State& state,
    const query::NewItems::Vectors* scored, size_t num_items, size_t wanted,
    const model::Bitmap* eligible,
    absl::Span<const model::ItemIndex> forbidden);

// What rules rank, out of the model: by the query, or by popularity if it is
// empty. Everything it is made of outlives it. One thread's.
class TaskSource : public RankingSource {
 public:
  TaskSource(const ServingModel& model, const model::State& state,
             const query::NewItems::Vectors& fresh, const RankingRules& rules,
             const std::vector<float>& query, const NeighbourGains& gains,
             const model::Bitmap* eligible,
             const std::vector<model::ItemIndex>& forbidden,
             const std::function<absl::Status()>& keep_on);

  absl::StatusOr<std::vector<RankedItem>> Best(size_t depth) override;
  void Describe(absl::Span<const RankedItem> items,
                std::vector<ItemFacts>* facts) override;
  void Leave(absl::Span<const model::ItemIndex> items,
             absl::Span<const model::TagId> tags) override;

 private:
  void FillPopularity(const std::vector<model::ItemIndex>& items,
                      std::vector<ItemFacts>* facts) const;

  const ServingModel& model_;
  const model::State& state_;
  const query::NewItems::Vectors& fresh_;
  const RankingRules& rules_;
  const std::vector<float>& query_;
  const NeighbourGains& gains_;
  const std::function<absl::Status()>& keep_on_;  // may be null
  const model::Bitmap* eligible_;                 // null: every item
  std::vector<model::ItemIndex> forbidden_;
  model::Bitmap own_eligible_;
  model::ItemTags tags_;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_SERVING_CANDIDATE_ITEMS_H_
