#include "trainer/cuda/cuda_light_gcn.h"

#include "absl/strings/str_cat.h"
#include "trainer/cuda/cuda_mf.h"

#ifdef TAUD_CUDA
#include <algorithm>
#include <cmath>
#include <random>
#include <utility>
#include <vector>

#include "device/cuda_memory.h"
#include "trainer/cuda/gpu_step.h"
#include "trainer/cuda/graph_kernels.h"
#include "trainer/graph/interaction_graph.h"
#include "trainer/kernels/sparse_rows.h"
#include "trainer/kernels/vector_kernels.h"
#include "trainer/offline/starting_rows.h"
#include "trainer/temperature/moments.h"
#endif

namespace taud::trainer {

bool FitsCudaLearner(const OfflineFitOptions& options) {
  return CpuLearnerTakes(options) && FitsCudaMf(options.dim) &&
         (options.backbone == Backbone::kMf ||
          options.backbone == Backbone::kLightGcn);
}

#ifdef TAUD_CUDA
namespace {

using device::DeviceArray;

class CudaLightGcn final : public OfflineLearner {
 public:
  CudaLightGcn(const OfflineFitOptions& options, const model::ItemLists& train,
               uint32_t num_items, int ordinal)
      : dim_(options.dim),
        layers_(options.layers),
        rank_by_norm_(options.rank == RankBy::kInnerProduct),
        users_(static_cast<uint32_t>(train.size())),
        items_(num_items),
        stream_(ordinal),
        step_(&stream_, options.dim),
        begin_(&stream_),
        columns_(&stream_),
        values_(&stream_),
        long_rows_(&stream_),
        rows_(&stream_, Values()),
        moment1_(&stream_, Values()),
        moment2_(&stream_, Values()),
        gradient_(&stream_, Values()),
        units_(&stream_, Values()),
        norms_(&stream_, Rows()),
        representation_gradient_(&stream_, Values()),
        scratch_{DeviceArray<float>(&stream_, Values()),
                 DeviceArray<float>(&stream_, Values())},
        touched_(&stream_, Rows()),
        scale_(&stream_, 1),
        squares_(&stream_, kScaleBlocks) {
    UploadGraph(train);
    StartRows(train, options.seed);
    moment1_.Clear(0, Values());
    moment2_.Clear(0, Values());
    stream_.Wait();
  }

  bool waits_for_device() const override { return true; }

  void Step(const SsmBatch& batch, float rate, MfStepResult* result) override;

  CosineMoments Moments(const std::vector<uint32_t>& pair_users,
                        const std::vector<uint32_t>& pair_items) override {
    std::vector<float> units, norms;
    Representations(&units, &norms);
    const auto trained = [&](uint32_t begin, uint32_t end) {
      return static_cast<size_t>(
          std::count_if(norms.begin() + begin, norms.begin() + end,
                        [](float norm) { return norm > 0; }));
    };
    return ComputeMoments(dim_, {units.data(), users_, trained(0, users_)},
                          {units.data() + size_t{users_} * Width(), items_,
                           trained(users_, users_ + items_)},
                          pair_users, pair_items);
  }

  model::Matrix Users() const override { return Ranked(0, users_); }
  model::Matrix Items() const override { return Ranked(users_, items_); }
  std::vector<float> ItemNorms() const override {
    std::vector<float> units, norms;
    const float scale = Representations(&units, &norms);
    norms.erase(norms.begin(), norms.begin() + users_);
    for (float& norm : norms) norm *= scale;
    return norms;
  }

 private:
  size_t Width() const { return static_cast<size_t>(dim_); }
  size_t Rows() const { return size_t{users_} + items_; }
  size_t Values() const { return Rows() * Width(); }

  void UploadGraph(const model::ItemLists& train);
  // Random unit rows for those who take part, as MakeCpuLearner's.
  void StartRows(const model::ItemLists& train, uint64_t seed);
  // y = (x + Â x + … + Â^K x) / (K + 1), see the CPU's LightGcn.
  void Propagate(const float* x, const uint8_t* nonzero, const uint8_t* wanted,
                 float* y) const;
  // All representations, as unit rows and norms; returns their scale.
  float Representations(std::vector<float>* units,
                        std::vector<float>* norms) const;
  model::Matrix Ranked(uint32_t begin, uint32_t count) const;

