#include "device/device.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#ifdef TAUD_CUDA
#include <cuda_runtime_api.h>
#endif

namespace taud::device {
namespace {

constexpr int kMaxOrdinal = 63;

struct Found {
  int gpus = 0;
  std::string reason;
};

Found Look() {
  Found found;
#ifdef TAUD_CUDA
  const cudaError_t error = cudaGetDeviceCount(&found.gpus);
  if (error != cudaSuccess) {
    // Else the next call that checks would find this error and report it.
    (void)cudaGetLastError();
    found.gpus = 0;
    found.reason = absl::StrCat("CUDA says: ", cudaGetErrorString(error));
  } else if (found.gpus == 0) {
    found.reason = "CUDA finds no GPU";
  }
#else
  found.reason = "this program was built without CUDA";
#endif
  return found;
}

}  // namespace

std::string ToString(const Place& place) {
  return place.is_cuda ? absl::StrCat("cuda:", place.ordinal) : "cpu";
}

absl::StatusOr<Wish> ParseWish(const std::string& field,
                               const std::string& name) {
  Wish wish;
  if (name == "auto") return wish;
  wish.kind = Wish::Kind::kCpu;
  if (name == "cpu") return wish;
  wish.kind = Wish::Kind::kCuda;
  if (name == "cuda") return wish;
  absl::string_view number = name;
  if (absl::ConsumePrefix(&number, "cuda:") && !number.empty() &&
      number.size() <= 2 && absl::ascii_isdigit(number[0]) &&
      absl::SimpleAtoi(number, &wish.ordinal) && wish.ordinal <= kMaxOrdinal) {
    return wish;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      field, " is \"", name,
      "\", allowed: auto, cpu, cuda, cuda:N with N from 0 to ", kMaxOrdinal));
}

int NumGpus() { return Look().gpus; }
std::string WhyNoGpu() { return Look().reason; }

absl::Status CheckGpu(int ordinal) {
  const Found found = Look();
  if (ordinal < found.gpus) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(
      "there is no GPU ", ordinal, ": ",
      found.gpus == 0 ? found.reason
                      : absl::StrCat("the last one is ", found.gpus - 1)));
}

absl::StatusOr<Place> Resolve(const std::string& field, const Wish& wish) {
  if (wish.kind == Wish::Kind::kCpu) return Place{};
  const Found found = Look();
  if (wish.kind == Wish::Kind::kAuto) {
    return found.gpus > 0 ? Place{true, 0} : Place{};
  }
  if (wish.ordinal < found.gpus) return Place{true, wish.ordinal};
  return absl::UnavailableError(absl::StrCat(
      field, " asks for cuda:", wish.ordinal, ", but ",
      found.gpus == 0 ? found.reason
                      : absl::StrCat("there are GPUs 0 to ", found.gpus - 1),
      "; \"auto\" takes the CPU where there is no GPU"));
}

}  // namespace taud::device
