#ifndef TAUD_TRAINER_SAMPLING_STEP_WEIGHTS_H_
#define TAUD_TRAINER_SAMPLING_STEP_WEIGHTS_H_

#include <cstdint>
#include <vector>

namespace taud::trainer {

// Bounds the weight that one user, or one item, has in a step: however many
// rows of the step are its own and whatever weight they claim, they are scaled
// so that their sum is at most `most`. A burst from one user, or on one item,
// then moves the rows it shares with others by a bounded share.
//
// Thread-compatible; keeps scratch memory.
class StepWeights {
 public:
  // Scales `weights` [rows] of the pairs (users[r], items[r]).
  void Bound(const std::vector<uint32_t>& users,
             const std::vector<uint32_t>& items, float most,
             std::vector<float>* weights);

 private:
  // Summed weights by index; all zero between calls.
  std::vector<float> user_mass_, item_mass_;
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_SAMPLING_STEP_WEIGHTS_H_
