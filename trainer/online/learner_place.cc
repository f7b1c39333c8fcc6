#include "trainer/online/learner_place.h"

#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "trainer/cuda/cuda_mf.h"

namespace taud::trainer {
namespace {

constexpr char kField[] = "trainer.device";

}  // namespace

absl::StatusOr<std::unique_ptr<LearnerPlace>> LearnerPlace::Create(
    const std::string& device, int dim, int threads, GpuMaker make,
    OnError on_error) {
  const auto wish = device::ParseWish(kField, device);
  if (!wish.ok()) return wish.status();
  device::Place place = {true, wish->ordinal};
  if (make == nullptr) {
    const auto resolved = device::Resolve(kField, *wish);
    if (!resolved.ok()) return resolved.status();
    place = *resolved;
    if (place.is_cuda && !FitsCudaMf(dim) && !TorchHasCuda()) {
      if (wish->kind == device::Wish::Kind::kCuda) {
        return absl::UnavailableError(absl::StrCat(
            kField, " is \"", device, "\", but trainer.dim is ", dim,
            ", wider than our kernels take, and LibTorch is one for the CPU; "
            "\"auto\" takes the CPU then"));
      }
      place = device::Place{};
    }
  }
  return std::unique_ptr<LearnerPlace>(new LearnerPlace(
      *wish, place, dim, threads, std::move(make), std::move(on_error)));
}

LearnerPlace::LearnerPlace(const device::Wish& wish, const device::Place& place,
                           int dim, int threads, GpuMaker make,
                           OnError on_error)
    : wish_(wish),
      dim_(dim),
      threads_(threads),
      make_(std::move(make)),
      on_error_(std::move(on_error)),
      place_(place) {}

std::unique_ptr<MfLearner> LearnerPlace::Make() {
  if (place_.is_cuda) {
    auto learner = MakeOnGpu();
    if (learner.ok()) return *std::move(learner);
    Leave(std::string(learner.status().message()));
  }
  if (pool_ == nullptr) pool_ = std::make_unique<WorkerPool>(threads_);
  return MakeCpuMf(dim_, pool_.get());
}

absl::StatusOr<std::unique_ptr<MfLearner>> LearnerPlace::MakeOnGpu() const {
  if (make_ != nullptr) return make_(dim_);
  if (FitsCudaMf(dim_)) return MakeCudaMf(dim_, place_.ordinal);
  try {
    return MakeTensorMf(dim_, device::ToString(place_));
  } catch (const std::exception& error) {
    return absl::UnavailableError(
        absl::StrCat("LibTorch says: ", error.what()));
  }
}

void LearnerPlace::Note(const std::string& error) {
  retry_.NoteError();
  ++errors_;
  last_error_ = error;
  if (on_error_ != nullptr) on_error_(error);
}

void LearnerPlace::Leave(const std::string& error) {
  place_ = device::Place{};
  Note(error);
}

bool LearnerPlace::TryAgain() {
  if (!retry_.DueAtSnapshot()) return false;
  device::Place place = {true, wish_.ordinal};
  if (make_ == nullptr) {
    const auto resolved = device::Resolve(kField, wish_);
    if (!resolved.ok() || !resolved->is_cuda) {
      Note(resolved.ok() ? device::WhyNoGpu()
                         : std::string(resolved.status().message()));
      return false;
    }
    place = *resolved;
  }
  place_ = place;
  return true;
}

}  // namespace taud::trainer
