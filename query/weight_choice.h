#ifndef TAUD_QUERY_WEIGHT_CHOICE_H_
#define TAUD_QUERY_WEIGHT_CHOICE_H_

#include <cstddef>
#include <vector>

#include "absl/types/span.h"

namespace taud::query {

// Chooses one of several ways to rank. Before an interaction is learnt, each
// way is asked at which rank it would have put the item, and what it gains by
// that rank is noted (GainOfRank: unlike a hit rate, it tells apart ranks
// outside of a list, too). The way that gains most is chosen.
//
// Thread-compatible. The choice depends on what was noted and nothing else.
class WeightChoice {
 public:
  // What is chosen of gains that were noted together (BeginWith).
  enum class Rule {
    // The least of those that are as good as the best: whose mean differs from
    // its by less than the standard error of the difference.
    kLeastAsGood,
    // The one that gains most beside the least, as far as that can be believed.
    // Ways of ranking seldom gain more than some percent of what there is, so
    // that what is measured with a greater error is luck for the most part: a
    // difference d with the standard error s counts d · T² / (T² + s²), its
    // posterior mean if differences are normal with the deviation T. T is
    // kUsualAdvantage of what the least gains, or √(d² − (2s)²) of a way that
    // gains so much more.
    kMostBelievable,
  };
  static constexpr double kUsualAdvantage = 0.04;

  // `order` names every way once, from the least, which does least to the
  // ranking, to the most. The first of `order` is chosen until one was found.
  WeightChoice(std::vector<size_t> order, Rule rule);

  // gains[way], of one interaction. About the last 2,000 count. From the 60th
  // on, another way is chosen if its mean gain is the greatest and half a
  // percent more than that of the chosen one: answers are not to jump to and
  // fro for nothing.
  void Note(absl::Span<const double> gains);
  // Begins anew with gains that were noted together: together[n][way], of pairs
  // that were held back until rows had settled. What was noted before, while
  // rows were young, says nothing of what they are now. The rule chooses,
  // and what is noted later goes on from what it believes. Fewer than
  // kLeastTogether change nothing.
  void BeginWith(const std::vector<std::vector<double>>& together);
  static constexpr size_t kLeastTogether = 40;
  // Begins with this way. REQUIRES: nothing was noted.
  void StartAt(size_t way);

  size_t chosen() const { return chosen_; }
  // Whether 60 were noted, or enough together, or it was told where to start.
  bool found() const { return found_; }

  // Everything, as numbers. Assign is false, and changes nothing, if they
  // cannot be a state.
  std::vector<double> State() const;
  bool Assign(const std::vector<double>& state);

 private:
  void ChooseLeastAsGood(const std::vector<std::vector<double>>& together);
  void ChooseMostBelievable(const std::vector<std::vector<double>>& together);

  const std::vector<size_t> order_;
  const Rule rule_;
  std::vector<double> means_;  // [ways]
  double noted_ = 0;
  size_t chosen_;
  bool found_ = false;
};

}  // namespace taud::query

#endif  // TAUD_QUERY_WEIGHT_CHOICE_H_
