#ifndef TAUD_TESTS_LAB_SLICE_TRIALS_H_
#define TAUD_TESTS_LAB_SLICE_TRIALS_H_

#include <vector>

#include "lab/slice_trial.h"

namespace taud::lab {

// Trials of the first of `values` with these merits: a recall of 2 m and an
// NDCG of m / 2. REQUIRES: at least as many values.
template <class Values>
std::vector<SliceTrial> TrialsOf(const Values& values,
                                 const std::vector<double>& merits) {
  std::vector<SliceTrial> trials;
  for (size_t i = 0; i < merits.size(); ++i) {
    trials.push_back({values[i], 2 * merits[i], merits[i] / 2});
  }
  return trials;
}

}  // namespace taud::lab

#endif  // TAUD_TESTS_LAB_SLICE_TRIALS_H_
