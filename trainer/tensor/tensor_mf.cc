#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "trainer/mf/mf_learner.h"
#include "trainer/tensor/tensor_adam.h"
#include "trainer/tensor/tensor_moments.h"

namespace taud::trainer {
namespace {

// As trainer/mf/ssm_loss.cc: with less left after dropout a user row keeps
// all its coordinates.
constexpr double kLeastNorm = 1e-3;

// The rows of one side on a device, with Adam's state.
struct TensorTable {
  at::Tensor values, moment1, moment2;  // [capacity × dim], float
  at::Tensor updates;                   // [capacity], float
  int64_t rows = 0;
};

// The whole batch as one chunk of tensor operations, on any device: the
// reference that the loops of mf/ and the kernels of cuda/ are tested against.
// Its SSM loss is not that of tensor_losses.h, which is made for autograd: here
// the gradient is the closed one, written with the cancellation for ρ = 1 taken
// out, so that a step costs no second pass.
class TensorMf final : public MfLearner {
 public:
  TensorMf(int dim, const std::string& device)
      : dim_(dim), options_(at::TensorOptions(at::Device(device))) {
    Resize(&users_, 0);
    Resize(&items_, 0);
  }

  int dim() const override { return dim_; }
  size_t rows(Side side) const override {
    return static_cast<size_t>(Table(side).rows);
  }
  bool waits_for_device() const override { return !options_.device().is_cpu(); }

  void Grow(size_t users, size_t items) override {
    c10::InferenceMode no_grad;
    GrowTable(&users_, static_cast<int64_t>(users));
    GrowTable(&items_, static_cast<int64_t>(items));
  }

  void SetRows(Side side, const std::vector<uint32_t>& rows,
               const float* values) override {
    c10::InferenceMode no_grad;
    if (rows.empty()) return;
    TensorTable& table = side == Side::kUsers ? users_ : items_;
    const int64_t count = static_cast<int64_t>(rows.size());
    const at::Tensor where = Indices(rows);
    table.values.index_copy_(0, where,
                             FromHost(values, count * dim_).view({-1, dim_}));
    table.moment1.index_fill_(0, where, 0.0);
    table.moment2.index_fill_(0, where, 0.0);
    table.updates.index_fill_(0, where, 0.0);
  }

  void GetRows(Side side, const std::vector<uint32_t>& rows,
               float* values) const override {
    c10::InferenceMode no_grad;
    if (rows.empty()) return;
    ToHost(Table(side).values.index_select(0, Indices(rows)), values);
  }

  void GetAllRows(Side side, float* values) const override {
    c10::InferenceMode no_grad;
    ToHost(Used(Table(side)), values);
  }

  void Step(const SsmBatch& batch, const std::vector<float>& user_rates,
            const std::vector<float>& item_rates,
            MfStepResult* result) override;

  CosineMoments Moments(size_t trained_users, size_t trained_items,
                        const std::vector<uint32_t>& pair_users,
                        const std::vector<uint32_t>& pair_items) override;

  void Export(Side side, MfTable* table) const override {
    c10::InferenceMode no_grad;
    const TensorTable& from = Table(side);
    ToHost(from.values.narrow(0, 0, from.rows), &table->values);
    ToHost(from.moment1.narrow(0, 0, from.rows), &table->moment1);
    ToHost(from.moment2.narrow(0, 0, from.rows), &table->moment2);
    std::vector<float> updates;
    ToHost(from.updates.narrow(0, 0, from.rows), &updates);
    table->updates.assign(updates.begin(), updates.end());
  }

  void Import(Side side, const MfTable& table) override {
    c10::InferenceMode no_grad;
    TensorTable& to = side == Side::kUsers ? users_ : items_;
    const std::vector<float> updates(table.updates.begin(),
                                     table.updates.end());
    to.rows = static_cast<int64_t>(updates.size());
    to.values = FromHost(table.values).view({-1, dim_});
    to.moment1 = FromHost(table.moment1).view({-1, dim_});
    to.moment2 = FromHost(table.moment2).view({-1, dim_});
    to.updates = FromHost(updates);
  }

  std::vector<uint32_t> NonFiniteRows(Side side) const override {
    c10::InferenceMode no_grad;
    const at::Tensor bad =
        at::isfinite(Used(Table(side)).sum(1)).logical_not().nonzero().cpu();
    std::vector<uint32_t> found;
    for (int64_t i = 0; i < bad.size(0); ++i) {
      found.push_back(static_cast<uint32_t>(bad.data_ptr<int64_t>()[i]));
    }
    return found;
  }

