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

Stream::Stream(int ordinal) : ordinal_(ordinal) {
  UseGpu(ordinal);
  Check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking),
        "making a stream");
}

Stream::~Stream() {
  if (stream_ != nullptr) (void)cudaStreamDestroy(stream_);
}

}  // namespace taud::device
