#ifndef TAUD_LAB_SLICE_TRIAL_H_
#define TAUD_LAB_SLICE_TRIAL_H_

#include <vector>

// Ways to rank with a fit that is there, tried on the validation slice. Pure
// functions.

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

// Whether greater values are worth trying after `trials` in ascending order:
// there is one maximum, but for noise.
bool GoesOnTrying(const std::vector<SliceTrial>& trials);

}  // namespace taud::lab

#endif  // TAUD_LAB_SLICE_TRIAL_H_