 private:
  const TensorTable& Table(Side side) const {
    return side == Side::kUsers ? users_ : items_;
  }
  static at::Tensor Used(const TensorTable& table) {
    return table.values.narrow(0, 0, table.rows);
  }
  void Resize(TensorTable* table, int64_t capacity) const {
    const auto grown = [&](const at::Tensor& old, at::IntArrayRef shape) {
      at::Tensor tensor = at::zeros(shape, options_.dtype(at::kFloat));
      if (table->rows > 0) {
        tensor.narrow(0, 0, table->rows).copy_(old.narrow(0, 0, table->rows));
      }
      return tensor;
    };
    table->values = grown(table->values, {capacity, dim_});
    table->moment1 = grown(table->moment1, {capacity, dim_});
    table->moment2 = grown(table->moment2, {capacity, dim_});
    table->updates = grown(table->updates, {capacity});
  }
  void GrowTable(TensorTable* table, int64_t rows) const {
    if (rows > table->values.size(0)) {
      Resize(table, std::max(rows, 2 * table->values.size(0)));
    }
    table->rows = std::max(table->rows, rows);
  }

  at::Tensor FromHost(const float* values, int64_t count) const {
    // from_blob does not own: clone before `values` goes away.
    return at::from_blob(const_cast<float*>(values), {count}, at::kFloat)
        .clone()
        .to(options_.device());
  }
  at::Tensor FromHost(const std::vector<float>& values) const {
    return FromHost(values.data(), static_cast<int64_t>(values.size()));
  }
  at::Tensor Indices(const std::vector<uint32_t>& rows) const {
    at::Tensor host = at::empty({static_cast<int64_t>(rows.size())}, at::kLong);
    std::copy(rows.begin(), rows.end(), host.data_ptr<int64_t>());
    return host.to(options_.device());
  }
  static void ToHost(const at::Tensor& tensor, float* values) {
    const at::Tensor host = tensor.to(at::kCPU, at::kFloat).contiguous();
    std::copy_n(host.data_ptr<float>(), host.numel(), values);
  }
  static void ToHost(const at::Tensor& tensor, std::vector<float>* values) {
    values->resize(static_cast<size_t>(tensor.numel()));
    ToHost(tensor, values->data());
  }

  // [rows × negatives], true where a negative is the row's own positive or
  // another known one.
  at::Tensor FalseNegatives(const SsmBatch& batch) const;
  // As RowAdamStep, with duplicates among `rows` summed.
  int64_t Move(const std::vector<uint32_t>& rows, const at::Tensor& gradients,
               const std::vector<float>& rates, TensorTable* table) const;

