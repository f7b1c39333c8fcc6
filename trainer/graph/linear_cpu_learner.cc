#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "model/item_lists.h"
#include "trainer/graph/linear_cpu_backbone.h"
#include "trainer/kernels/blas.h"
#include "trainer/kernels/gradient_rows.h"
#include "trainer/kernels/vector_kernels.h"
#include "trainer/offline/offline_learner.h"
#include "trainer/offline/starting_rows.h"
#include "trainer/temperature/moments.h"

namespace taud::trainer {
namespace {

bool AllFinite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(),
                     [](float x) { return std::isfinite(x); });
}

class LinearCpuLearner final : public OfflineLearner {
 public:
  LinearCpuLearner(const OfflineFitOptions& options,
                   const model::ItemLists& train, uint32_t num_items,
                   WorkerPool* pool)
      : dim_(options.dim),
        rank_by_norm_(options.rank == RankBy::kInnerProduct),
        users_(static_cast<int64_t>(train.size())),
        items_(num_items),
        pool_(pool),
        backbone_(MakeLinearCpuBackbone(options, train, num_items, pool)),
        loss_(options.dim, pool),
        user_gradients_(options.dim),
        item_gradients_(options.dim) {
    UseSingleThreadedBlas();
    StartRows(train, options.seed);
    const size_t values = rows_.size();
    moment1_.assign(values, 0.0f);
    moment2_.assign(values, 0.0f);
    gradient_.resize(values);
    const size_t representations = static_cast<size_t>(users_ + items_);
    units_.resize(representations * dim_);
    norms_.resize(representations);
    representation_gradient_.assign(representations * dim_, 0.0f);
    touched_.assign(representations, 0);
  }

  void Step(const SsmBatch& batch, float rate, MfStepResult* result) override;

  CosineMoments Moments(const std::vector<uint32_t>& pair_users,
                        const std::vector<uint32_t>& pair_items) override {
    ForwardAll();
    const auto trained = [&](int64_t begin, int64_t end) {
      return static_cast<size_t>(
          std::count_if(norms_.begin() + begin, norms_.begin() + end,
                        [](float norm) { return norm > 0; }));
    };
    return ComputeMoments(
        static_cast<int>(dim_),
        {units_.data(), static_cast<size_t>(users_), trained(0, users_)},
        {ItemUnits(), static_cast<size_t>(items_),
         trained(users_, users_ + items_)},
        pair_users, pair_items);
  }

  model::Matrix Users() const override { return Ranked(0, users_); }
  model::Matrix Items() const override { return Ranked(users_, items_); }
  std::vector<float> ItemNorms() const override {
    ForwardAll();
    std::vector<float> norms(norms_.begin() + users_, norms_.end());
    for (float& norm : norms) norm *= scale_;
    return norms;
  }

 private:
  // Random unit rows for those who take part, in the order of AutogradBackbone.
  void StartRows(const model::ItemLists& train, uint64_t seed);
  // Marks the row of R; lists it the first time.
  void Touch(int64_t row) {
    if (touched_[row] != 0) return;
    touched_[row] = 1;
    touched_rows_.push_back(row);
  }
  // From representations in units_ to units.
  void Normalise(int64_t row) const;
  void ForwardAll() const;
  // Takes the gradients on unit rows of R, the first at `offset`, back through
  // the norms to those on R, times `share`. False if they are not finite: then
  // the whole step is kept back.
  bool CollectGradients(const GradientRows& rows, int64_t offset, float share);
  void Move(float rate);

  const float* ItemUnits() const { return &units_[users_ * dim_]; }
  // Rows of R to rank by: unit ones, or as long as they are.
  model::Matrix Ranked(int64_t begin, int64_t count) const;

  const int64_t dim_;
  const bool rank_by_norm_;
  const int64_t users_, items_;
  WorkerPool* const pool_;
  const std::unique_ptr<LinearCpuBackbone> backbone_;
  SsmLoss loss_;

  // E is scale_ · rows_ [parameters × dim]: the cosine does not see a common
  // factor, and rows would grow for ever while the step stays as it is. So the
  // mean square of the norms of E's rows is held at 1.
  std::vector<float> rows_, moment1_, moment2_;
  float scale_ = 1;
  int64_t started_ = 0;  // rows of E that take part
  int64_t steps_ = 0;

  // Of the last forward pass, which const functions repeat.
  mutable std::vector<float> units_;  // [users + items × dim]
  mutable std::vector<float> norms_;  // [users + items], without scale_

  // Of the present step.
  std::vector<uint8_t> touched_;  // [users + items]
  std::vector<int64_t> touched_rows_;
  SsmResult loss_result_;
  GradientRows user_gradients_, item_gradients_;
  std::vector<float> representation_gradient_;  // [users + items × dim], on R
  std::vector<float> gradient_;                 // [parameters × dim], on E
};

void LinearCpuLearner::StartRows(const model::ItemLists& train, uint64_t seed) {
  const TakingPart taking = WhoTakesPart(train, static_cast<uint32_t>(items_));
  // Users, items, and for SVD++ on the user side the items once more.
  std::vector<bool> rows = taking.users;
  while (static_cast<int64_t>(rows.size()) < backbone_->parameters()) {
    rows.insert(rows.end(), taking.items.begin(), taking.items.end());
  }
  std::mt19937_64 random = StartingRandom(seed);
  rows_ = DrawUnitRows(rows, static_cast<size_t>(dim_), &random).values;
  started_ = std::count(rows.begin(), rows.end(), true);
}

