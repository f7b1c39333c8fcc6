#ifndef TAUD_SERVER_SERVING_SUM_RANKING_H_
#define TAUD_SERVER_SERVING_SUM_RANKING_H_

#include <cstddef>
#include <limits>
#include <vector>

#include "absl/types/span.h"
#include "model/bitmap.h"
#include "model/types.h"
#include "server/serving/neighbourhood_items.h"
#include "server/serving/ranking_rules.h"
#include "server/serving/serving_model.h"

namespace taud::server {

// The best items by the sum of cosine and gain, around one search by cosine.
// Before it the greatest gains are scored: what they reach says which cosines
// the search need not find. After it the rest is added up. One thread's.
class SumRanking {
 public:
  // For the `depth` best for `query` [dim]; `eligible` and `forbidden` as in
  // candidate_items.h. What is given by reference outlives it.
  SumRanking(const ServingModel& model, NeighbourGains gains,
             const std::vector<float>& query, const model::Bitmap* eligible,
             absl::Span<const model::ItemIndex> forbidden, size_t depth);

  SumRanking(const SumRanking&) = delete;
  SumRanking& operator=(const SumRanking&) = delete;

  // Of the items that a search has to find, the least cosine: index::Query's
  // floor.
  float floor() const { return floor_; }

  // Makes of the `depth` best by cosine, *items, the `depth` best by the sum;
  // of items below the floor any may be missing. Those that gain are scored
  // here, also where the index has missed them: so it is exact if *items are.
  // Best first, ties by item. To be called once.
  void Complete(std::vector<RankedItem>* items);

 private:
  // Takes the greatest gains out of `rest_`, which has eligible items only.
  NeighbourGains TakeHead();
  void Score(absl::Span<const query::NeighbourStrength> gains);
  void Offer(const RankedItem& ranked);
  bool Full() const { return best_.size() >= depth_; }
  // The last of the `depth` best so far; -∞ as long as there are fewer.
  float Least() const;
  // Gives the items what they gain by `rest_`, and leaves of `rest_` those that
  // are not among them and may reach the best.
  void AddUp(float least_cosine, std::vector<RankedItem>* items);

  const ServingModel& model_;
  const std::vector<float>& query_;
  const absl::Span<const model::ItemIndex> forbidden_;
  const size_t depth_;
  NeighbourGains rest_;
  float greatest_of_rest_ = 0;            // or a little more
  std::vector<model::ItemIndex> scored_;  // what gains and was scored
  std::vector<RankedItem> best_;  // a heap whose first is the last of them
  float floor_ = -std::numeric_limits<float>::infinity();
};

}  // namespace taud::server

#endif  // TAUD_SERVER_SERVING_SUM_RANKING_H_
