#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/item_lists.h"
#include "trainer/offline/offline_learner.h"
#include "trainer/sampling/row_negatives.h"
#include "trainer/tensor/autograd_backbone.h"
#include "trainer/tensor/contrast.h"
#include "trainer/tensor/tensor_adam.h"
#include "trainer/tensor/tensor_losses.h"
#include "trainer/tensor/tensor_moments.h"

namespace taud::trainer {
namespace {

// A chunk of rows has so many scores, or so many values of gathered negatives.
constexpr int64_t kChunkValues = 1 << 24;

// Temperatures that are learned move on a log scale at a rate of their own and
// stay in these bounds.
constexpr double kTemperatureRate = 1e-3;
constexpr double kLeastTau = 0.01, kMostTau = 2.0;

bool NormalizesUsers(Normalize normalize) {
  return normalize == Normalize::kBoth || normalize == Normalize::kUser;
}
bool NormalizesItems(Normalize normalize) {
  return normalize == Normalize::kBoth || normalize == Normalize::kItem;
}

// Backbones whose representations are linear in their tables: a cosine does
// not see a common factor of the tables, and their rows would grow for ever
// while the step stays as it is.
bool IsScaleFree(const OfflineFitOptions& options) {
  return options.normalize == Normalize::kBoth &&
         (options.backbone == Backbone::kLightGcn ||
          options.backbone == Backbone::kSvdPpUser ||
          options.backbone == Backbone::kSvdPpItem);
}

int64_t CountExcluded(const RowScores& scores) {
  if (!scores.counts.defined()) return scores.excluded.sum().item<int64_t>();
  const at::Tensor counts = scores.counts.to(at::kDouble);
  return scores.excluded.to(at::kDouble).matmul(counts).sum().item<int64_t>();
}

class AutogradLearner final : public OfflineLearner {
 public:
  AutogradLearner(const OfflineFitOptions& options,
                  const model::ItemLists& train, uint32_t num_items,
                  const at::Device& device, WorkerPool* pool)
      : options_(options),
        device_(device),
        backbone_(MakeBackbone(options, train, num_items, device, pool)),
        contrast_(MakeContrast(options, train, num_items, device, pool)),
        row_negatives_(train, num_items, options.beta, options.seed + 3,
                       options.padding),
        column_of_item_(num_items, -1) {
    for (const at::Tensor& table : backbone_->tables()) {
      table_steps_.emplace_back(table);
    }
    for (const at::Tensor& weight : backbone_->weights()) {
      weight_steps_.emplace_back(weight);
    }
  }

  void StartEpoch() override {
    if (contrast_ != nullptr) contrast_->StartEpoch(backbone_.get());
  }

  void Step(const SsmBatch& batch, float rate, MfStepResult* result) override;

  CosineMoments Moments(const std::vector<uint32_t>& pair_users,
                        const std::vector<uint32_t>& pair_items) override;

  model::Matrix Users() const override {
    return ToMatrix(Ranked(Forward().users, NormalizesUsers(normalize())));
  }
  model::Matrix Items() const override {
    return ToMatrix(Ranked(Forward().items, NormalizesItems(normalize())));
  }
  std::vector<float> ItemNorms() const override {
    return ToVector(Forward().items.norm(2, {1}));
  }

  std::vector<float> LearnedTemperatures() const override {
    if (!log_tau_.defined()) return {};
    c10::NoGradGuard no_grad;
    const at::Tensor tau =
        log_tau_.exp().expand({backbone_->tables()[0].size(0)});
    return ToVector(tau);
  }

 private:
  // The rows' losses, whose gradient goes into that of `users` and `items`;
  // fills in *result. False if one is not finite.
  bool TakeLosses(const SsmBatch& batch, const at::Tensor& users,
                  const at::Tensor& items, MfStepResult* result);
  // Contrast and weight decay, whose gradients need the whole of the forward
  // pass.
  void AddOtherLosses(const SsmBatch& batch, const Representations& forward,
                      at::Tensor* total);
  // The rows of a step whose losses are taken at once.
  struct Chunk {
    const SsmBatch* batch;
    int64_t begin, rows;
  };

