#ifndef TAUD_SERVER_SERVING_SERVING_MODEL_H_
#define TAUD_SERVER_SERVING_SERVING_MODEL_H_

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "index/builder/index_builder.h"
#include "model/bitmap.h"
#include "model/snapshot.h"
#include "model/types.h"
#include "query/fold_in.h"
#include "query/fold_in_cache.h"
#include "query/new_items.h"

namespace taud::server {

// One snapshot, ready to answer: everything an answer is computed from, so
// that an answer never mixes two. Immutable but for what is derived from newer
// interactions, which synchronises itself; any thread.
struct ServingModel {
  std::shared_ptr<const model::Snapshot> snapshot;
  std::unique_ptr<const index::SearchIndex> index;
  // Whether the index finds the best of all, and not most of them only.
  bool exact = true;
  // Trained items, most popular first, ties by index.
  std::vector<model::ItemIndex> by_popularity;
  // Items with a vector.
  model::Bitmap trained;
  double build_seconds = 0;
  std::unique_ptr<const query::FoldIn> fold_in;
  // [items] λ · (D / D̄)^p, what the neighbourhood is multiplied by; empty: it
  // says nothing.
  std::vector<float> neighbour_factors;
  // Null: nothing is kept, and new items have no vectors.
  std::unique_ptr<query::FoldInCache> fold_ins;
  std::unique_ptr<query::NewItems> new_items;
};

// The item's row of the snapshot; null if it has no vector.
const float* ItemRow(const ServingModel& model, model::ItemIndex item);

// Of two rows of `dim` floats, within [-1, 1]. Pure.
float Cosine(const float* a, const float* b, size_t dim);

// Builds the index and the popularity order; errors are the index's.
absl::StatusOr<std::shared_ptr<const ServingModel>> BuildServingModel(
    std::shared_ptr<const model::Snapshot> snapshot,
    index::IndexBuilder* builder);

// Holds the model that serves. Thread-safe; Get is a pointer copy under a
// mutex that nobody holds longer than that.
class ServingSlot {
 public:
  // Null while nothing serves.
  std::shared_ptr<const ServingModel> Get() const {
    absl::MutexLock lock(&mutex_);
    return model_;
  }

  // Returns the one that served before, so that the caller decides which
  // thread frees it.
  std::shared_ptr<const ServingModel> Swap(
      std::shared_ptr<const ServingModel> next) {
    absl::MutexLock lock(&mutex_);
    model_.swap(next);
    return next;
  }

 private:
  mutable absl::Mutex mutex_;
  std::shared_ptr<const ServingModel> model_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace taud::server

#endif  // TAUD_SERVER_SERVING_SERVING_MODEL_H_
