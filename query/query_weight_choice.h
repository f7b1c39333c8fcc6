#ifndef TAUD_QUERY_QUERY_WEIGHT_CHOICE_H_
#define TAUD_QUERY_QUERY_WEIGHT_CHOICE_H_

#include <array>
#include <cstddef>
#include <vector>

#include "query/query_weights.h"

// Finds the weights of query/query_weights.h from the stream: interactions,
// before they are learnt, are questions: where would each pair of weights have
// ranked this one?

namespace taud::query {

// Nothing, and steps of half a power of ten.
inline constexpr std::array<float, 6> kRecentWeights = {0,    0.03f, 0.1f,
                                                        0.3f, 1,     3};
inline constexpr std::array<float, 6> kPriors = {0, 1, 3, 10, 30, 100};

// One value for each pair of weights, see WeightsAt.
inline constexpr size_t kWeightPairs = kRecentWeights.size() * kPriors.size();
using QueryGains = std::array<double, kWeightPairs>;
QueryWeights WeightsAt(size_t pair);

// Remembers the gains (GainOfRank, which unlike a hit rate tells apart ranks
// outside of a list, too) of some 2,000 interactions and says which weights had
// most. Thread-compatible; a pure function of what was noted.
class QueryWeightChoice {
 public:
  void Note(const QueryGains& gains);
  // Begins anew with what was noted together, of pairs held back until rows had
  // settled: what was noted while they were young says nothing of what they are
  // now. Of the weights that are as good as the best, by less than the standard
  // error of the difference, those that are least are chosen, κ before r. Fewer
  // than kLeastTogether change nothing.
  void BeginWith(const std::vector<QueryGains>& together);
  static constexpr size_t kLeastTogether = 40;
  // Begins with the weights that are nearest. REQUIRES: nothing was noted.
  void StartAt(const QueryWeights& weights);

  // What had most. The weights change only for those that gain half a percent
  // more, so that answers do not jump to and fro for nothing. None until they
  // are found: where users are of different kinds, the common taste would hide
  // what each likes behind what most like.
  QueryWeights weights() const { return WeightsAt(chosen_); }
  // Whether 200 were noted, or enough together, or it began with weights that
  // were found before.
  bool found() const { return found_; }

  // Everything, as numbers. Assign is false, and changes nothing, if they
  // cannot be a state.
  std::vector<double> State() const;
  bool Assign(const std::vector<double>& state);

 private:
  QueryGains means_ = {};
  double noted_ = 0;
  size_t chosen_ = 0;
  bool found_ = false;
};

}  // namespace taud::query

#endif  // TAUD_QUERY_QUERY_WEIGHT_CHOICE_H_
