#ifndef TAUD_SERVER_ADMISSION_REQUEST_MEMORY_H_
#define TAUD_SERVER_ADMISSION_REQUEST_MEMORY_H_

#include <cstddef>
#include <vector>

#include "server/serving/recommender.h"

namespace taud::server {

// The memory that a call with these tasks and its answer will need, roughly
// and rather too much: what MemoryBudget counts. `items`: of the catalogue.
// Pure.
size_t EstimateBytes(const std::vector<RecommendTask>& tasks, size_t items);

}  // namespace taud::server

#endif  // TAUD_SERVER_ADMISSION_REQUEST_MEMORY_H_
