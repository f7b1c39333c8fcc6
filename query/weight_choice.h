#ifndef TAUD_QUERY_WEIGHT_CHOICE_H_
#define TAUD_QUERY_WEIGHT_CHOICE_H_

#include <cstddef>
#include <vector>

#include "absl/types/span.h"

namespace taud::query {

// Chooses one of some ways to rank by what is told of interactions before they
// are learnt: what each way would have gained by each (GainOfRank, which unlike
// a hit rate tells apart ranks outside of a list, too). Thread-compatible; a
// pure function of what was noted.
class WeightChoice {
 public:
  // `order` names every way once, from what is least, which is taken where it
  // is as good, to what is most. The first is chosen until one was found.
  explicit WeightChoice(std::vector<size_t> order);

  // gains[way]. The last 2,000 or so count. From 60 on the one that had most
  // is chosen, if it has half a percent more than the one that is, so that
  // answers do not jump to and fro for nothing.
  void Note(absl::Span<const double> gains);
  // Begins anew with what was noted together, of pairs held back until rows had
  // settled: what was noted while they were young says nothing of what they are
  // now. Of the ways that are as good as the best, by less than the standard
  // error of the difference, the least is chosen. Fewer than kLeastTogether
  // change nothing.
  void BeginWith(const std::vector<std::vector<double>>& together);
  static constexpr size_t kLeastTogether = 40;
  // Begins with this one. REQUIRES: nothing was noted.
  void StartAt(size_t way);

  size_t chosen() const { return chosen_; }
  // Whether 60 were noted, or enough together, or it was told where to start.
  bool found() const { return found_; }

  // Everything, as numbers. Assign is false, and changes nothing, if they
  // cannot be a state.
  std::vector<double> State() const;
  bool Assign(const std::vector<double>& state);

 private:
  const std::vector<size_t> order_;
  std::vector<double> means_;  // [ways]
  double noted_ = 0;
  size_t chosen_;
  bool found_ = false;
};

}  // namespace taud::query

#endif  // TAUD_QUERY_WEIGHT_CHOICE_H_
