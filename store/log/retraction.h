#ifndef TAUD_STORE_LOG_RETRACTION_H_
#define TAUD_STORE_LOG_RETRACTION_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/state.h"
#include "model/types.h"
#include "store/log/new_interaction.h"

namespace taud::store {

// What is to be taken back: by exactly one of them, the others are empty.
struct Retraction {
  model::Sequence sequence = 0;
  std::string event_id;
  std::string user_id, item_id;  // both
};

// What is written for some retractions: for each pair of user and item that
// they name a retraction of all, and behind it, anew, what is to stay.
struct RetractionPlan {
  std::vector<NewInteraction> interactions;
  // Of each retraction, the last of the interactions that its pair has.
  std::vector<size_t> last_of;
  uint64_t taken_back = 0;
};

// `sequences` has, for each retraction with an event id, the sequence that it
// belongs to, or 0. NOT_FOUND names one that takes nothing back: its sequence
// or event id is not in the log or was taken back before, or the user has done
// nothing with the item. Reads the log in memory once. Pure.
absl::StatusOr<RetractionPlan> PlanRetractions(
    const std::vector<Retraction>& retractions,
    const std::vector<model::Sequence>& sequences, const model::State& state,
    int64_t now_ms);

}  // namespace taud::store

#endif  // TAUD_STORE_LOG_RETRACTION_H_
