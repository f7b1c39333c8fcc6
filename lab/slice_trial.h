#ifndef TAUD_LAB_SLICE_TRIAL_H_
#define TAUD_LAB_SLICE_TRIAL_H_

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

// What a slice cannot tell apart: so much of the best merit is as good.
inline constexpr double kAsGood = 0.998;

// Whether greater values are worth trying after `trials` in ascending order:
// there is one maximum, but for noise.
bool GoesOnTrying(const std::vector<SliceTrial>& trials);

}  // namespace taud::lab

#endif  // TAUD_LAB_SLICE_TRIAL_H_
