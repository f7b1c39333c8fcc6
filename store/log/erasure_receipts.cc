#include "store/log/erasure_receipts.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace taud::store {

absl::Status CheckSameErasure(const Erasure& known, ErasureSubject subject,
                              const std::string& id, bool still_known) {
  if (known.record.subject == subject && !still_known) return absl::OkStatus();
  return absl::AlreadyExistsError(absl::StrCat(
      "erasure_id: \"", absl::CHexEscape(known.id),
      "\" is the receipt of an earlier erasure, and \"", absl::CHexEscape(id),
      "\" was not erased by it, or has come again since: nothing was erased; "
      "choose another erasure_id"));
}

void ErasureReceipts::Put(const Erasure& erasure) {
  if (!erasure.record.complete()) {
    complete_.erase(erasure.id);
    pending_.insert_or_assign(erasure.id, erasure);
    return;
  }
  pending_.erase(erasure.id);
  complete_.insert_or_assign(erasure.id, erasure);
}

const Erasure* ErasureReceipts::Find(const std::string& id) const {
  const auto complete = complete_.find(id);
  if (complete != complete_.end()) return &complete->second;
  const auto pending = pending_.find(id);
  return pending == pending_.end() ? nullptr : &pending->second;
}

std::vector<Erasure> ErasureReceipts::Pending() const {
  std::vector<Erasure> pending;
  pending.reserve(pending_.size());
  for (const auto& [id, erasure] : pending_) pending.push_back(erasure);
  return pending;
}

}  // namespace taud::store