  Normalize normalize() const { return options_.normalize; }
  Representations Forward() const {
    c10::NoGradGuard no_grad;
    return backbone_->Forward(/*training=*/false);
  }
  at::Tensor Ranked(const at::Tensor& x, bool as_trained) const {
    const bool unit = options_.rank == RankBy::kCosine ||
                      (options_.rank == RankBy::kAsTrained && as_trained);
    return unit ? UnitRows(x) : x;
  }

  at::Tensor Indices(const uint32_t* rows, int64_t count) const {
    at::Tensor host = at::empty({count}, at::kLong);
    std::copy_n(rows, count, host.data_ptr<int64_t>());
    return host.to(device_);
  }
  at::Tensor Floats(const float* values, int64_t count) const {
    return at::from_blob(const_cast<float*>(values), {count}, at::kFloat)
        .clone()
        .to(device_);
  }
  static std::vector<float> ToVector(const at::Tensor& x) {
    const at::Tensor host = x.to(at::kCPU, at::kFloat).contiguous();
    return {host.data_ptr<float>(), host.data_ptr<float>() + host.numel()};
  }
  static model::Matrix ToMatrix(const at::Tensor& x) {
    model::Matrix matrix(static_cast<size_t>(x.size(0)),
                         static_cast<size_t>(x.size(1)));
    matrix.values = ToVector(x);
    return matrix;
  }

  // Whether the rows of a step share the negatives of the batch.
  bool HasSharedColumns() const {
    return options_.loss == Loss::kSm ||
           options_.source != NegativeSource::kPerRow;
  }
  int64_t RowsAtOnce(int64_t columns, int64_t width) const;
  // Marks what is not to count of `columns`, those of column_of_item_.
  at::Tensor Excluded(const Chunk& chunk, int64_t columns) const;
  // f of the chunk's rows with their positives and negatives.
  RowScores Score(const Chunk& chunk, const at::Tensor& users,
                  const at::Tensor& items, const at::Tensor& columns);
  at::Tensor TausOf(const Chunk& chunk);
  void Move(double rate);
  void KeepScale();

  const OfflineFitOptions options_;
  const at::Device device_;
  const std::unique_ptr<AutogradBackbone> backbone_;
  const std::unique_ptr<ContrastiveLoss> contrast_;
  RowNegatives row_negatives_;
  std::vector<TensorAdam> table_steps_, weight_steps_;
  at::Tensor log_tau_;  // [1] or [users]; undefined if not learned
  std::unique_ptr<TensorAdam> tau_step_;

