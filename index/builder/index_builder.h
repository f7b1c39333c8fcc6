#ifndef TAUD_INDEX_BUILDER_INDEX_BUILDER_H_
#define TAUD_INDEX_BUILDER_INDEX_BUILDER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "device/device.h"
#include "index/search_index.h"
#include "model/snapshot.h"

namespace taud::index {

enum class IndexKind { kAuto, kFlat, kFlatQuantised, kIvf, kHnsw };

// "auto", "flat", "flat_quantised", "ivf", "hnsw"; INVALID_ARGUMENT otherwise.
absl::StatusOr<IndexKind> ParseIndexKind(const std::string& name);

struct IndexOptions {
  // Where items are searched. It is tried anew for each snapshot: one that the
  // GPU does not take is searched on the CPU, and the next one is offered to
  // the GPU again.
  device::Wish device = {device::Wish::Kind::kCpu, 0};
  // Called when a GPU failed or did not take an index, with what it said; on
  // the builder's thread or a searching one. May be null.
  std::function<void(const absl::Status&)> on_gpu_error;
  // On the CPU; a GPU searches all items exactly.
  IndexKind kind = IndexKind::kAuto;
  // Of the exact best 100; an approximate index that finds less does not serve.
  double min_recall = 0.95;
  // How often a snapshot comes: an index should be built in half of it.
  double publish_seconds = 5;
};

// What kAuto stands for: exact search as long as a lone query takes no longer
// than some milliseconds, or as long as building anything else would take too
// long. Pure.
IndexKind ChooseKind(size_t items, size_t dim, double publish_seconds);

// Builds one index after the other, and carries from each to the next what
// makes that quicker: centroids, and the calibration of the exact paths.
// One thread's.
class IndexBuilder {
 public:
  explicit IndexBuilder(const IndexOptions& options) : options_(options) {}

  // The index of `snapshot`, which must outlive it, warmed: its memory was
  // touched and sampled queries were run. An approximate kind whose recall is
  // too low is replaced by the exact one, and report().reason says so.
  absl::StatusOr<std::unique_ptr<SearchIndex>> Build(
      const model::Snapshot& snapshot);

 private:
  absl::StatusOr<std::unique_ptr<SearchIndex>> BuildKind(
      IndexKind kind, const model::Snapshot& snapshot);
  // Null where no GPU is to be used, or *reason says why it is not.
  std::unique_ptr<SearchIndex> BuildOnGpu(const model::Snapshot& snapshot,
                                          std::string* reason);
  // Which exact path is the quicker one here; measures when the size is new.
  IndexKind CalibratedExact(const model::Snapshot& snapshot);

  const IndexOptions options_;
  model::Matrix centroids_;
  std::vector<PathTiming> timings_;
  size_t calibrated_items_ = 0;
  size_t calibrated_dim_ = 0;
};

}  // namespace taud::index

#endif  // TAUD_INDEX_BUILDER_INDEX_BUILDER_H_
