#ifndef TAUD_SERVER_SERVING_RANKING_RULES_H_
#define TAUD_SERVER_SERVING_RANKING_RULES_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "model/expression.h"
#include "model/tag_index.h"
#include "model/types.h"

namespace taud::server {

struct RankedItem {
  model::ItemIndex item = 0;
  float score = 0;
  // What it is ranked by: the score and what the rules add.
  float rank_score = 0;
  float probability = 0;
  bool unscored = false;
  bool by_tags = false;  // nobody came to it yet; see query/tag_vectors.h
  bool explored = false;
};

// Best first: by score, ties by item. A type, so that sorts and heaps inline
// it.
struct HigherScore {
  bool operator()(const RankedItem& a, const RankedItem& b) const {
    return a.score != b.score ? a.score > b.score : a.item < b.item;
  }
};

// What a business wants besides relevance.
struct RankingRules {
  // Items of one tag in an answer at most; 0: any number.
  size_t max_per_tag = 0;
  // Added to the score of items for which the expression is true; the sum of an
  // item's is kept within [-1, 1].
  std::vector<std::pair<std::shared_ptr<const model::Expression>, float>>
      boosts;
  // Added, times log(1 + popularity) / log(1 + the largest), in [0, 1].
  float popularity_weight = 0;

  bool empty() const {
    return max_per_tag == 0 && boosts.empty() && popularity_weight == 0;
  }
};

// What rules need to know of an item.
struct ItemFacts {
  absl::Span<const model::TagId> tags;
  float boost = 0;       // the sum of its boosts
  float popularity = 0;  // log share, in [0, 1]
};

// Counts the items of each tag in one answer.
class TagQuota {
 public:
  explicit TagQuota(size_t max_per_tag) : max_(max_per_tag) {}
  // Counts an item with these tags, or returns false if one of them has had
  // its share.
  ABSL_MUST_USE_RESULT bool Take(absl::Span<const model::TagId> tags);
  // Counts an item that has its place already, share or not.
  void Count(absl::Span<const model::TagId> tags);
  // Takes back what was counted; a tag that was not counted stays at none
  // (an item's tags may have changed meanwhile).
  void Give(absl::Span<const model::TagId> tags);
  bool unlimited() const { return max_ == 0; }
  // The tags that have had their share since the last call, each once at least.
  std::vector<model::TagId> TakeNewlyFull();

 private:
  size_t max_;
  absl::flat_hash_map<model::TagId, size_t> taken_;
  std::vector<model::TagId> newly_full_;
};

// Items that one ranking may look at, and searches that it may make for them:
// beyond these the answer is what was found.
inline constexpr size_t kMaxRankedItems = 65536;
inline constexpr int kMaxRankingRounds = 16;

// Where the items to rank come from.
class RankingSource {
 public:
  virtual ~RankingSource() = default;
  // The `depth` best by score alone, best first, fewer if there are no more; an
  // error ends the ranking. Without those of Leave.
  virtual absl::StatusOr<std::vector<RankedItem>> Best(size_t depth) = 0;
  // (*facts)[i] of items[i]; they are good until the next call.
  virtual void Describe(absl::Span<const RankedItem> items,
                        std::vector<ItemFacts>* facts) = 0;
  // Leaves out, from now on, these items and every item with one of these tags.
  virtual void Leave(absl::Span<const model::ItemIndex> items,
                     absl::Span<const model::TagId> tags) = 0;
};

// The first `k` under the rules: by score and what the rules add, ties by
// item, leaving out what a tag's share no longer has room for.
//
// The source is asked for more until nothing deeper could change the answer, so
// that the answer is that of ranking every item, or until the bounds above are
// reached. What is decided, taken or not, is left out of what is asked for
// next, and so is everything of a tag that has had its share: an answer that
// cannot be filled ends soon. `quota` counts what was taken.
absl::StatusOr<std::vector<RankedItem>> RankByRules(const RankingRules& rules,
                                                    size_t k,
                                                    RankingSource* source,
                                                    TagQuota* quota);

}  // namespace taud::server

#endif  // TAUD_SERVER_SERVING_RANKING_RULES_H_
