#ifndef TAUD_TRAINER_ONLINE_QUERY_METER_H_
#define TAUD_TRAINER_ONLINE_QUERY_METER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "model/interactions.h"
#include "query/query_weight_choice.h"
#include "query/recent_items.h"
#include "trainer/online/held_pairs.h"
#include "trainer/online/question_scores.h"

namespace taud::trainer {

// Asks of new pairs, before they are learnt, where each pair of query weights,
// and each weight of the neighbourhood, would have ranked them, and finds both.
// Thread-compatible. What it finds depends on the order of the calls alone.
class QueryMeter {
 public:
  // Questions at a time; more are passed over.
  static constexpr size_t kMaxQuestions = 32;
  // Items that a question's item is ranked among, and users that the common
  // taste is taken from; of more, every so many-th.
  static constexpr size_t kMaxRows = 2048;
  // Items that a held pair's item is ranked among. Only among all of them there
  // is a head of a list to be seen: one in twenty leaves one place of the first
  // twenty.
  static constexpr size_t kMaxRowsForHeld = 65536;
  // Fewer if rows are wide: numbers that a question goes through at most.
  static constexpr size_t kMaxValuesForHeld = size_t{1} << 22;
  // What a held pair gains behind this rank is nothing: which of two ways moves
  // an item from rank 900 to 600 says little of what either serves.
  static constexpr double kLastRank = 100;

  // The pair is new, and user and item have been learnt from before, the user
  // from `degree` pairs: a question for Answer. Without latest items there is
  // none.
  void Ask(uint32_t user, uint32_t item, uint32_t degree);
  // The user chose the item at this time, or no longer likes it.
  void Add(uint32_t user, uint32_t item, int64_t time_ms);
  void Remove(uint32_t user, uint32_t item) { recent_.Remove(user, item); }
  // What the user chose last before the second of this time, newest first. What
  // was chosen in the same second may have come before or after it: in a file
  // without times its neighbours in the file would tell it.
  std::vector<query::RecentItems::Entry> RecentBefore(uint32_t user,
                                                      int64_t time_ms) const;

  using Knowledge = FitKnowledge;
  // Answers what was asked since the last call.
  void Answer(const Knowledge& knowledge);
  // Asks about all that was held back, and begins anew with what that says
  // (WeightChoice::BeginWith). Pairs of users or items without a row are passed
  // over. Takes two seconds or three on one thread for 4,096 pairs among 41,000
  // items of 64 dimensions.
  void AskHeld(const std::vector<HeldPair>& held, const Knowledge& knowledge);

  // At which multiple of their users' temperatures the held pairs are likeliest
  // (temperature/held_temperature.h); 0 if there are too few of them, or if no
  // lists of neighbours are kept, which know what a user has taken. Half a
  // second for 2,048 pairs among 41,000 items.
  double LikeliestScale(
      const std::vector<HeldPair>& held, const Knowledge& knowledge,
      const std::function<float(uint32_t user)>& temperature_of);

  // See WeightChoice.
  void StartAt(const query::QueryWeights& weights) {
    choice_.StartAt(query::PairNearest(weights));
  }
  void StartAt(const query::NeighbourWeights& weights) {
    neighbour_choice_.StartAt(query::NeighbourWayNearest(weights));
  }
  query::QueryWeights weights() const {
    return query::WeightsAt(choice_.chosen());
  }
  query::NeighbourWeights neighbour_weights() const {
    return query::kNeighbourWays[neighbour_choice_.chosen()];
  }
  bool found() const { return choice_.found(); }
  bool neighbours_found() const { return neighbour_choice_.found(); }
  std::vector<double> State() const { return choice_.State(); }
  bool Assign(const std::vector<double>& state) {
    return choice_.Assign(state);
  }
  std::vector<double> NeighbourState() const {
    return neighbour_choice_.State();
  }
  bool AssignNeighbours(const std::vector<double>& state) {
    return neighbour_choice_.Assign(state);
  }
  // The latest items anew, from positions [0, end) of the interactions.
  void Rebuild(const model::Interactions& interactions, size_t end);

 private:
  using ByWay = std::array<float, query::kNeighbourWays.size()>;
  // What a question's item is ranked among.
  struct Rivals : World {
    explicit Rivals(World world) : World(std::move(world)) {}
    double last_rank = 0;  // behind it nothing is gained; 0: none
    std::vector<ByWay> neighbour_factors;  // [items] see NeighbourFactors
  };
  static Rivals GatherRivals(const Knowledge& knowledge, size_t most_items,
                             double last_rank);
  // λ · (D / D̄)^p, by way, of an item with so many users.
  static ByWay NeighbourFactors(uint32_t users, double mean_popularity);
  // Whether the item might stand before the question's in its user's list.
  static bool IsRival(uint32_t item, const Question& question,
                      const Knowledge& knowledge);
  // Whether no way can gain any more, with so many before it.
  template <size_t N>
  static bool AllBehind(const std::array<double, N>& better,
                        const Rivals& rivals);
  // What is gained with so many items of the world before the question's, by
  // way.
  template <size_t N>
  static std::vector<double> GainsOf(const std::array<double, N>& better,
                                     const Rivals& rivals);
  // What each pair of weights gains by the question: [kWeightPairs].
  std::vector<double> PairGains(const Question& question,
                                const QuestionQuery& query,
                                const Knowledge& knowledge,
                                const Rivals& rivals) const;
  // What each way to count the neighbourhood gains, with the query's weights:
  // [kNeighbourWays].
  std::vector<double> NeighbourGains(const Question& question,
                                     const QuestionQuery& query,
                                     const Knowledge& knowledge,
                                     const Rivals& rivals);
  // ĝ of rivals.items, and of the question's item behind them.
  std::vector<float> StrengthsFor(const Question& question,
                                  const Knowledge& knowledge,
                                  const Rivals& rivals);

  query::RecentItems recent_;
  query::WeightChoice choice_ = query::MakeQueryWeightChoice();
  query::WeightChoice neighbour_choice_ = query::MakeNeighbourChoice();
  query::NeighbourScratch scratch_;
  std::vector<float> strengths_;  // [items], zero between calls
  std::vector<Question> questions_;
  QuestionScores scores_;
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_ONLINE_QUERY_METER_H_
