#ifndef TAUD_DEVICE_CUDA_MEMORY_H_
#define TAUD_DEVICE_CUDA_MEMORY_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "device/device.h"

// Owners of what CUDA hands out. For the .cc files of rooms that use a GPU, in
// a program built with CUDA. Everything throws CudaError; whoever offers a
// Status to other rooms catches it.

namespace taud::device {

class CudaError : public DeviceError {
 public:
  CudaError(cudaError_t code, const char* what)
      : DeviceError(std::string(what) + ": " + cudaGetErrorString(code)),
        code_(code) {}
  cudaError_t code() const { return code_; }
  bool out_of_memory() const { return code_ == cudaErrorMemoryAllocation; }

 private:
  const cudaError_t code_;
};

// The error as other rooms are told it: `what` says what was tried.
// RESOURCE_EXHAUSTED if the GPU's memory is too small, else `otherwise`.
absl::Status ToStatus(const CudaError& error, absl::string_view what,
                      absl::StatusCode otherwise);

// Throws if `error` is one. `what` says what was tried.
inline void Check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  (void)cudaGetLastError();  // the next check is about the next call
  throw CudaError(error, what);
}
// What the last launch of a kernel says.
inline void CheckLaunch(const char* kernel) {
  Check(cudaGetLastError(), kernel);
}

// Makes `ordinal` the calling thread's GPU. CUDA keeps that per thread.
inline void UseGpu(int ordinal) {
  Check(cudaSetDevice(ordinal), "choosing the GPU");
}

// Lets the driver keep what is freed for the next allocation of this process:
// an index and its successor then share memory without asking the driver.
void KeepFreedMemory(int ordinal);

// Work in order, apart from that of other streams. One thread at a time.
class Stream {
 public:
  // kLow gives way to kHigh where both have work.
  enum class Priority { kLow, kHigh };
  explicit Stream(int ordinal, Priority priority = Priority::kLow);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  cudaStream_t get() const { return stream_; }
  int ordinal() const { return ordinal_; }
  // Waits until all is done, and throws what went wrong in it.
  void Wait() const {
    Check(cudaStreamSynchronize(stream_), "waiting for the GPU");
  }

 private:
  const int ordinal_;
  cudaStream_t stream_ = nullptr;
};

// A point in a stream's work that can be waited for.
class Event {
 public:
  Event() {
    Check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming),
          "making an event");
  }
  ~Event() {
    if (event_ != nullptr) (void)cudaEventDestroy(event_);
  }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void Record(const Stream& stream) {
    Check(cudaEventRecord(event_, stream.get()), "recording an event");
  }
  // Waits until what was recorded is done, and throws what went wrong.
  void Wait() const {
    Check(cudaEventSynchronize(event_), "waiting for the GPU");
  }

 private:
  cudaEvent_t event_ = nullptr;
};

// Memory of the GPU, allocated and freed in the order of a stream, which must
// outlive it. Its content is undefined after Reserve grew it.
template <typename T>
class DeviceArray {
 public:
  explicit DeviceArray(const Stream* stream) : stream_(stream) {}
  DeviceArray(const Stream* stream, size_t count) : stream_(stream) {
    Reserve(count);
  }
  ~DeviceArray() { Free(); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  DeviceArray(DeviceArray&& other) noexcept
      : stream_(other.stream_),
        data_(std::exchange(other.data_, nullptr)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  DeviceArray& operator=(DeviceArray&& other) noexcept {
    std::swap(stream_, other.stream_);
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }

  T* data() const { return data_; }
  size_t capacity() const { return capacity_; }
  size_t bytes() const { return capacity_ * sizeof(T); }

  // Room for `count` values at least; what there was is lost if it grows.
  void Reserve(size_t count) {
    if (count <= capacity_) return;
    Free();
    void* data = nullptr;
    Check(cudaMallocAsync(&data, count * sizeof(T), stream_->get()),
          "allocating memory of the GPU");
    data_ = static_cast<T*>(data);
    capacity_ = count;
  }
  void FromHost(const T* values, size_t count) {
    Reserve(count);
    if (count == 0) return;
    Check(cudaMemcpyAsync(data_, values, count * sizeof(T),
                          cudaMemcpyHostToDevice, stream_->get()),
          "copying to the GPU");
  }
  void ToHost(T* values, size_t count) const {
    if (count == 0) return;
    Check(cudaMemcpyAsync(values, data_, count * sizeof(T),
                          cudaMemcpyDeviceToHost, stream_->get()),
          "copying from the GPU");
  }
  void Clear(size_t begin, size_t count) {
    if (count == 0) return;
    Check(cudaMemsetAsync(data_ + begin, 0, count * sizeof(T), stream_->get()),
          "clearing memory of the GPU");
  }

 private:
  void Free() {
    // An error here says that the GPU is lost, which the next call reports.
    if (data_ != nullptr) (void)cudaFreeAsync(data_, stream_->get());
    data_ = nullptr;
    capacity_ = 0;
  }

  const Stream* stream_;
  T* data_ = nullptr;
  size_t capacity_ = 0;
};

// Memory of the host that the GPU reads and writes directly.
template <typename T>
class PinnedArray {
 public:
  PinnedArray() = default;
  ~PinnedArray() { Free(); }
  PinnedArray(const PinnedArray&) = delete;
  PinnedArray& operator=(const PinnedArray&) = delete;

  T* data() const { return data_; }
  // REQUIRES: no copy of the present content is under way.
  void Reserve(size_t count) {
    if (count <= capacity_) return;
    Free();
    const size_t wanted = count + count / 2;
    void* data = nullptr;
    Check(cudaMallocHost(&data, wanted * sizeof(T)),
          "allocating pinned memory");
    data_ = static_cast<T*>(data);
    capacity_ = wanted;
  }

 private:
  void Free() {
    if (data_ != nullptr) (void)cudaFreeHost(data_);
    data_ = nullptr;
    capacity_ = 0;
  }

  T* data_ = nullptr;
  size_t capacity_ = 0;
};

}  // namespace taud::device

#endif  // TAUD_DEVICE_CUDA_MEMORY_H_
