#include "lab/epoch_choice.h"

namespace taud::lab {

bool IsBetterEpoch(double recall, double best, bool last, double tolerance) {
  if (best <= 0 || recall > best) return true;
  return last && recall >= (1.0 - tolerance) * best;
}

}  // namespace taud::lab
