#include "bench/faiss_gpu_ranker.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#ifdef TAUD_FAISS_GPU

#include <exception>
#include <map>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "device/device.h"
#include "faiss/gpu/GpuIndexFlat.h"
#include "faiss/gpu/StandardGpuResources.h"

namespace taud::index {
namespace {

// FAISS' own limit on the GPU.
constexpr size_t kMaxDepth = 2048;
// Scratch space of all indexes of a GPU; FAISS' default is 1.5 GiB.
constexpr size_t kScratchBytes = size_t{128} << 20;

// One GPU: one set of resources for all indexes in its memory, and one call at
// a time. Freeing an index while another is filled crashes, too.
struct Gpu {
  absl::Mutex mutex;
  faiss::gpu::StandardGpuResources resources ABSL_GUARDED_BY(mutex);
  Gpu() { resources.setTempMemory(kScratchBytes); }
};

Gpu& TheGpu(int ordinal) {
  static absl::Mutex& mutex = *new absl::Mutex;
  static auto& gpus = *new std::map<int, std::unique_ptr<Gpu>>;
  absl::MutexLock lock(&mutex);
  std::unique_ptr<Gpu>& gpu = gpus[ordinal];
  if (gpu == nullptr) gpu = std::make_unique<Gpu>();
  return *gpu;
}

class FaissGpuRanker : public RowRanker {
 public:
  FaissGpuRanker(const model::Matrix& rows, int ordinal)
      : ordinal_(ordinal), gpu_(TheGpu(ordinal)) {
    absl::MutexLock lock(&gpu_.mutex);
    faiss::gpu::GpuIndexFlatConfig config;
    config.device = ordinal;
    index_.emplace(&gpu_.resources, static_cast<int>(rows.cols), config);
    index_->add(static_cast<int64_t>(rows.rows), rows.values.data());
  }
  ~FaissGpuRanker() override {
    absl::MutexLock lock(&gpu_.mutex);
    index_.reset();
  }

  void Rank(const float* queries, size_t n, size_t depth, float* scores,
            int64_t* rows) const override {
    absl::MutexLock lock(&gpu_.mutex);
    index_->search(static_cast<int64_t>(n), queries,
                   static_cast<int64_t>(depth), scores, rows);
  }
  size_t max_depth() const override { return kMaxDepth; }
  std::string device() const override {
    return device::ToString({true, ordinal_});
  }
  std::string kernel() const override { return "cublas"; }

 private:
  const int ordinal_;
  Gpu& gpu_;
  // Guarded by gpu_.mutex.
  std::optional<faiss::gpu::GpuIndexFlatIP> index_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RowRanker>> MakeFaissGpuRanker(
    const model::Matrix& rows, int ordinal) {
  // FAISS' own question ends the process where the driver is missing.
  const absl::Status there = device::CheckGpu(ordinal);
  if (!there.ok()) return there;
  try {
    return std::make_unique<FaissGpuRanker>(rows, ordinal);
  } catch (const std::exception& e) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the GPU does not take ", rows.rows, " x ", rows.cols, ": ", e.what()));
  }
}

}  // namespace taud::index

#else

namespace taud::index {

absl::StatusOr<std::unique_ptr<RowRanker>> MakeFaissGpuRanker(
    const model::Matrix&, int) {
  return absl::UnavailableError(
      "this program was built with a FAISS that knows no GPU");
}

}  // namespace taud::index

#endif  // TAUD_FAISS_GPU
