#ifndef TAUD_STORE_LOG_NEW_INTERACTION_H_
#define TAUD_STORE_LOG_NEW_INTERACTION_H_

#include <cstdint>
#include <string>

#include "model/types.h"

namespace taud::store {

// An interaction as it arrives. Append checks it once more.
struct NewInteraction {
  std::string user_id;
  std::string item_id;
  int64_t time_ms = 0;
  float weight = 1.0f;
  model::InteractionKind kind = model::InteractionKind::kView;
  std::string event_id;  // empty: no deduplication
};

}  // namespace taud::store

#endif  // TAUD_STORE_LOG_NEW_INTERACTION_H_