  const int dim_;
  const int layers_;
  const bool rank_by_norm_;
  const uint32_t users_, items_;
  const device::Stream stream_;
  GpuStep step_;

  GpuGraph graph_;  // points to the four arrays
  DeviceArray<uint32_t> begin_, columns_;
  DeviceArray<float> values_;
  DeviceArray<uint32_t> long_rows_;

  // E is scale_ · rows_ [users + items × dim], as the CPU's.
  DeviceArray<float> rows_, moment1_, moment2_, gradient_;
  DeviceArray<float> units_;  // [users + items × dim]
  DeviceArray<float> norms_;  // [users + items]
  DeviceArray<float> representation_gradient_;
  DeviceArray<float> scratch_[2];
  DeviceArray<uint8_t> touched_;  // [users + items]
  DeviceArray<float> scale_;      // [1]
  DeviceArray<double> squares_;
  double started_ = 0;  // rows of E that take part
  int64_t steps_ = 0;
};

void CudaLightGcn::UploadGraph(const model::ItemLists& train) {
  std::mt19937_64 unused;
  const SparseRows graph(static_cast<int64_t>(Rows()),
                         SymmetricGraph(train, items_, 1.0, &unused));
  std::vector<uint32_t> begin(graph.begin().begin(), graph.begin().end());
  std::vector<uint32_t> long_rows;
  for (uint32_t r = 0; r < Rows(); ++r) {
    if (begin[r + 1] - begin[r] > kLongRow) long_rows.push_back(r);
  }
  begin_.FromHost(begin.data(), begin.size());
  columns_.FromHost(graph.columns().data(), graph.columns().size());
  values_.FromHost(graph.values().data(), graph.values().size());
  long_rows_.FromHost(long_rows.data(), long_rows.size());
  stream_.Wait();
  graph_.rows = static_cast<uint32_t>(Rows());
  graph_.begin = begin_.data();
  graph_.columns = columns_.data();
  graph_.values = values_.data();
  graph_.long_rows = long_rows_.data();
  graph_.num_long = static_cast<uint32_t>(long_rows.size());
}

void CudaLightGcn::StartRows(const model::ItemLists& train, uint64_t seed) {
  TakingPart taking = WhoTakesPart(train, items_);
  std::vector<bool>& takes_part = taking.users;  // then the items'
  takes_part.insert(takes_part.end(), taking.items.begin(), taking.items.end());
  std::mt19937_64 random = StartingRandom(seed);
  const std::vector<float> rows =
      DrawUnitRows(takes_part, Width(), &random).values;
  started_ = static_cast<double>(
      std::count(takes_part.begin(), takes_part.end(), true));
  const float one = 1;
  rows_.FromHost(rows.data(), rows.size());
  scale_.FromHost(&one, 1);
  stream_.Wait();
}

void CudaLightGcn::Propagate(const float* x, const uint8_t* nonzero,
                             const uint8_t* wanted, float* y) const {
  const float* sum = x;
  for (int layer = 1; layer <= layers_; ++layer) {
    const bool last = layer == layers_;
    GpuProduct product;
    product.x = sum;
    product.base = x;
    product.nonzero = layer == 1 ? nonzero : nullptr;
    product.wanted = last ? wanted : nullptr;
    product.scale = last ? 1.0f / static_cast<float>(layers_ + 1) : 1.0f;
    float* const to = last ? y : scratch_[layer % 2].data();
    Multiply(graph_, product, dim_, to, stream_.get());
    sum = to;
  }
}

void CudaLightGcn::Step(const SsmBatch& batch, float rate,
                        MfStepResult* result) {
  device::UseGpu(stream_.ordinal());
  const cudaStream_t stream = stream_.get();
  step_.Send(batch, users_, items_, nullptr, nullptr, result);
  const GpuBatch& sent = step_.batch();
  touched_.Clear(0, Rows());
  representation_gradient_.Clear(0, Values());
  MarkRows(sent.users, sent.rows, 0, touched_.data(), stream);
  MarkRows(sent.positives, sent.rows, users_, touched_.data(), stream);
  MarkRows(sent.negative_items, sent.negatives, users_, touched_.data(),
           stream);
  Propagate(rows_.data(), nullptr, touched_.data(), units_.data());
  NormaliseRows(graph_.rows, touched_.data(), dim_, units_.data(),
                norms_.data(), stream);

  GpuTable user_units, item_units;
  user_units.values = units_.data();
  item_units.values = units_.data() + size_t{users_} * Width();
  ComputeGradients(user_units, item_units, sent, stream);
  GpuRepresentations all;
  all.users = users_;
  all.units = units_.data();
  all.norms = norms_.data();
  all.scale = scale_.data();
  all.share = 1.0f / static_cast<float>(batch.rows());
  all.gradients = representation_gradient_.data();
  all.failed = step_.counter();
  CollectGradients(all, sent, step_.user_moves(), step_.item_moves(), stream);
  Propagate(representation_gradient_.data(), touched_.data(), nullptr,
            gradient_.data());

  const double t = static_cast<double>(steps_ + 1);
  const AdamStep constants;
  GpuAdam adam;
  adam.count = Values();
  adam.rate =
      static_cast<float>(rate / (1.0 - std::pow(double{constants.beta1}, t)));
  adam.correction2 =
      static_cast<float>(1.0 / (1.0 - std::pow(double{constants.beta2}, t)));
  adam.started = started_;
  adam.gradient = gradient_.data();
  adam.values = rows_.data();
  adam.moment1 = moment1_.data();
  adam.moment2 = moment2_.data();
  adam.scale = scale_.data();
  adam.failed = step_.counter();
  adam.squares = squares_.data();
  MoveFree(adam, stream);
  device::CheckLaunch("a step of learning");
  step_.Receive(result);
  // The counter says whether the step was kept back, the whole of it.
  if (result->kept_back != 0) {
    result->kept_back = batch.rows();
  } else {
    ++steps_;
  }
}

float CudaLightGcn::Representations(std::vector<float>* units,
                                    std::vector<float>* norms) const {
  device::UseGpu(stream_.ordinal());
  Propagate(rows_.data(), nullptr, nullptr, units_.data());
  NormaliseRows(graph_.rows, nullptr, dim_, units_.data(), norms_.data(),
                stream_.get());
  device::CheckLaunch("propagating");
  units->resize(Values());
  norms->resize(Rows());
  float scale = 1;
  units_.ToHost(units->data(), units->size());
  norms_.ToHost(norms->data(), norms->size());
  scale_.ToHost(&scale, 1);
  stream_.Wait();
  return scale;
}

model::Matrix CudaLightGcn::Ranked(uint32_t begin, uint32_t count) const {
  std::vector<float> units, norms;
  const float scale = Representations(&units, &norms);
  model::Matrix matrix(count, Width());
  std::copy_n(units.begin() + begin * Width(), count * Width(),
              matrix.values.begin());
  if (!rank_by_norm_) return matrix;
  for (uint32_t r = 0; r < count; ++r) {
    const float norm = norms[begin + r] * scale;
    for (size_t c = 0; c < Width(); ++c) matrix.Row(r)[c] *= norm;
  }
  return matrix;
}

}  // namespace
#endif  // TAUD_CUDA

absl::StatusOr<std::unique_ptr<OfflineLearner>> MakeCudaLearner(
    const OfflineFitOptions& options, const model::ItemLists& train,
    uint32_t num_items, int ordinal) {
  if (options.backbone == Backbone::kMf) {
    auto learner = MakeCudaMf(options.dim, ordinal);
    if (!learner.ok()) return learner.status();
    return MakeMfOfflineLearner(options, train, num_items, *std::move(learner));
  }
#ifdef TAUD_CUDA
  const absl::Status there = device::CheckGpu(ordinal);
  if (!there.ok()) return there;
  try {
    return std::make_unique<CudaLightGcn>(options, train, num_items, ordinal);
  } catch (const device::CudaError& error) {
    return device::ToStatus(error, absl::StrCat("learning on cuda:", ordinal),
                            absl::StatusCode::kUnavailable);
  }
#else
  return absl::UnavailableError("this program was built without CUDA");
#endif
}

}  // namespace taud::trainer
