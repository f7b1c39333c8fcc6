#ifndef TAUD_LAB_NOISE_H_
#define TAUD_LAB_NOISE_H_

#include <cstdint>
#include <vector>

#include "lab/dataset.h"

// False positives for robustness experiments (Adap-τ, §5.3). Pure functions.

namespace taud::lab {

// Gives each user `ratio` of its training items more, in expectation: items
// drawn uniformly from those that are neither its training nor its test items.
// 0 <= ratio. The same seed gives the same noise.
void AddNoise(double ratio, uint64_t seed, Dataset* dataset);

// The same with a ratio by group of users. Returns [user] → its group, drawn
// uniformly. REQUIRES: ratios is not empty.
std::vector<uint8_t> AddNoiseByGroup(const std::vector<double>& ratios,
                                     uint64_t seed, Dataset* dataset);

}  // namespace taud::lab

#endif  // TAUD_LAB_NOISE_H_
