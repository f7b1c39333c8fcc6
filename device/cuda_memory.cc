#include "device/cuda_memory.h"

#include <cstdint>

#include "absl/strings/str_cat.h"

namespace taud::device {

absl::Status ToStatus(const CudaError& error, absl::string_view what,
                      absl::StatusCode otherwise) {
  return absl::Status(
      error.out_of_memory() ? absl::StatusCode::kResourceExhausted : otherwise,
      absl::StrCat(what, ": ", error.what()));
}

void KeepFreedMemory(int ordinal) {
  cudaMemPool_t pool = nullptr;
  Check(cudaDeviceGetDefaultMemPool(&pool, ordinal), "finding the memory pool");
  uint64_t keep = ~uint64_t{0};
  Check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep),
        "setting up the memory pool");
}

Stream::Stream(int ordinal, Priority priority) : ordinal_(ordinal) {
  UseGpu(ordinal);
  int lowest = 0;
  int highest = 0;
  Check(cudaDeviceGetStreamPriorityRange(&lowest, &highest),
        "asking for priorities");
  Check(cudaStreamCreateWithPriority(
            &stream_, cudaStreamNonBlocking,
            priority == Priority::kHigh ? highest : lowest),
        "making a stream");
}

Stream::~Stream() {
  if (stream_ != nullptr) (void)cudaStreamDestroy(stream_);
}

}  // namespace taud::device
