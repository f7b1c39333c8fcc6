#ifndef TAUD_INDEX_CENTROIDS_H_
#define TAUD_INDEX_CENTROIDS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "model/snapshot.h"

namespace taud::index {

// The centroid of largest inner product for each of `items`' rows in `matrix`.
std::vector<uint32_t> AssignToCentroids(const model::Matrix& centroids,
                                        const model::Matrix& matrix,
                                        absl::Span<const uint32_t> items);

// Spherical k-means (Dhillon and Modha 2001) over `items`' rows: `lists` unit
// centroids. Goes on from `start` if that has the same shape, with one pass;
// else begins with rows at equal distances and makes eight. Deterministic.
//
// NCL's loss clusters too (trainer/tensor/contrast.cc), as its paper does: from
// random rows, all rows in every pass, by tensors on the device on which they
// are learnt. Here a pass sees a sample, and rows are compared as bytes.
model::Matrix FitCentroids(const model::Matrix& matrix,
                           absl::Span<const uint32_t> items, size_t lists,
                           const model::Matrix& start);

}  // namespace taud::index

#endif  // TAUD_INDEX_CENTROIDS_H_
