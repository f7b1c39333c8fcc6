#ifndef TAUD_MODEL_USER_PROPERTIES_H_
#define TAUD_MODEL_USER_PROPERTIES_H_

#include <cstddef>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "model/property.h"
#include "model/types.h"

namespace taud::model {

// The properties of users. Thread-safe.
class UserProperties {
 public:
  // Replaces all of the user's.
  void Put(UserIndex user, const Properties& properties);
  void Delete(UserIndex user);

  // Empty for a user who has none.
  Properties Get(UserIndex user) const;
  bool Has(UserIndex user) const;

  size_t size() const;
  // About what they take.
  size_t bytes() const;

 private:
  mutable absl::Mutex mutex_;
  // Packed.
  absl::flat_hash_map<UserIndex, std::string> by_user_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace taud::model

#endif  // TAUD_MODEL_USER_PROPERTIES_H_
