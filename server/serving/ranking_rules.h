#ifndef TAUD_SERVER_SERVING_RANKING_RULES_H_
#define TAUD_SERVER_SERVING_RANKING_RULES_H_

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/status/statusor.h"
#include "model/types.h"

namespace taud::server {

struct RankedItem {
  model::ItemIndex item = 0;
  float score = 0;
  // What it is ranked by: the score and what the rules add.
  float rank_score = 0;
  float probability = 0;
  bool unscored = false;
  bool explored = false;
};

// What a business wants besides relevance.
struct RankingRules {
  // Items of one tag in an answer at most; 0: any number.
  size_t max_per_tag = 0;
  // Added to the score of items with the tag; the sum of an item's is kept
  // within [-1, 1].
  std::vector<std::pair<std::string, float>> boosts;
  // Added, times log(1 + popularity) / log(1 + the largest), in [0, 1].
  float popularity_weight = 0;

  bool empty() const {
    return max_per_tag == 0 && boosts.empty() && popularity_weight == 0;
  }
};

// What rules need to know of an item.
struct ItemFacts {
  std::vector<std::string> tags;
  float popularity = 0;  // log share, in [0, 1]
};

// Counts the items of each tag in one answer.
class TagQuota {
 public:
  explicit TagQuota(size_t max_per_tag) : max_(max_per_tag) {}
  // Counts an item with these tags, or returns false if one of them has had
  // its share.
  ABSL_MUST_USE_RESULT bool Take(const std::vector<std::string>& tags);
  // Counts an item that has its place already, share or not.
  void Count(const std::vector<std::string>& tags);
  // Takes back what Take counted; a tag that was not counted stays at none
  // (an item's tags may have changed meanwhile).
  void Give(const std::vector<std::string>& tags);
  bool unlimited() const { return max_ == 0; }

 private:
  size_t max_;
  std::map<std::string, size_t> taken_;
};

// The first `k` under the rules: by score and what the rules add, ties by
// item, leaving out what a tag's share no longer has room for.
//
// `source(depth)` gives the `depth` best by score alone, best first, fewer if
// there are no more. It is asked for more and more until nothing deeper could
// change the answer, so that the answer is that of ranking every item.
// `quota` counts what was taken.
absl::StatusOr<std::vector<RankedItem>> RankByRules(
    const RankingRules& rules, size_t k,
    const std::function<ItemFacts(model::ItemIndex)>& facts,
    const std::function<absl::StatusOr<std::vector<RankedItem>>(size_t)>&
        source,
    TagQuota* quota);

}  // namespace taud::server

#endif  // TAUD_SERVER_SERVING_RANKING_RULES_H_
