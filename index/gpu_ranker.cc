// As thin as possible: what only a GPU can run is not tested without one.

#include "index/gpu_ranker.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#ifdef TAUD_FAISS_GPU

#include <cuda_runtime_api.h>

#include <exception>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "faiss/gpu/GpuIndexFlat.h"
#include "faiss/gpu/StandardGpuResources.h"

namespace taud::index {
namespace {

// FAISS' own limit on the GPU.
constexpr size_t kMaxDepth = 2048;
// Scratch space of all indexes together; FAISS' default is 1.5 GiB.
constexpr size_t kScratchBytes = size_t{128} << 20;

// The GPU: one set of resources for all indexes in memory, and one call at a
// time. Freeing an index while another is filled crashes, too.
struct Gpu {
  absl::Mutex mutex;
  faiss::gpu::StandardGpuResources resources ABSL_GUARDED_BY(mutex);
  Gpu() { resources.setTempMemory(kScratchBytes); }
};

Gpu& TheGpu() {
  static Gpu& gpu = *new Gpu;
  return gpu;
}

class GpuRanker : public RowRanker {
 public:
  explicit GpuRanker(const model::Matrix& rows) {
    absl::MutexLock lock(&TheGpu().mutex);
    faiss::gpu::GpuIndexFlatConfig config;
    config.device = 0;
    index_.emplace(&TheGpu().resources, static_cast<int>(rows.cols), config);
    index_->add(static_cast<int64_t>(rows.rows), rows.values.data());
  }
  ~GpuRanker() override {
    absl::MutexLock lock(&TheGpu().mutex);
    index_.reset();
  }

  void Rank(const float* queries, size_t n, size_t depth, float* scores,
            int64_t* rows) const override {
    absl::MutexLock lock(&TheGpu().mutex);
    index_->search(static_cast<int64_t>(n), queries,
                   static_cast<int64_t>(depth), scores, rows);
  }
  size_t max_depth() const override { return kMaxDepth; }
  std::string device() const override { return "cuda:0"; }
  std::string kernel() const override { return "cublas"; }

 private:
  // Guarded by TheGpu().mutex.
  std::optional<faiss::gpu::GpuIndexFlatIP> index_;
};

}  // namespace

bool HasGpu() {
  // FAISS' own question ends the process where the driver is missing.
  int devices = 0;
  return cudaGetDeviceCount(&devices) == cudaSuccess && devices > 0;
}

absl::StatusOr<std::unique_ptr<RowRanker>> MakeGpuRanker(
    const model::Matrix& rows) {
  if (!HasGpu()) return absl::UnavailableError("CUDA finds no GPU");
  try {
    return std::make_unique<GpuRanker>(rows);
  } catch (const std::exception& e) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the GPU does not take ", rows.rows, " x ", rows.cols, ": ", e.what()));
  }
}

}  // namespace taud::index

#else

namespace taud::index {

bool HasGpu() { return false; }

absl::StatusOr<std::unique_ptr<RowRanker>> MakeGpuRanker(const model::Matrix&) {
  return absl::UnavailableError(
      "this program was built with a FAISS that knows no GPU");
}

}  // namespace taud::index

#endif  // TAUD_FAISS_GPU
