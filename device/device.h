#ifndef TAUD_DEVICE_DEVICE_H_
#define TAUD_DEVICE_DEVICE_H_

#include <stdexcept>
#include <string>

#include "absl/status/statusor.h"

// Which processor does the arithmetic. Nothing here includes CUDA, and all of
// it works in a program that was built without it.

namespace taud::device {

// A GPU failed, or has no memory left. What was on it may be lost.
class DeviceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What a configuration asks for.
struct Wish {
  enum class Kind { kAuto, kCpu, kCuda };
  Kind kind = Kind::kAuto;
  int ordinal = 0;  // of kCuda
};

// What it gets.
struct Place {
  bool is_cuda = false;
  int ordinal = 0;
};

// "cpu", "cuda:0".
std::string ToString(const Place& place);

// "auto", "cpu", "cuda", "cuda:N" with N from 0 to 63; INVALID_ARGUMENT
// otherwise, naming `field` and the name. Pure.
absl::StatusOr<Wish> ParseWish(const std::string& field,
                               const std::string& name);

// How many GPUs there are; 0 in a program built without CUDA, without a
// driver, or where the driver reports an error. Never ends the process. Any
// thread. Asks the driver each time, so that a GPU that comes back is seen.
int NumGpus();
// Why NumGpus() is 0, for people: "this program was built without CUDA",
// "no CUDA driver", … Empty if it is not.
std::string WhyNoGpu();

// UNAVAILABLE, with the reason, if there is no GPU `ordinal`.
absl::Status CheckGpu(int ordinal);

// kAuto is the first GPU if there is one and the CPU if not; kCuda is
// UNAVAILABLE, naming `field` and the reason, if that GPU is not there.
absl::StatusOr<Place> Resolve(const std::string& field, const Wish& wish);

}  // namespace taud::device

#endif  // TAUD_DEVICE_DEVICE_H_
