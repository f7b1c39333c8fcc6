#ifndef TAUD_TRAINER_LEARNING_RATE_H_
#define TAUD_TRAINER_LEARNING_RATE_H_

#include <cstdint>

namespace taud::trainer {

// The positives a step takes: 1/256 of the pairs, so that a pass is steps
// enough even for small data, but 32 to `most` of them, and never more than
// there are. REQUIRES: most >= 32. Pure.
uint32_t StepRows(uint32_t pairs, uint32_t most);

// The learning rate of a row of the given age, as a fraction of the greatest.
// The age is the number of times the row's positives have been learnt from,
// on average: it grows as passes accumulate and falls in proportion to the
// share of positives that are new. A row thus has its own half cosine from 1
// at age 0 to `floor` at age `horizon`, a new row starts high among settled
// ones, a bulk load restarts every row it touches by as much as it is new,
// and no end needs to be known. Pure.
double RateAtAge(double age, double horizon, double floor);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_LEARNING_RATE_H_
