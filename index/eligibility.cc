#include "index/eligibility.h"

#include <algorithm>

namespace taud::index {

bool Eligibility::Allows(const Query& query, model::ItemIndex item) const {
  if (query.eligible != nullptr && !query.eligible->Test(item)) return false;
  return indexed_.Test(item) && !std::binary_search(query.excluded.begin(),
                                                    query.excluded.end(), item);
}

model::Bitmap Eligibility::Allowed(const Query& query) const {
  model::Bitmap allowed = indexed_;
  if (query.eligible != nullptr) allowed.And(*query.eligible);
  for (const model::ItemIndex item : query.excluded) allowed.Clear(item);
  return allowed;
}

size_t Eligibility::Counter::Count(const Query& query) {
  size_t count = eligibility_->size();
  if (query.eligible != nullptr) {
    if (counted_ != query.eligible) {
      counted_ = query.eligible;
      count_ = eligibility_->indexed().CountAnd(*query.eligible);
    }
    count = count_;
  }
  for (const model::ItemIndex item : query.excluded) {
    count -= eligibility_->indexed().Test(item) &&
             (query.eligible == nullptr || query.eligible->Test(item));
  }
  return count;
}

}  // namespace taud::index
