#ifndef TAUD_SERVER_SERVING_RECOMMENDER_H_
#define TAUD_SERVER_SERVING_RECOMMENDER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "model/catalogue.h"
#include "model/state.h"
#include "model/types.h"
#include "server/serving/item_reasons.h"
#include "server/serving/ranking_rules.h"
#include "server/serving/serving_model.h"
#include "taud/v1/types.pb.h"

namespace taud::server {

// What one query may return, besides what the catalogue hides.
struct ItemFilter {
  bool exclude_seen = true;
  model::TagFilter tags;
  std::vector<model::ItemIndex> excluded;  // any order
  bool only_some = false;                  // only those of `only`
  std::vector<model::ItemIndex> only;      // any order
};

// One query, resolved to indices.
struct RecommendTask {
  enum class Kind { kForUser, kSimilarItems };
  Kind kind = Kind::kForUser;
  // kForUser: nothing for an unknown user.
  std::optional<model::UserIndex> user;
  std::vector<model::ItemIndex> context;
  model::ItemIndex similar_to = 0;  // kSimilarItems: which item
  size_t k = 0;
  ItemFilter filter;
  // One filter of many tasks, which is not copied for each; instead of `filter`
  // if it is not null.
  std::shared_ptr<const ItemFilter> common_filter;
  const ItemFilter& filter_in_use() const {
    return common_filter != nullptr ? *common_filter : filter;
  }
  RankingRules rules;
  // Items of earlier pages, ascending and distinct. They are left out, and
  // count as far as rules count the items of an answer.
  std::vector<model::ItemIndex> given;
  bool reasons = false;  // Recommendation::reasons are wanted
  // As if what the user did at this sequence or later had not been done yet;
  // Interactions::CopyTakenSince says when that is not known.
  model::Sequence before = model::kNoSequence;
  bool popular = false;  // kForUser: by popularity alone, whatever is known
  double explore = 0;    // probability of a random item at each place
  uint64_t seed = 0;
};

struct Recommendation {
  std::vector<RankedItem> items;  // best first
  // Of each item, if they were asked for.
  std::vector<std::vector<ItemReason>> reasons;
  v1::Representation representation = v1::REPRESENTATION_UNSPECIFIED;
  float temperature = 0;
  bool more = false;  // there is a next page
};

// How often vectors of users were folded in, and found in the cache.
struct FoldInCounts {
  uint64_t wanted = 0;
  uint64_t cached = 0;
};

// Answers `tasks`, all from `model`, in one search: fold-in, popularity for
// strangers, exclude-seen, tags, hidden and unavailable items, exactly k. Items
// newer than the snapshot compete by score if users with a vector came to them
// or they have tags of items that were learnt (query/new_items.h); those
// without any vector stand behind the scored ones.
// (*answers)[i] belongs to tasks[i]. What one task costs is bounded whatever it
// asks for: a search or, with rules, at most kMaxRankingRounds of them.
// `keep_on`, which may be null, is asked before each of those and between the
// tasks that have rules; its error ends the work. A similar-items task whose
// item has no vector gets no items and REPRESENTATION_UNSPECIFIED.
//
// Any thread. `now_ms` decides about availability. Adds to *counts, which may
// be null.
absl::Status Recommend(const ServingModel& model, const model::State& state,
                       int64_t now_ms, absl::Span<const RecommendTask> tasks,
                       std::vector<Recommendation>* answers,
                       FoldInCounts* counts = nullptr,
                       const std::function<absl::Status()>& keep_on = nullptr);

// How a recommendation for `user` would be made from `model` now.
v1::Representation RepresentationOf(const ServingModel& model,
                                    const model::State& state,
                                    std::optional<model::UserIndex> user);

}  // namespace taud::server

#endif  // TAUD_SERVER_SERVING_RECOMMENDER_H_
