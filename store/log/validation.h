#ifndef TAUD_STORE_LOG_VALIDATION_H_
#define TAUD_STORE_LOG_VALIDATION_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "store/log/event_store.h"

namespace taud::store {

// The last check before something is written for good: nothing that could not
// be read back gets past it. Errors are INVALID_ARGUMENT and name position,
// field and value. Pure functions, thread-safe.

// 1 to model::kMaxIdBytes bytes of UTF-8.
absl::Status CheckId(absl::string_view field, absl::string_view id);

absl::Status CheckInteractions(const std::vector<NewInteraction>& batch);
absl::Status CheckItems(const std::vector<NewItem>& batch);
absl::Status CheckUsers(const std::vector<NewUser>& batch);

}  // namespace taud::store

#endif  // TAUD_STORE_LOG_VALIDATION_H_
