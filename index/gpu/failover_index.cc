#include "index/gpu/failover_index.h"

#include <atomic>
#include <utility>

#include "absl/base/call_once.h"

namespace taud::index {
namespace {

class FailoverIndex : public SearchIndex {
 public:
  FailoverIndex(const model::Snapshot& snapshot,
                std::unique_ptr<SearchIndex> gpu,
                std::function<void(const absl::Status&)> on_error)
      : snapshot_(&snapshot),
        gpu_(std::move(gpu)),
        on_error_(std::move(on_error)) {}

  absl::Status Search(absl::Span<const Query> queries,
                      std::vector<std::vector<Hit>>* results) const override {
    if (!failed_.load(std::memory_order_acquire)) {
      absl::Status status = gpu_->Search(queries, results);
      if (!absl::IsUnavailable(status) && !absl::IsInternal(status)) {
        return status;
      }
      if (!failed_.exchange(true) && on_error_ != nullptr) on_error_(status);
    }
    // Whoever comes while it is built waits, and is answered.
    absl::call_once(built_, [this] { cpu_ = BuildQuantisedIndex(*snapshot_); });
    if (!cpu_.ok()) return cpu_.status();
    return (*cpu_)->Search(queries, results);
  }

  std::string device() const override {
    return failed_.load() ? "cpu" : gpu_->device();
  }
  IndexReport report() const override { return gpu_->report(); }
  size_t size() const override { return gpu_->size(); }
  size_t dim() const override { return gpu_->dim(); }

 private:
  const model::Snapshot* const snapshot_;
  const std::unique_ptr<SearchIndex> gpu_;
  const std::function<void(const absl::Status&)> on_error_;
  mutable std::atomic<bool> failed_{false};
  mutable absl::once_flag built_;
  // Written once, under built_.
  mutable absl::StatusOr<std::unique_ptr<SearchIndex>> cpu_ = nullptr;
};

}  // namespace

std::unique_ptr<SearchIndex> MakeFailoverIndex(
    const model::Snapshot& snapshot, std::unique_ptr<SearchIndex> gpu,
    std::function<void(const absl::Status&)> on_error) {
  return std::make_unique<FailoverIndex>(snapshot, std::move(gpu),
                                         std::move(on_error));
}

}  // namespace taud::index
