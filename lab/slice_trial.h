#ifndef TAUD_LAB_SLICE_TRIAL_H_
#define TAUD_LAB_SLICE_TRIAL_H_

#include <cstddef>
#include <vector>

// What is tried on the validation slice, fits and ways to rank with one, and
// what it is judged by. Pure functions.

namespace taud::lab {

struct SliceTrial {  // a value that was tried, and its figures on the slice
  double value = 0;
  double recall = 0;
  double ndcg = 0;
};

// What is chosen by: the geometric mean of recall and NDCG. Recall alone hardly
// tells values apart that NDCG does.
double Merit(const SliceTrial& trial);

// The greatest of them; 0 without trials.
double BestMerit(const std::vector<SliceTrial>& trials);

// The first of those with the greatest merit, as an index; trials.size()
// without trials.
size_t BestTrial(const std::vector<SliceTrial>& trials);

// Where the parabola through three trials, in ascending order of value, is
// highest, between the first and the last of them; the best one's value if it
// has no highest point.
double HighestPoint(const SliceTrial& left, const SliceTrial& centre,
                    const SliceTrial& right);

// A trial is as good as the best if it has this share of the best merit: the
// slice cannot tell smaller differences from noise.
inline constexpr double kAsGood = 0.998;

// A trial with less than this share of the best merit is surely worse: that is
// more than the noise of the slice. Two ways to rank with the same fit have
// little noise between them. Two fits have more: on a slice of six hundred
// users, fits with different ρ differed by up to 3 % for no reason that ρ
// gives. Where ρ is the reason, they differ by more: on ML-1M 1.06 is best,
// and 1.2 costs 7 %.
inline constexpr double kSurelyWorseRanking = 0.98;
inline constexpr double kSurelyWorseFit = 0.96;

// Whether the last of `trials` is surely worse than the best. For example, with
// a best merit of 0.30 and a share of 0.98, if its merit is below 0.294. False
// without trials.
bool LastIsSurelyWorse(const std::vector<SliceTrial>& trials, double share);

// Whether a greater value is worth trying after `trials`, in ascending order of
// value, of a way to rank: as long as the last is not surely worse than the
// best. Merits have one maximum, but for noise.
bool GoesOnTrying(const std::vector<SliceTrial>& trials);

}  // namespace taud::lab

#endif  // TAUD_LAB_SLICE_TRIAL_H_
