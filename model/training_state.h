#ifndef TAUD_MODEL_TRAINING_STATE_H_
#define TAUD_MODEL_TRAINING_STATE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/types.h"

namespace taud::model {

// Everything that training needs to go on as if it had never stopped, by name:
// rows and their optimiser's moments, what was learnt of which pair, random
// states. The trainer gives the names their meaning; `store` keeps the arrays
// without knowing it. Plain data; one owner at a time.
struct TrainingState {
  // Interactions through here are contained; training goes on with the next.
  Sequence absorbed_through = 0;
  int64_t created_ms = 0;  // Unix milliseconds

  std::map<std::string, std::vector<float>> floats;
  std::map<std::string, std::vector<uint32_t>> integers;
  std::map<std::string, std::vector<uint64_t>> longs;
  std::map<std::string, std::vector<double>> doubles;
  std::map<std::string, std::string> texts;
};

}  // namespace taud::model

#endif  // TAUD_MODEL_TRAINING_STATE_H_
