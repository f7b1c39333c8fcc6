#ifndef TAUD_LAB_EPOCH_CHOICE_H_
#define TAUD_LAB_EPOCH_CHOICE_H_

namespace taud::lab {

// Recalls of a validation slice that differ by less than this share do not tell
// two epochs apart: it is less than the standard error of a recall of .2 over
// 50,000 users.
inline constexpr double kSameRecall = 0.005;

// Whether a fit is to stop at this epoch, of recall `recall`, rather than at
// the best epoch before it, of recall `best` (negative: there was none).
//
//  - It is if its recall is greater, or if both are 0, so that nothing tells
//    them apart.
//  - The `last` epoch of the schedule needs less: it is taken if its recall is
//    not lower by more than `tolerance`, a share of `best`. The learning rate
//    gets to its end only there. For example, with a best of 0.200 and a
//    tolerance of 0.005, if its recall is 0.199 or more.
//
// Pure.
bool IsBetterEpoch(double recall, double best, bool last, double tolerance);

}  // namespace taud::lab

#endif  // TAUD_LAB_EPOCH_CHOICE_H_
