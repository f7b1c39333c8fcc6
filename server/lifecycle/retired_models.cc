#include "server/lifecycle/retired_models.h"

#include <algorithm>
#include <utility>

namespace taud::server {

void RetiredModels::Add(std::shared_ptr<const ServingModel> model,
                        absl::Time now) {
  models_.push_back({std::move(model), now});
}

void RetiredModels::Forget(const std::shared_ptr<const ServingModel>& model) {
  models_.erase(std::remove_if(models_.begin(), models_.end(),
                               [&](const Retired& retired) {
                                 return retired.model == model;
                               }),
                models_.end());
}

void RetiredModels::FreeUnused() {
  models_.erase(std::remove_if(models_.begin(), models_.end(),
                               [](const Retired& retired) {
                                 return retired.model.use_count() == 1;
                               }),
                models_.end());
}

absl::Duration RetiredModels::OldestAge(absl::Time now,
                                        const ServingModel* but) const {
  for (const Retired& retired : models_) {
    if (retired.model.get() != but) return now - retired.since;
  }
  return absl::ZeroDuration();
}

}  // namespace taud::server
