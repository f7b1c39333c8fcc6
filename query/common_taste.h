#ifndef TAUD_QUERY_COMMON_TASTE_H_
#define TAUD_QUERY_COMMON_TASTE_H_

#include "model/item_lists.h"
#include "model/snapshot.h"

namespace taud::query {

// Adds the common taste (query_weights.h) to the rows of all users at once, for
// fits that are not a stream. Each row becomes
//
//   u + κ/n · p
//
// where u is the user's row at unit norm, p is the mean of all users' rows at
// unit norm, and n is the length of the user's list in `train`. For example,
// with κ = 5 a user with 10 items gets half of p added.
//
// Rows of users without a list stay as they are. *users stays as it is if κ is
// 0, or if the users' rows cancel out: a row's norm does not matter to its
// ranking. REQUIRES: as many lists as rows. Pure.
void AddCommonTaste(double prior, const model::ItemLists& train,
                    model::Matrix* users);

}  // namespace taud::query

#endif  // TAUD_QUERY_COMMON_TASTE_H_
