#ifndef TAUD_TRAINER_SAMPLING_LEARNING_RATE_H_
#define TAUD_TRAINER_SAMPLING_LEARNING_RATE_H_

#include <cstddef>
#include <cstdint>

namespace taud::trainer {

// The positives a step takes: 1/256 of the pairs, so that a pass is steps
// enough even for small data, but 32 to `most` of them, and never more than
// there are. REQUIRES: most >= 32. Pure.
uint32_t StepRows(uint32_t pairs, uint32_t most);

// The greatest learning rate for so many distinct pairs of so many users and
// items: 0.156 / √(pairs a row of the denser side), between 0.005 and 0.05. The
// steps of a row are as many as its pairs and point all about, so that in a
// pass it wanders by the rate times the root of their number: with this rate as
// far whether the data is dense or sparse. The denser side has fewer rows, and
// the other follows it: many items that hardly anybody has do not make the data
// of busy users sparse. The constant suits Gowalla (27 pairs a user) and
// MovieLens 1M (262 an item); see docs/results.md. Pure.
double RateForDensity(size_t pairs, size_t users, size_t items);

// The learning rate of a row of the given age, as a fraction of the greatest.
// The age is the number of times the row's positives have been learnt from,
// on average: it grows as passes accumulate and falls in proportion to the
// share of positives that are new. A row thus has its own half cosine from 1
// at age 0 to `floor` at age `horizon`, a new row starts high among settled
// ones, a bulk load restarts every row it touches by as much as it is new,
// and no end needs to be known. Pure.
double RateAtAge(double age, double horizon, double floor);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_SAMPLING_LEARNING_RATE_H_
