#ifndef TAUD_TRAINER_ONLINE_QUESTION_SCORES_H_
#define TAUD_TRAINER_ONLINE_QUESTION_SCORES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "model/snapshot.h"
#include "query/query_weights.h"
#include "query/recent_items.h"
#include "trainer/mf/mf_learner.h"
#include "trainer/neighbours/neighbour_upkeep.h"
#include "trainer/online/held_pairs.h"
#include "trainer/sampling/positive_pairs.h"

// Questions about pairs that were not learnt: how a pair's item scores beside
// the catalogue's, by each part of its user's query.

namespace taud::trainer {

// What answers are made of. `user_learnt` and `item_learnt` > 0 say which users
// and items have a row. REQUIRES: learner and item_learnt know every item of
// `pairs`; a CHECK otherwise.
struct FitKnowledge {
  const MfLearner& learner;
  const PositivePairs& pairs;
  const std::vector<uint32_t>& user_learnt;
  const std::vector<uint32_t>& item_learnt;
  const NeighbourUpkeep& neighbours;
};

struct Question {
  uint32_t user = 0, item = 0, degree = 0;
  std::vector<query::RecentItems::Entry> recent;  // newest first
};

// Of those held, the ones whose user and item have a row.
std::vector<Question> QuestionsOf(const std::vector<HeldPair>& held,
                                  const FitKnowledge& knowledge);

// What all questions of a call have in common.
struct World {
  std::vector<uint32_t> items;  // candidates
  std::vector<float> panels;    // [padded × dim] their rows, PackTransposed
  size_t padded = 0;            // items, to a multiple of kPackedRows
  double mean_popularity = 1;
  double each = 1;                  // items of the catalogue for each of them
  std::vector<float> item_mean;     // [dim]
  std::vector<float> common_taste;  // [dim]
  std::vector<float> by_common_taste;  // [items] of each row with it
};

// Of a catalogue with more, every so many-th; so of users, for the common
// taste.
World GatherWorld(const FitKnowledge& knowledge, size_t most_items,
                  size_t most_users);

// A question's query in its parts: by the user's row, by the latest items, by
// the common taste.
struct QuestionQuery {
  model::Matrix user;             // [1 × dim]
  std::vector<float> taste;       // [dim]; empty: no latest items
  float share = 1;                // of the common taste, for each of κ
  std::array<float, 3> own = {};  // what the question's item has of each
  query::QueryWeights serving;
  float norm = 1;  // with these weights
  // [padded] of the world's items, by the user's row and by the latest items,
  // null if there are none. Valid during the visit.
  const float* by_row = nullptr;
  const float* by_taste = nullptr;

  // By how much world.items[i] is ahead of the question's item, by each part.
  // Of two rows that are the same either may be ahead, by what rounding leaves.
  std::array<float, 3> AheadOf(const World& world, size_t i) const {
    return {by_row[i] - own[0],
            (by_taste == nullptr ? 0 : by_taste[i]) - own[1],
            share * world.by_common_taste[i] - own[2]};
  }
};

// Scores questions a block at a time, as a product of matrices. Holds scratch
// of 256 bytes an item. Thread-compatible.
class QuestionScores {
 public:
  using Visit = std::function<void(const Question&, const QuestionQuery&)>;
  // Calls visit for each of them, in order, with queries of these weights.
  void ForEach(const std::vector<Question>& questions,
               const FitKnowledge& knowledge, const World& world,
               const query::QueryWeights& serving, const Visit& visit);

 private:
  std::vector<float> block_;   // [rows of queries × dim]
  std::vector<float> scores_;  // [those × padded]
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_ONLINE_QUESTION_SCORES_H_
