#ifndef TAUD_TRAINER_ONLINE_QUERY_METER_H_
#define TAUD_TRAINER_ONLINE_QUERY_METER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/interactions.h"
#include "model/snapshot.h"
#include "query/query_weight_choice.h"
#include "query/recent_items.h"
#include "trainer/mf/mf_learner.h"
#include "trainer/online/held_pairs.h"
#include "trainer/sampling/positive_pairs.h"

namespace taud::trainer {

// Asks of new pairs, before they are learnt, where each pair of query weights
// would have ranked them, and finds the weights. Thread-compatible. What it
// finds depends on the order of the calls alone.
class QueryMeter {
 public:
  // Questions at a time; more are passed over.
  static constexpr size_t kMaxQuestions = 32;
  // Items that a question's item is ranked among, and users that the common
  // taste is taken from; of more, every so many-th.
  static constexpr size_t kMaxRows = 2048;

  // The pair is new, and user and item have been learnt from before, the user
  // from `degree` pairs: a question for Answer. Without latest items there is
  // none.
  void Ask(uint32_t user, uint32_t item, uint32_t degree);
  // The user chose the item at this time, or no longer likes it.
  void Add(uint32_t user, uint32_t item, int64_t time_ms);
  void Remove(uint32_t user, uint32_t item) { recent_.Remove(user, item); }
  // What the user chose last, newest first.
  std::vector<query::RecentItems::Entry> RecentOf(uint32_t user) const;

  // Answers what was asked since the last call, by the present rows of
  // `learner`. `user_learnt` and `item_learnt` > 0 say which have one.
  // REQUIRES: learner and item_learnt know every item of `pairs`; a CHECK
  // otherwise.
  void Answer(const MfLearner& learner, const PositivePairs& pairs,
              const std::vector<uint32_t>& user_learnt,
              const std::vector<uint32_t>& item_learnt);

  // Asks about all that was held back, by the present rows, and begins anew
  // with what that says (QueryWeightChoice::BeginWith). Pairs of users or items
  // without a row are passed over. REQUIRES as Answer.
  void AskHeld(const std::vector<HeldPair>& held, const MfLearner& learner,
               const PositivePairs& pairs,
               const std::vector<uint32_t>& user_learnt,
               const std::vector<uint32_t>& item_learnt);

  // See QueryWeightChoice.
  void StartAt(const query::QueryWeights& weights) { choice_.StartAt(weights); }
  query::QueryWeights weights() const { return choice_.weights(); }
  bool found() const { return choice_.found(); }
  std::vector<double> State() const { return choice_.State(); }
  bool Assign(const std::vector<double>& state) {
    return choice_.Assign(state);
  }
  // The latest items anew, from positions [0, end) of the interactions.
  void Rebuild(const model::Interactions& interactions, size_t end);

 private:
  struct Question {
    uint32_t user = 0, item = 0, degree = 0;
    std::vector<query::RecentItems::Entry> recent;  // newest first
  };
  // What all questions of a call have in common.
  struct World {
    std::vector<uint32_t> items;      // candidates
    model::Matrix rows;               // [items × dim] theirs
    double each = 1;                  // items of the catalogue for each of them
    std::vector<float> item_mean;     // [dim]
    std::vector<float> common_taste;  // [dim]
  };
  World Gather(const MfLearner& learner, const PositivePairs& pairs,
               const std::vector<uint32_t>& user_learnt,
               const std::vector<uint32_t>& item_learnt) const;
  query::QueryGains GainsOf(const Question& question, const MfLearner& learner,
                            const PositivePairs& pairs,
                            const std::vector<uint32_t>& item_learnt,
                            const World& world) const;

  query::RecentItems recent_;
  query::QueryWeightChoice choice_;
  std::vector<Question> questions_;
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_ONLINE_QUERY_METER_H_
