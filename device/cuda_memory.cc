#include "device/cuda_memory.h"

#include <cstdint>

namespace taud::device {

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