void LinearCpuLearner::Normalise(int64_t row) const {
  float* const unit = &units_[row * dim_];
  norms_[row] = std::sqrt(Dot(unit, unit, dim_));
  if (!(norms_[row] > 0)) return;
  const float inverse = 1.0f / norms_[row];
  for (int64_t c = 0; c < dim_; ++c) unit[c] *= inverse;
}

void LinearCpuLearner::ForwardAll() const {
  backbone_->Forward(rows_.data(), nullptr, units_.data());
  for (int64_t r = 0; r < users_ + items_; ++r) Normalise(r);
}

model::Matrix LinearCpuLearner::Ranked(int64_t begin, int64_t count) const {
  ForwardAll();
  model::Matrix matrix(static_cast<size_t>(count), static_cast<size_t>(dim_));
  std::copy_n(&units_[begin * dim_], count * dim_, matrix.values.data());
  if (!rank_by_norm_) return matrix;
  for (int64_t r = 0; r < count; ++r) {
    const float norm = norms_[begin + r] * scale_;
    float* const row = &matrix.values[r * dim_];
    for (int64_t c = 0; c < dim_; ++c) row[c] *= norm;
  }
  return matrix;
}

void LinearCpuLearner::Step(const SsmBatch& batch, float rate,
                            MfStepResult* result) {
  for (const uint32_t user : batch.users) Touch(user);
  for (const uint32_t item : batch.positives) Touch(users_ + item);
  for (const uint32_t item : batch.negatives) Touch(users_ + item);
  backbone_->Forward(rows_.data(), touched_.data(), units_.data());
  for (const int64_t row : touched_rows_) Normalise(row);

  loss_.Compute(units_.data(), ItemUnits(), static_cast<uint32_t>(items_),
                batch, &loss_result_);
  user_gradients_.Reset(static_cast<size_t>(users_));
  user_gradients_.Add(batch.users, loss_result_.user_gradients.data());
  item_gradients_.Reset(static_cast<size_t>(items_));
  item_gradients_.Add(batch.positives, loss_result_.positive_gradients.data());
  item_gradients_.Add(batch.negatives, loss_result_.negative_gradients.data());
  const float share = 1.0f / static_cast<float>(batch.rows());
  const bool finite = AllFinite(loss_result_.losses) &&
                      CollectGradients(user_gradients_, 0, share) &&
                      CollectGradients(item_gradients_, users_, share);
  if (finite) {
    backbone_->Backward(representation_gradient_.data(), touched_.data(),
                        gradient_.data());
    Move(rate);
  }
  for (const int64_t row : touched_rows_) {
    touched_[row] = 0;
    std::fill_n(&representation_gradient_[row * dim_], dim_, 0.0f);
  }
  touched_rows_.clear();

  result->kept_back = finite ? 0 : batch.rows();
  result->false_negatives = loss_result_.false_negatives;
  result->cosines.swap(loss_result_.cosines);
  result->losses.swap(loss_result_.losses);
  result->common_losses.swap(loss_result_.common_losses);
}

bool LinearCpuLearner::CollectGradients(const GradientRows& rows,
                                        int64_t offset, float share) {
  for (size_t i = 0; i < rows.rows().size(); ++i) {
    const int64_t row = offset + rows.rows()[i];
    const float* const unit = &units_[row * dim_];
    const float* const from = rows.Sum(i);
    const float radial = Dot(from, unit, dim_);
    if (!std::isfinite(radial)) return false;
    if (!(norms_[row] > 0)) continue;
    const float factor = share / (norms_[row] * scale_);
    float* const to = &representation_gradient_[row * dim_];
    for (int64_t c = 0; c < dim_; ++c) {
      to[c] = factor * (from[c] - radial * unit[c]);
    }
  }
  return true;
}

void LinearCpuLearner::Move(float rate) {
  ++steps_;
  AdamStep step;
  const double t = static_cast<double>(steps_);
  step.rate = static_cast<float>(rate / (1.0 - std::pow(step.beta1, t)));
  step.correction2 = static_cast<float>(1.0 / (1.0 - std::pow(step.beta2, t)));
  const int64_t values = static_cast<int64_t>(rows_.size());
  std::vector<double> squares(static_cast<size_t>(pool_->workers()), 0.0);
  pool_->Run([&](int worker) {
    for (int64_t r = worker; r * dim_ < values; r += pool_->workers()) {
      squares[worker] +=
          AdamFree(step, scale_, &gradient_[r * dim_], dim_, &rows_[r * dim_],
                   &moment1_[r * dim_], &moment2_[r * dim_]);
    }
  });
  double square = 0;
  for (const double part : squares) square += part;
  scale_ = square > 0 ? static_cast<float>(
                            std::sqrt(static_cast<double>(started_) / square))
                      : 1.0f;
}

}  // namespace

std::unique_ptr<OfflineLearner> MakeCpuLearner(const OfflineFitOptions& options,
                                               const model::ItemLists& train,
                                               uint32_t num_items,
                                               WorkerPool* pool) {
  if (options.backbone == Backbone::kMf) {
    return MakeMfOfflineLearner(options, train, num_items,
                                MakeCpuMf(options.dim, pool));
  }
  return std::make_unique<LinearCpuLearner>(options, train, num_items, pool);
}

}  // namespace taud::trainer
