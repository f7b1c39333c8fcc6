#ifndef TAUD_TRAINER_ONLINE_FIT_STATE_READER_H_
#define TAUD_TRAINER_ONLINE_FIT_STATE_READER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "model/neighbour_lists.h"
#include "model/training_state.h"
#include "trainer/online/held_pairs.h"
#include "trainer/sampling/pair_sampler.h"

namespace taud::trainer {

// The arrays of a training state (fit_state.h): their names, the places within
// those of figures, and a reader of what several arrays say together. Checking
// a state and importing one read it by the same functions, so that what was
// checked is what is taken.
//
// Pure, or thread-compatible; nothing is owned: a state outlives its reader.

// The places of the array "counters". Its order is the format: what is new
// comes behind the last, before the number of them.
struct StateCounter {
  enum : size_t {
    kTrainedThrough,
    kWarmThrough,
    kSteps,
    kPositives,
    kAdaptedSteps,
    kContained,
    kWindowBegin,
    kWindowEnd,
    kCount,
  };
};

// Those of the array "figures", likewise.
struct StateFigure {
  enum : size_t {
    kDim,
    kWarmPasses,
    kUsersStarted,
    kItemsStarted,
    kHasModel,
    kEpochs,
    kVisits,
    kLoss,
    kTau0,
    kTau0Eq13,
    kMeanLoss,
    kAdaptedEpochs,
    kMomentsMean,
    kMomentsVariance,
    kPositiveMean,
    kPositiveVariance,
    kCount,
  };
};

inline constexpr char kQueryWeights[] = "query_weights";
// Two figures: the factor, and the age of the fit when it was first asked about
// what is held. A state of before held pairs were asked about τ₀ has none.
inline constexpr char kTau0Factor[] = "tau0_factor";

// Of PairSampler: the size of the present turn, what is next of it, its key. A
// state of before there were turns begins one.
inline constexpr char kSamplerTurn[] = "sampler/turn";
inline constexpr size_t kSamplerTurnFigures = 3;

// Of pairs that are held back, and of how far rows have come. A state of before
// there were any has none.
inline constexpr char kHeldUser[] = "held/user";
inline constexpr char kHeldItem[] = "held/item";
inline constexpr char kHeldWeight[] = "held/weight";
inline constexpr char kHeldSequence[] = "held/sequence";
inline constexpr char kHeldRecentCount[] = "held/recent_count";
inline constexpr char kHeldRecentItem[] = "held/recent_item";
inline constexpr char kHeldRecentSecond[] = "held/recent_second";
// 0 (once how many were offered), asked, asked at
inline constexpr char kHeldAsked[] = "held/asked";
inline constexpr char kNeighbourWeights[] = "neighbour_weights";
inline constexpr char kNeighbourCount[] = "neighbours/count";  // by item
inline constexpr char kNeighbourItem[] = "neighbours/item";
inline constexpr char kNeighbourWeight[] = "neighbours/weight";
// Items whose lists are to be found anew. A state of before they were kept has
// none.
inline constexpr char kNeighbourStale[] = "neighbours/stale";
inline constexpr char kYoungMarkPairs[] = "young_marks/pairs";
inline constexpr char kYoungMarkSequence[] = "young_marks/sequence";
inline constexpr char kLatePair[] = "late/pair";
inline constexpr char kLateBefore[] = "late/before";
inline constexpr size_t kHeldAskedFigures = 3;

// Of RowRenewal, by row; a state of before there was one owes nothing.
inline std::string OwedBy(const std::string& side) { return side + "/owed"; }

// DATA_LOSS that names the array.
absl::Status DamagedState(absl::string_view name, absl::string_view why);

bool AllFinite(const std::vector<float>& values);

// Looks arrays up. The first that is missing or wrong is what status() says
// from then on; what was asked for is empty then.
class FitStateReader {
 public:
  explicit FitStateReader(const model::TrainingState& state) : state_(state) {}

  const std::vector<float>& Floats(const std::string& name) {
    return Find(state_.floats, name);
  }
  const std::vector<uint32_t>& Integers(const std::string& name) {
    return Find(state_.integers, name);
  }
  bool HasLongs(const std::string& name) const {
    return state_.longs.count(name) > 0;
  }
  bool HasIntegers(const std::string& name) const {
    return state_.integers.count(name) > 0;
  }
  const std::vector<uint64_t>& Longs(const std::string& name) {
    return Find(state_.longs, name);
  }
  const std::vector<double>& Doubles(const std::string& name) {
    return Find(state_.doubles, name);
  }
  const std::string& Text(const std::string& name) {
    return Find(state_.texts, name);
  }
  // The length of the array looked up, which must be `expected`.
  template <typename T>
  const T& Sized(const T& array, const std::string& name, size_t expected) {
    if (status_.ok() && array.size() != expected) {
      status_ = DamagedState(
          name,
          absl::StrCat("has ", array.size(), " values, expected ", expected));
    }
    return array;
  }
  void Fail(absl::Status status) {
    if (status_.ok()) status_ = std::move(status);
  }
  const absl::Status& status() const { return status_; }

 private:
  template <typename T>
  const T& Find(const std::map<std::string, T>& in, const std::string& name) {
    const auto found = in.find(name);
    if (found != in.end()) return found->second;
    static const T& empty = *new T;
    Fail(DamagedState(name, "is missing"));
    return empty;
  }

  const model::TrainingState& state_;
  absl::Status status_;
};

// What is amiss is in the reader's status; what is returned is then of no use.
PairSampler::State SamplerState(const model::TrainingState& state,
                                FitStateReader* reader);
// The pairs that are held back. None in a state of before there were any.
std::vector<HeldPair> HeldPairsOf(FitStateReader* reader);
// The lists of neighbours, likewise.
model::NeighbourLists NeighboursOf(FitStateReader* reader);
std::vector<uint32_t> StaleNeighboursOf(FitStateReader* reader);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_ONLINE_FIT_STATE_READER_H_
