#ifndef TAUD_SERVER_LIFECYCLE_RETIRED_MODELS_H_
#define TAUD_SERVER_LIFECYCLE_RETIRED_MODELS_H_

#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "server/serving/serving_model.h"

namespace taud::server {

// Models that no longer serve, each kept until the last request has let go of
// it, so that no request pays for freeing one. One thread only.
class RetiredModels {
 public:
  void Add(std::shared_ptr<const ServingModel> model, absl::Time now);

  // It serves again.
  void Forget(const std::shared_ptr<const ServingModel>& model);

  // Frees those that nobody else holds.
  void FreeUnused();

  bool empty() const { return models_.empty(); }
  size_t size() const { return models_.size(); }
  // How long the oldest has been here, `but` this one, which may be null; zero
  // if there is none.
  absl::Duration OldestAge(absl::Time now, const ServingModel* but) const;

 private:
  struct Retired {
    std::shared_ptr<const ServingModel> model;
    absl::Time since;
  };
  std::vector<Retired> models_;  // oldest first
};

}  // namespace taud::server

#endif  // TAUD_SERVER_LIFECYCLE_RETIRED_MODELS_H_
