#ifndef TAUD_LAB_EPOCH_CHOICE_H_
#define TAUD_LAB_EPOCH_CHOICE_H_

namespace taud::lab {

// Recalls of a validation slice that differ by less than this share do not tell
// two epochs apart: it is less than the standard error of a recall of .2 over
// 50,000 users.
inline constexpr double kSameRecall = 0.005;

// Whether a fit is to stop at this epoch rather than at the best before it, of
// recall `best`; negative if there was none. It is if its recall is greater, or
// nothing tells them apart because both are 0. The `last` epoch of the schedule
// has it already if it is not worse by more than `tolerance` (a share of
// `best`): the learning rate gets to its end only there. Pure.
bool IsBetterEpoch(double recall, double best, bool last, double tolerance);

}  // namespace taud::lab

#endif  // TAUD_LAB_EPOCH_CHOICE_H_
