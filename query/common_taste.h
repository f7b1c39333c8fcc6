#ifndef TAUD_QUERY_COMMON_TASTE_H_
#define TAUD_QUERY_COMMON_TASTE_H_

#include "model/item_lists.h"
#include "model/snapshot.h"

namespace taud::query {

// The common taste (query_weights.h) in the rows of all users at once, for fits
// that are not a stream: the users' rows at unit norm, and to each κ/n times
// the common taste: the mean of all users', at unit norm. n is the length of
// the user's list in `train`; rows of users without one stay as they are. With
// κ = 0, and where the users cancel out, *users stays as it is: a row's norm
// does not matter to its ranking. REQUIRES: as many lists as rows. Pure.
void AddCommonTaste(double prior, const model::ItemLists& train,
                    model::Matrix* users);

}  // namespace taud::query

#endif  // TAUD_QUERY_COMMON_TASTE_H_
