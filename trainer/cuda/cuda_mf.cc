#include "trainer/cuda/cuda_mf.h"

#include "absl/strings/str_cat.h"
#include "device/device.h"

#ifndef TAUD_CUDA

namespace taud::trainer {

bool FitsCudaMf(int) { return false; }

absl::StatusOr<std::unique_ptr<MfLearner>> MakeCudaMf(int, int) {
  return absl::UnavailableError("this program was built without CUDA");
}

}  // namespace taud::trainer

#else

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

#include "device/cuda_memory.h"
#include "trainer/cuda/gpu_step.h"
#include "trainer/cuda/mf_kernels.h"

namespace taud::trainer {
namespace {

using device::DeviceArray;

// The rows of one side on the GPU.
class Table {
 public:
  Table(const device::Stream* stream, int dim)
      : stream_(stream),
        dim_(static_cast<size_t>(dim)),
        values_(stream),
        moment1_(stream),
        moment2_(stream),
        updates_(stream) {}

  size_t rows() const { return rows_; }
  GpuTable gpu() const {
    return {values_.data(), moment1_.data(), moment2_.data(), updates_.data()};
  }
  const DeviceArray<float>& values() const { return values_; }

  void Grow(size_t rows) {
    if (rows <= rows_) return;
    if (rows > updates_.capacity()) {
      const size_t capacity = std::max(rows, 2 * updates_.capacity());
      Enlarge(capacity * dim_, rows_ * dim_, &values_);
      Enlarge(capacity * dim_, rows_ * dim_, &moment1_);
      Enlarge(capacity * dim_, rows_ * dim_, &moment2_);
      Enlarge(capacity, rows_, &updates_);
    }
    const size_t more = rows - rows_;
    values_.Clear(rows_ * dim_, more * dim_);
    moment1_.Clear(rows_ * dim_, more * dim_);
    moment2_.Clear(rows_ * dim_, more * dim_);
    updates_.Clear(rows_, more);
    rows_ = rows;
  }

  void Export(MfTable* table) const {
    table->values.resize(rows_ * dim_);
    table->moment1.resize(rows_ * dim_);
    table->moment2.resize(rows_ * dim_);
    table->updates.resize(rows_);
    values_.ToHost(table->values.data(), table->values.size());
    moment1_.ToHost(table->moment1.data(), table->moment1.size());
    moment2_.ToHost(table->moment2.data(), table->moment2.size());
    updates_.ToHost(table->updates.data(), table->updates.size());
    stream_->Wait();
  }

  void Import(const MfTable& table) {
    rows_ = table.updates.size();
    values_.FromHost(table.values.data(), table.values.size());
    moment1_.FromHost(table.moment1.data(), table.moment1.size());
    moment2_.FromHost(table.moment2.data(), table.moment2.size());
    updates_.FromHost(table.updates.data(), table.updates.size());
    stream_->Wait();
  }

 private:
  template <typename T>
  void Enlarge(size_t capacity, size_t used, DeviceArray<T>* array) {
    DeviceArray<T> larger(stream_, capacity);
    if (used > 0) {
      device::Check(
          cudaMemcpyAsync(larger.data(), array->data(), used * sizeof(T),
                          cudaMemcpyDeviceToDevice, stream_->get()),
          "growing a table");
    }
    std::swap(*array, larger);
  }

  const device::Stream* const stream_;
  const size_t dim_;
  size_t rows_ = 0;
  DeviceArray<float> values_, moment1_, moment2_;  // [capacity × dim]
  DeviceArray<uint32_t> updates_;                  // [capacity]
};

class CudaMf final : public MfLearner {
 public:
  CudaMf(int dim, int ordinal)
      : dim_(dim),
        stream_(ordinal),
        users_(&stream_, dim),
        items_(&stream_, dim),
        corrections_(&stream_, 2 * (kCorrectedSteps + 1)),
        step_(&stream_, dim),
        rows_(&stream_),
        values_(&stream_),
        flags_(&stream_) {
    device::KeepFreedMemory(ordinal);
    std::vector<float> corrections(2 * (kCorrectedSteps + 1));
    FillCorrections(corrections.data());
    corrections_.FromHost(corrections.data(), corrections.size());
    stream_.Wait();
  }

  int dim() const override { return dim_; }
  size_t rows(Side side) const override { return TableOf(side).rows(); }
  bool waits_for_device() const override { return true; }

  void Grow(size_t users, size_t items) override {
    Use();
    users_.Grow(users);
    items_.Grow(items);
  }

  void SetRows(Side side, const std::vector<uint32_t>& rows,
               const float* values) override {
    if (rows.empty()) return;
    Use();
    rows_.FromHost(rows.data(), rows.size());
    values_.FromHost(values, rows.size() * Width());
    ScatterRows(rows_.data(), static_cast<uint32_t>(rows.size()),
                values_.data(), dim_, TableOf(side).gpu(), stream_.get());
    device::CheckLaunch("setting rows");
    stream_.Wait();
  }

  void GetRows(Side side, const std::vector<uint32_t>& rows,
               float* values) const override {
    if (rows.empty()) return;
    Use();
    rows_.FromHost(rows.data(), rows.size());
    values_.Reserve(rows.size() * Width());
    GatherRows(rows_.data(), static_cast<uint32_t>(rows.size()),
               TableOf(side).gpu(), dim_, values_.data(), stream_.get());
    device::CheckLaunch("getting rows");
    values_.ToHost(values, rows.size() * Width());
    stream_.Wait();
  }

  void GetAllRows(Side side, float* values) const override {
    Use();
    const Table& table = TableOf(side);
    table.values().ToHost(values, table.rows() * Width());
    stream_.Wait();
  }

  void Step(const SsmBatch& batch, const std::vector<float>& user_rates,
            const std::vector<float>& item_rates,
            MfStepResult* result) override;

