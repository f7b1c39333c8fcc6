#ifndef TAUD_QUERY_COMMON_TASTE_H_
#define TAUD_QUERY_COMMON_TASTE_H_

#include <vector>

#include "absl/types/span.h"
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

// The query for items like one with the unit row e, in place of *row. Popular
// items are near to every item, for all of them lie where most users are; so
// half of what e has in common with the common taste, p at unit norm, is left
// out:
//
//   q ∝ e − ½ (e·p) p,   |q| = 1
//
// With p = 0 the row stays as it is. For example, a row whose cosine with p is
// .6 becomes one with .35. Pure.
void LeaveCommonTaste(absl::Span<const float> taste, std::vector<float>* row);

}  // namespace taud::query

#endif  // TAUD_QUERY_COMMON_TASTE_H_
