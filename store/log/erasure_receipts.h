#ifndef TAUD_STORE_LOG_ERASURE_RECEIPTS_H_
#define TAUD_STORE_LOG_ERASURE_RECEIPTS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "store/log/erasure.h"

namespace taud::store {

// Whether a call that names the erasure `known` can be a second call of the one
// that made it. The receipt does not say whom it was about; but an id that is
// `still_known` was not taken away by it. ALREADY_EXISTS says what to do. Pure.
absl::Status CheckSameErasure(const Erasure& known, ErasureSubject subject,
                              const std::string& id, bool still_known);

// The receipts of erasures by id. Those of erasures that are not complete are
// found without looking at the others, which are kept for good.
// Thread-compatible.
class ErasureReceipts {
 public:
  // Adds one, or replaces the one of the same id.
  void Put(const Erasure& erasure);
  // Null if there is none.
  const Erasure* Find(const std::string& id) const;
  // Those whose record is not complete, by id.
  std::vector<Erasure> Pending() const;

 private:
  absl::flat_hash_map<std::string, Erasure> complete_;
  std::map<std::string, Erasure> pending_;
};

}  // namespace taud::store

#endif  // TAUD_STORE_LOG_ERASURE_RECEIPTS_H_