  CosineMoments Moments(size_t trained_users, size_t trained_items,
                        const std::vector<uint32_t>& pair_users,
                        const std::vector<uint32_t>& pair_items) override;

  void Export(Side side, MfTable* table) const override {
    Use();
    TableOf(side).Export(table);
  }
  void Import(Side side, const MfTable& table) override {
    Use();
    (side == Side::kUsers ? users_ : items_).Import(table);
  }

  std::vector<uint32_t> NonFiniteRows(Side side) const override {
    Use();
    const Table& table = TableOf(side);
    std::vector<uint32_t> found;
    if (table.rows() == 0) return found;
    flags_.Reserve(table.rows());
    FlagNonFinite(table.values().data(), table.rows(), dim_, flags_.data(),
                  stream_.get());
    device::CheckLaunch("looking for values that are not finite");
    std::vector<uint8_t> flags(table.rows());
    flags_.ToHost(flags.data(), flags.size());
    stream_.Wait();
    for (uint32_t row = 0; row < flags.size(); ++row) {
      if (flags[row] != 0) found.push_back(row);
    }
    return found;
  }

 private:
  size_t Width() const { return static_cast<size_t>(dim_); }
  const Table& TableOf(Side side) const {
    return side == Side::kUsers ? users_ : items_;
  }
  void Use() const { device::UseGpu(stream_.ordinal()); }

  const int dim_;
  const device::Stream stream_;
  Table users_, items_;
  DeviceArray<float> corrections_;

  GpuStep step_;

  // Scratch of the other methods, which a const one may use.
  mutable DeviceArray<uint32_t> rows_;
  mutable DeviceArray<float> values_;
  mutable DeviceArray<uint8_t> flags_;
};

void CudaMf::Step(const SsmBatch& batch, const std::vector<float>& user_rates,
                  const std::vector<float>& item_rates, MfStepResult* result) {
  Use();
  step_.Send(batch, users_.rows(), items_.rows(), &user_rates, &item_rates,
             result);
  ComputeGradients(users_.gpu(), items_.gpu(), step_.batch(), stream_.get());
  MoveUsers(users_.gpu(), items_.gpu(), step_.batch(), step_.user_moves(),
            corrections_.data(), step_.counter(), stream_.get());
  MoveItems(items_.gpu(), step_.batch(), step_.item_moves(),
            corrections_.data(), step_.counter(), stream_.get());
  device::CheckLaunch("a step of learning");
  step_.Receive(result);
}

CosineMoments CudaMf::Moments(size_t trained_users, size_t trained_items,
                              const std::vector<uint32_t>& pair_users,
                              const std::vector<uint32_t>& pair_items) {
  Use();
  CosineMoments moments;
  const size_t width = Width() + Width() * Width();
  const auto sums_of = [&](const Table& table) {
    std::vector<float> parts(kMomentBlocks * width);
    values_.Reserve(parts.size());
    SumMoments(table.values().data(), table.rows(), dim_, values_.data(),
               stream_.get());
    device::CheckLaunch("summing moments");
    values_.ToHost(parts.data(), parts.size());
    stream_.Wait();
    std::vector<double> sums(width, 0.0);
    for (size_t i = 0; i < parts.size(); ++i) sums[i % width] += parts[i];
    return sums;
  };
  if (trained_users > 0 && trained_items > 0) {
    const double all =
        static_cast<double>(trained_users) * static_cast<double>(trained_items);
    const std::vector<double> users = sums_of(users_);
    const std::vector<double> items = sums_of(items_);
    double product = 0;
    double square = 0;
    for (size_t c = 0; c < Width(); ++c) product += users[c] * items[c];
    for (size_t c = Width(); c < width; ++c) square += users[c] * items[c];
    moments.mean = product / all;
    moments.variance = square / all - moments.mean * moments.mean;
  }
  const size_t pairs = pair_users.size();
  if (pairs == 0) return moments;
  rows_.Reserve(2 * pairs);
  std::vector<uint32_t> both = pair_users;
  both.insert(both.end(), pair_items.begin(), pair_items.end());
  rows_.FromHost(both.data(), both.size());
  values_.Reserve(pairs);
  PairCosines(users_.gpu(), items_.gpu(), dim_, rows_.data(),
              rows_.data() + pairs, static_cast<uint32_t>(pairs),
              values_.data(), stream_.get());
  device::CheckLaunch("cosines of pairs");
  std::vector<float> cosines(pairs);
  values_.ToHost(cosines.data(), pairs);
  stream_.Wait();
  double sum = 0;
  double square = 0;
  for (const float f : cosines) {
    sum += f;
    square += double{f} * f;
  }
  const double count = static_cast<double>(pairs);
  moments.positive_mean = sum / count;
  moments.positive_variance =
      square / count - moments.positive_mean * moments.positive_mean;
  return moments;
}

}  // namespace

bool FitsCudaMf(int dim) { return dim >= 1 && dim <= kMaxGpuDim; }

absl::StatusOr<std::unique_ptr<MfLearner>> MakeCudaMf(int dim, int ordinal) {
  if (!FitsCudaMf(dim)) {
    return absl::UnavailableError(absl::StrCat(
        "rows of ", dim, " values are too wide to learn on a GPU, at most ",
        kMaxGpuDim));
  }
  const absl::Status there = device::CheckGpu(ordinal);
  if (!there.ok()) return there;
  try {
    return std::make_unique<CudaMf>(dim, ordinal);
  } catch (const device::CudaError& error) {
    return device::ToStatus(error, absl::StrCat("learning on cuda:", ordinal),
                            absl::StatusCode::kUnavailable);
  }
}

}  // namespace taud::trainer

#endif  // TAUD_CUDA