  // [items] Where an item stands among the shared negatives of the present
  // step, −1 if it does not.
  std::vector<int32_t> column_of_item_;
};

int64_t AutogradLearner::RowsAtOnce(int64_t columns, int64_t width) const {
  const int64_t values = columns > 0 ? columns : options_.negatives * width;
  return std::max<int64_t>(16, kChunkValues / std::max<int64_t>(1, values));
}

at::Tensor AutogradLearner::Excluded(const Chunk& chunk,
                                     int64_t columns) const {
  at::Tensor host = at::zeros({chunk.rows, columns}, at::kBool);
  bool* marks = host.data_ptr<bool>();
  for (int64_t r = chunk.begin; r < chunk.begin + chunk.rows; ++r) {
    const auto mark = [&](uint32_t item) {
      if (column_of_item_[item] >= 0) marks[column_of_item_[item]] = true;
    };
    mark(chunk.batch->positives[r]);
    if (!chunk.batch->known_positives.empty()) {
      for (const uint32_t item : chunk.batch->known_positives[r]) mark(item);
    }
    marks += columns;
  }
  return host.to(device_);
}

RowScores AutogradLearner::Score(const Chunk& chunk, const at::Tensor& users,
                                 const at::Tensor& items,
                                 const at::Tensor& columns) {
  const SsmBatch& batch = *chunk.batch;
  const auto unit = [](const at::Tensor& x, bool normalised) {
    return normalised ? UnitRows(x) : x;
  };
  const bool unit_items = NormalizesItems(normalize());
  at::Tensor user =
      users.index_select(0, Indices(&batch.users[chunk.begin], chunk.rows));
  if (!batch.user_mask.empty() && user.size(1) == options_.dim) {
    const int64_t dim = options_.dim;
    user = user * Floats(&batch.user_mask[chunk.begin * dim], chunk.rows * dim)
                      .view({chunk.rows, dim});
  }
  user = unit(user, NormalizesUsers(normalize()));
  const at::Tensor own = unit(
      items.index_select(0, Indices(&batch.positives[chunk.begin], chunk.rows)),
      unit_items);

  RowScores scores;
  scores.negative_weight = batch.negative_weight;
  scores.positive = (user * own).sum(1);
  if (columns.defined()) {
    scores.negative = user.matmul(columns.t());
    scores.excluded = Excluded(chunk, columns.size(0));
    if (!batch.negative_counts.empty()) {
      scores.counts = Floats(batch.negative_counts.data(), columns.size(0));
    }
    return scores;
  }
  const int64_t each = options_.negatives;
  std::vector<uint32_t> drawn;
  std::vector<uint8_t> known;
  row_negatives_.Draw(&batch.users[chunk.begin], &batch.positives[chunk.begin],
                      chunk.rows, each, options_.leave_out_known, &drawn,
                      &known);
  const at::Tensor gathered =
      unit(items.index_select(0, Indices(drawn.data(), chunk.rows * each)),
           unit_items)
          .view({chunk.rows, each, -1});
  scores.negative = gathered.bmm(user.unsqueeze(2)).squeeze(2);
  scores.excluded = at::from_blob(known.data(), {chunk.rows, each}, at::kByte)
                        .to(at::kBool)
                        .to(device_);
  return scores;
}

at::Tensor AutogradLearner::TausOf(const Chunk& chunk) {
  const SsmBatch& batch = *chunk.batch;
  const bool one = options_.temperature == TemperatureRule::kCTau;
  if (!one && options_.temperature != TemperatureRule::kCuTau) {
    return Floats(&batch.temperatures[chunk.begin], chunk.rows);
  }
  if (!log_tau_.defined()) {
    const int64_t count = one ? 1 : backbone_->tables()[0].size(0);
    log_tau_ = at::full({count}, std::log(batch.temperatures[0]), at::kFloat)
                   .to(device_)
                   .requires_grad_(true);
    tau_step_ = std::make_unique<TensorAdam>(log_tau_);
  }
  if (one) return log_tau_.exp().expand({chunk.rows});
  return log_tau_
      .index_select(0, Indices(&batch.users[chunk.begin], chunk.rows))
      .exp();
}

bool AutogradLearner::TakeLosses(const SsmBatch& batch, const at::Tensor& users,
                                 const at::Tensor& items,
                                 MfStepResult* result) {
  const int64_t rows = batch.rows();
  const double share = 1.0 / static_cast<double>(rows);
  const int64_t shared =
      HasSharedColumns() ? static_cast<int64_t>(batch.negatives.size()) : 0;
  for (int64_t c = 0; c < shared; ++c) {
    column_of_item_[batch.negatives[c]] = static_cast<int32_t>(c);
  }
  const at::Tensor shared_rows =
      shared == 0 ? at::Tensor() : Indices(batch.negatives.data(), shared);
  const bool compares = options_.temperature == TemperatureRule::kAdapTau;

  result->cosines.clear();
  result->losses.clear();
  result->common_losses.assign(static_cast<size_t>(rows), 0.0f);
  result->false_negatives = 0;
  result->kept_back = 0;
  const int64_t step = RowsAtOnce(shared, users.size(1));
  bool finite = true;
  for (int64_t begin = 0; begin < rows; begin += step) {
    const Chunk chunk = {&batch, begin, std::min(step, rows - begin)};
    at::Tensor columns;
    if (shared_rows.defined()) {
      columns = items.index_select(0, shared_rows);
      if (NormalizesItems(normalize())) columns = UnitRows(columns);
    }
    const RowScores scores = Score(chunk, users, items, columns);
    const at::Tensor losses = RowLosses(options_, scores, TausOf(chunk));
    const at::Tensor weights = Floats(&batch.weights[begin], chunk.rows);
    ((losses * weights).sum() * share).backward();

    c10::NoGradGuard no_grad;
    const std::vector<float> values = ToVector(losses.detach());
    finite = finite && std::all_of(values.begin(), values.end(),
                                   [](float x) { return std::isfinite(x); });
    result->losses.insert(result->losses.end(), values.begin(), values.end());
    const std::vector<float> cosines = ToVector(scores.positive.detach());
    result->cosines.insert(result->cosines.end(), cosines.begin(),
                           cosines.end());
    result->false_negatives += CountExcluded(scores);
    if (!compares) continue;
    const RowScores seen = {scores.positive.detach(), scores.negative.detach(),
                            scores.excluded, scores.counts,
                            scores.negative_weight};
    const std::vector<float> common =
        ToVector(CommonLosses(seen, batch.common_temperature));
    std::copy(common.begin(), common.end(),
              result->common_losses.begin() + begin);
  }
  for (int64_t c = 0; c < shared; ++c) column_of_item_[batch.negatives[c]] = -1;
  return finite;
}

void AutogradLearner::AddOtherLosses(const SsmBatch& batch,
                                     const Representations& forward,
                                     at::Tensor* total) {
  if (contrast_ != nullptr) {
    const auto distinct = [&](std::vector<uint32_t> ids) {
      std::sort(ids.begin(), ids.end());
      ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
      return Indices(ids.data(), static_cast<int64_t>(ids.size()));
    };
    *total = *total + options_.contrast_weight *
                          contrast_->Compute(backbone_.get(), forward,
                                             distinct(batch.users),
                                             distinct(batch.positives));
  }
  if (options_.l2 > 0) {
    const int64_t rows = batch.rows();
    const double share = 1.0 / static_cast<double>(rows);
    const auto square = [&](const at::Tensor& table,
                            const std::vector<uint32_t>& ids) {
      return table.index_select(0, Indices(ids.data(), rows)).square().sum();
    };
    *total = *total + 0.5 * options_.l2 * share *
                          (square(backbone_->tables()[0], batch.users) +
                           square(backbone_->tables()[1], batch.positives));
  }
}

void AutogradLearner::Step(const SsmBatch& batch, float rate,
                           MfStepResult* result) {
  const Representations forward = backbone_->Forward(/*training=*/true);
  // The losses are taken chunk by chunk, as if the representations were the
  // parameters; then their gradient goes back through the backbone once.
  at::Tensor users = forward.users.detach().requires_grad_(true);
  at::Tensor items = forward.items.detach().requires_grad_(true);
  bool finite = TakeLosses(batch, users, items, result);
  at::Tensor total = (forward.users * users.grad()).sum() +
                     (forward.items * items.grad()).sum();
  AddOtherLosses(batch, forward, &total);
  total.backward();
  finite = finite && std::isfinite(total.item<double>());
  if (finite) {
    Move(rate);
  } else {
    result->kept_back = batch.rows();
  }
  for (const at::Tensor& table : backbone_->tables()) {
    table.mutable_grad().reset();
  }
  for (const at::Tensor& weight : backbone_->weights()) {
    weight.mutable_grad().reset();
  }
  if (log_tau_.defined()) log_tau_.mutable_grad().reset();
}

void AutogradLearner::Move(double rate) {
  c10::NoGradGuard no_grad;
  const bool on_sphere[] = {NormalizesUsers(normalize()),
                            NormalizesItems(normalize())};
  for (size_t t = 0; t < table_steps_.size(); ++t) {
    const at::Tensor gradient = backbone_->tables()[t].grad();
    if (!gradient.defined()) continue;
    if (backbone_->rows_are_apart()) {
      const at::Tensor rows = (gradient.abs().sum(1) > 0).nonzero().squeeze(1);
      table_steps_[t].StepRows(gradient, rows, rate, on_sphere[t]);
    } else {
      table_steps_[t].Step(gradient, rate);
    }
  }
  for (size_t w = 0; w < weight_steps_.size(); ++w) {
    weight_steps_[w].Step(backbone_->weights()[w].grad(), rate);
  }
  if (log_tau_.defined() && log_tau_.grad().defined()) {
    if (log_tau_.size(0) == 1) {
      tau_step_->Step(log_tau_.grad(), kTemperatureRate);
    } else {
      const at::Tensor rows = (log_tau_.grad() != 0).nonzero().squeeze(1);
      tau_step_->StepRows(log_tau_.grad(), rows, kTemperatureRate, false);
    }
    log_tau_.clamp_(std::log(kLeastTau), std::log(kMostTau));
  }
  if (IsScaleFree(options_)) KeepScale();
}

// Scales all tables by one factor, so that the mean square of their rows'
// norms is 1.
void AutogradLearner::KeepScale() {
  double square = 0;
  int64_t rows = 0;
  for (const at::Tensor& table : backbone_->tables()) {
    const at::Tensor norms = table.square().sum(1);
    square += norms.sum().item<double>();
    rows += (norms > 0).sum().item<int64_t>();
  }
  if (!(square > 0)) return;
  const double factor = std::sqrt(static_cast<double>(rows) / square);
  for (const at::Tensor& table : backbone_->tables()) {
    at::Tensor(table).mul_(factor);
  }
}

CosineMoments AutogradLearner::Moments(
    const std::vector<uint32_t>& pair_users,
    const std::vector<uint32_t>& pair_items) {
  c10::NoGradGuard no_grad;
  const Representations forward = Forward();
  const auto trained = [](const at::Tensor& x, bool unit) {
    return (unit ? UnitRows(x) : x).to(at::kDouble);
  };
  const at::Tensor users = trained(forward.users, NormalizesUsers(normalize()));
  const at::Tensor items = trained(forward.items, NormalizesItems(normalize()));
  const auto present = [](const at::Tensor& x) {
    return (x.square().sum(1) > 0).sum().item<double>();
  };
  const int64_t pairs = static_cast<int64_t>(pair_users.size());
  return TensorMoments(users, items, present(users) * present(items),
                       Indices(pair_users.data(), pairs),
                       Indices(pair_items.data(), pairs));
}

}  // namespace

absl::StatusOr<std::unique_ptr<OfflineLearner>> MakeAutogradLearner(
    const OfflineFitOptions& options, const model::ItemLists& train,
    uint32_t num_items, const std::string& device, WorkerPool* pool) {
  if (options.contrast != Contrast::kNone &&
      options.backbone != Backbone::kLightGcn) {
    return absl::InvalidArgumentError(
        "contrast needs views of a graph: the backbone must be lightgcn");
  }
  try {
    const at::Device place(device);
    // Asks the device for memory, so that one that is absent is found here.
    at::zeros({1}, at::TensorOptions(place));
    at::set_num_threads(pool->workers());
    at::manual_seed(options.seed);
    // A learner of rows takes all scores of a step at once, which for all items
    // are too many.
    if (options.backbone == Backbone::kMf && options.loss == Loss::kSsm &&
        CpuLearnerTakes(options)) {
      return MakeMfOfflineLearner(options, train, num_items,
                                  MakeTensorMf(options.dim, device));
    }
    return std::make_unique<AutogradLearner>(options, train, num_items, place,
                                             pool);
  } catch (const std::exception& error) {
    return absl::UnavailableError(
        absl::StrCat("device '", device, "': LibTorch says ",
                     std::string(error.what()).substr(0, 200)));
  }
}

}  // namespace taud::trainer