  const int64_t dim_;
  const at::TensorOptions options_;
  TensorTable users_, items_;
};

at::Tensor TensorMf::FalseNegatives(const SsmBatch& batch) const {
  const int64_t negatives = static_cast<int64_t>(batch.negatives.size());
  if (batch.known_positives.empty()) {
    return Indices(batch.positives)
        .unsqueeze(1)
        .eq(Indices(batch.negatives).unsqueeze(0));
  }
  absl::flat_hash_map<uint32_t, int64_t> slot_of_item;
  for (int64_t j = 0; j < negatives; ++j) {
    slot_of_item.emplace(batch.negatives[j], j);
  }
  at::Tensor host = at::zeros({batch.rows(), negatives}, at::kBool);
  bool* const marks = host.data_ptr<bool>();
  for (int64_t r = 0; r < batch.rows(); ++r) {
    const auto mark = [&](uint32_t item) {
      const auto found = slot_of_item.find(item);
      if (found == slot_of_item.end()) return;
      marks[r * negatives + found->second] = true;
    };
    mark(batch.positives[r]);
    for (const uint32_t item : batch.known_positives[r]) mark(item);
  }
  return host.to(options_.device());
}

void TensorMf::Step(const SsmBatch& batch, const std::vector<float>& user_rates,
                    const std::vector<float>& item_rates,
                    MfStepResult* result) {
  c10::InferenceMode no_grad;
  const at::Tensor positives = Indices(batch.positives);
  const at::Tensor negatives = Indices(batch.negatives);
  at::Tensor users = users_.values.index_select(0, Indices(batch.users));
  at::Tensor mask_scale;  // [rows × dim], the derivative of dropout
  if (!batch.user_mask.empty()) {
    const at::Tensor mask = FromHost(batch.user_mask).view({-1, dim_});
    const at::Tensor norm = (users * mask).norm(2, {1}, /*keepdim=*/true);
    const at::Tensor enough = norm >= kLeastNorm;
    mask_scale = mask / at::where(enough, norm, at::ones_like(norm));
    mask_scale = at::where(enough, mask_scale, at::ones_like(mask_scale));
    users = users * mask_scale;
  }
  const at::Tensor own = items_.values.index_select(0, positives);
  const at::Tensor others = items_.values.index_select(0, negatives);
  const at::Tensor tau = FromHost(batch.temperatures).unsqueeze(1);
  const at::Tensor weights = FromHost(batch.weights).unsqueeze(1);

  const at::Tensor cosine = (users * own).sum(1, /*keepdim=*/true);
  at::Tensor scores = users.matmul(others.t());
  const at::Tensor excluded = FalseNegatives(batch);
  scores.masked_fill_(excluded, -1e4);
  // Counting c times is adding log c to the logit.
  const double log_each = std::log(batch.negative_weight);
  const at::Tensor log_counts = batch.negative_counts.empty()
                                    ? at::zeros({1}, options_.dtype(at::kFloat))
                                    : FromHost(batch.negative_counts).log();
  const auto log_softmax = [&](const at::Tensor& temperature) {
    return at::log_softmax(
        at::cat({cosine / temperature,
                 scores / temperature + (log_counts + log_each)},
                1),
        1);
  };
  const at::Tensor log_p = log_softmax(tau);
  const at::Tensor common =
      log_softmax(at::full_like(tau, double{batch.common_temperature}));

  // ∂loss/∂f(u,k) = (ρ P_k − [k = i]) / τ_u; with ρ = 1 the positive's is
  // −Σ P_j / τ_u, and P_i − 1 would cancel.
  const double rho = batch.rho;
  const at::Tensor scaled = weights / tau;
  const at::Tensor own_p = log_p.narrow(1, 0, 1).exp();
  const at::Tensor others_p = log_p.narrow(1, 1, scores.size(1)).exp();
  const at::Tensor slopes = others_p * scaled * rho;
  const at::Tensor positive_slope =
      ((rho - 1.0) * own_p - others_p.sum(1, /*keepdim=*/true)) * scaled;
  at::Tensor user_gradients = slopes.matmul(others) + positive_slope * own;
  if (mask_scale.defined()) {
    const at::Tensor along = (user_gradients * users).sum(1, /*keepdim=*/true);
    user_gradients = mask_scale * (user_gradients - along * users);
  }
  const at::Tensor item_gradients =
      at::cat({positive_slope * users, slopes.t().matmul(users)}, 0);

  ToHost(cosine, &result->cosines);
  // −f/τ + ρ log(sum) = −log P_i + (ρ − 1) log(sum).
  const at::Tensor log_sum = cosine / tau - log_p.narrow(1, 0, 1);
  ToHost((rho - 1.0) * log_sum - log_p.narrow(1, 0, 1), &result->losses);
  ToHost(-common.select(1, 0), &result->common_losses);
  result->false_negatives = batch.negative_counts.empty()
                                ? excluded.sum().item<int64_t>()
                                : excluded.to(at::kFloat)
                                      .matmul(FromHost(batch.negative_counts))
                                      .sum(at::kDouble)
                                      .item<int64_t>();
  std::vector<uint32_t> items = batch.positives;
  items.insert(items.end(), batch.negatives.begin(), batch.negatives.end());
  result->kept_back = Move(batch.users, user_gradients, user_rates, &users_) +
                      Move(items, item_gradients, item_rates, &items_);
}

int64_t TensorMf::Move(const std::vector<uint32_t>& rows,
                       const at::Tensor& gradients,
                       const std::vector<float>& rates,
                       TensorTable* table) const {
  std::vector<uint32_t> distinct = rows;
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  std::vector<uint32_t> slots;
  std::vector<float> distinct_rates;
  for (const uint32_t row : rows) {
    slots.push_back(static_cast<uint32_t>(
        std::lower_bound(distinct.begin(), distinct.end(), row) -
        distinct.begin()));
  }
  for (const uint32_t row : distinct) distinct_rates.push_back(rates[row]);

  const at::Tensor where = Indices(distinct);
  at::Tensor sum = at::zeros({static_cast<int64_t>(distinct.size()), dim_},
                             options_.dtype(at::kFloat));
  sum.index_add_(0, Indices(slots), gradients);
  const at::Tensor row = table->values.index_select(0, where);
  const at::Tensor g = sum - (sum * row).sum(1, /*keepdim=*/true) * row;
  const at::Tensor t = table->updates.index_select(0, where) + 1;
  const AdamRows moved =
      AdamMove({row, table->moment1.index_select(0, where),
                table->moment2.index_select(0, where)},
               g, t.unsqueeze(1), FromHost(distinct_rates).unsqueeze(1));
  const at::Tensor& v = moved.moment2;
  const at::Tensor norm = moved.values.norm(2, {1}, /*keepdim=*/true);
  const at::Tensor good =
      at::isfinite(norm + v.sum(1, /*keepdim=*/true)).logical_and(norm > 1e-6);
  const at::Tensor zero = at::zeros({}, options_.dtype(at::kFloat));
  table->values.index_copy_(0, where,
                            at::where(good, moved.values / norm, row));
  table->moment1.index_copy_(0, where, at::where(good, moved.moment1, zero));
  table->moment2.index_copy_(0, where, at::where(good, v, zero));
  table->updates.index_copy_(0, where, at::where(good.squeeze(1), t, zero));
  return static_cast<int64_t>(distinct.size()) - good.sum().item<int64_t>();
}

CosineMoments TensorMf::Moments(size_t trained_users, size_t trained_items,
                                const std::vector<uint32_t>& pair_users,
                                const std::vector<uint32_t>& pair_items) {
  c10::InferenceMode no_grad;
  const double all =
      static_cast<double>(trained_users) * static_cast<double>(trained_items);
  return TensorMoments(Used(users_), Used(items_), all, Indices(pair_users),
                       Indices(pair_items));
}

}  // namespace

std::unique_ptr<MfLearner> MakeTensorMf(int dim, const std::string& device) {
  return std::make_unique<TensorMf>(dim, device);
}

bool TorchHasCuda() { return at::hasCUDA(); }

}  // namespace taud::trainer
