#include <algorithm>
#include <cmath>

#include "trainer/kernels/blas.h"
#include "trainer/kernels/embedding_table.h"
#include "trainer/kernels/gradient_rows.h"
#include "trainer/kernels/row_adam.h"
#include "trainer/mf/mf_learner.h"
#include "trainer/temperature/moments.h"

namespace taud::trainer {
namespace {

class CpuMf final : public MfLearner {
 public:
  CpuMf(int dim, WorkerPool* pool)
      : pool_(pool),
        loss_(dim, pool),
        users_(dim),
        items_(dim),
        user_gradients_(dim),
        item_gradients_(dim) {
    UseSingleThreadedBlas();
  }

  int dim() const override { return users_.dim(); }
  size_t rows(Side side) const override { return Table(side).rows(); }

  void Grow(size_t users, size_t items) override {
    users_.GrowTo(users);
    items_.GrowTo(items);
  }

  void SetRows(Side side, const std::vector<uint32_t>& rows,
               const float* values) override {
    EmbeddingTable& table = side == Side::kUsers ? users_ : items_;
    for (const uint32_t row : rows) {
      table.Set(row, values);
      values += dim();
    }
  }

  void GetRows(Side side, const std::vector<uint32_t>& rows,
               float* values) const override {
    for (const uint32_t row : rows) {
      values = std::copy_n(Table(side).Row(row), dim(), values);
    }
  }

  void GetAllRows(Side side, float* values) const override {
    const EmbeddingTable& table = Table(side);
    std::copy_n(table.values(), table.rows() * static_cast<size_t>(dim()),
                values);
  }

  void Step(const SsmBatch& batch, const std::vector<float>& user_rates,
            const std::vector<float>& item_rates,
            MfStepResult* result) override {
    loss_.Compute(users_.values(), items_.values(),
                  static_cast<uint32_t>(items_.rows()), batch, &gradients_);
    double squares = 0;
    for (const float value : gradients_.user_gradients) {
      squares += double{value} * value;
    }
    result->gradient_norm = std::sqrt(
        squares / static_cast<double>(std::max<size_t>(1, batch.users.size())));
    user_gradients_.Reset(users_.rows());
    user_gradients_.Add(batch.users, gradients_.user_gradients.data());
    item_gradients_.Reset(items_.rows());
    item_gradients_.Add(batch.positives, gradients_.positive_gradients.data());
    item_gradients_.Add(batch.negatives, gradients_.negative_gradients.data());
    result->kept_back = Move(user_gradients_, user_rates, &users_) +
                        Move(item_gradients_, item_rates, &items_);
    result->false_negatives = gradients_.false_negatives;
    result->cosines.swap(gradients_.cosines);
    result->losses.swap(gradients_.losses);
    result->common_losses.swap(gradients_.common_losses);
  }

  CosineMoments Moments(size_t trained_users, size_t trained_items,
                        const std::vector<uint32_t>& pair_users,
                        const std::vector<uint32_t>& pair_items) override {
    return ComputeMoments(dim(),
                          {users_.values(), users_.rows(), trained_users},
                          {items_.values(), items_.rows(), trained_items},
                          pair_users, pair_items);
  }

  void Export(Side side, MfTable* table) const override {
    const EmbeddingTable& from = Table(side);
    table->values = from.all_values();
    table->moment1 = from.all_moments1();
    table->moment2 = from.all_moments2();
    table->updates = from.all_updates();
  }

  void Import(Side side, const MfTable& table) override {
    (side == Side::kUsers ? users_ : items_)
        .Assign(table.values, table.moment1, table.moment2, table.updates);
  }

  std::vector<uint32_t> NonFiniteRows(Side side) const override {
    const EmbeddingTable& table = Table(side);
    std::vector<uint32_t> found;
    for (size_t row = 0; row < table.rows(); ++row) {
      const float* values = table.Row(row);
      if (!std::all_of(values, values + dim(),
                       [](float x) { return std::isfinite(x); })) {
        found.push_back(static_cast<uint32_t>(row));
      }
    }
    return found;
  }

 private:
  const EmbeddingTable& Table(Side side) const {
    return side == Side::kUsers ? users_ : items_;
  }

  int64_t Move(const GradientRows& gradients, const std::vector<float>& rates,
               EmbeddingTable* table) {
    rates_.clear();
    for (const uint32_t row : gradients.rows()) rates_.push_back(rates[row]);
    return RowAdamStep(gradients, rates_, pool_, table);
  }

  WorkerPool* const pool_;
  SsmLoss loss_;
  EmbeddingTable users_, items_;
  GradientRows user_gradients_, item_gradients_;
  SsmResult gradients_;
  std::vector<float> rates_;
};

}  // namespace

std::unique_ptr<MfLearner> MakeCpuMf(int dim, WorkerPool* pool) {
  return std::make_unique<CpuMf>(dim, pool);
}

}  // namespace taud::trainer
