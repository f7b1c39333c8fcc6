#include "trainer/ssm_loss.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "trainer/blas.h"
#include "trainer/vector_kernels.h"

namespace taud::trainer {
namespace {

// 128 rows × 1,024 scores are half a megabyte: with the negatives and their
// gradients they stay in the L2 cache of one core.
constexpr int64_t kChunkRows = 128;

// Far below any cosine: its exponential counts as nothing beside the others.
constexpr float kExcluded = -1e4f;

void CopyRow(const float* from, int64_t dim, float* to) {
  std::memcpy(to, from, sizeof(float) * static_cast<size_t>(dim));
}

}  // namespace

SsmLoss::SsmLoss(int dim, WorkerPool* pool)
    : dim_(dim),
      pool_(pool),
      scratch_(static_cast<size_t>(pool->workers())) {}

void SsmLoss::Compute(const float* users, const float* items,
                      uint32_t num_items, const SsmBatch& batch,
                      SsmResult* result) {
  const int64_t rows = batch.rows();
  const int64_t count = static_cast<int64_t>(batch.negatives.size());
  const size_t row_values = static_cast<size_t>(rows * dim_);
  result->user_gradients.resize(row_values);
  result->positive_gradients.resize(row_values);
  result->cosines.resize(batch.users.size());
  result->losses.resize(batch.users.size());
  result->common_losses.resize(batch.users.size());

  if (slot_of_item_.size() < num_items) slot_of_item_.resize(num_items, -1);
  negatives_.resize(static_cast<size_t>(count * dim_));
  for (int64_t j = 0; j < count; ++j) {
    const uint32_t item = batch.negatives[j];
    slot_of_item_[item] = static_cast<int32_t>(j);
    CopyRow(items + item * dim_, dim_, &negatives_[j * dim_]);
  }

  const int64_t chunks = (rows + kChunkRows - 1) / kChunkRows;
  pool_->Run([&](int worker) {
    Scratch& scratch = scratch_[worker];
    scratch.negative_gradients.assign(negatives_.size(), 0.0f);
    // A fixed share for each worker: the sums come out the same every time.
    for (int64_t c = worker; c < chunks; c += pool_->workers()) {
      ComputeChunk(users, items, batch, c * kChunkRows,
                   std::min(rows, (c + 1) * kChunkRows), &scratch, result);
    }
  });

  result->negative_gradients = scratch_[0].negative_gradients;
  for (size_t worker = 1; worker < scratch_.size(); ++worker) {
    AddScaled(1.0f, scratch_[worker].negative_gradients.data(),
              static_cast<int64_t>(negatives_.size()),
              result->negative_gradients.data());
  }
  for (const uint32_t item : batch.negatives) slot_of_item_[item] = -1;
}

void SsmLoss::ComputeChunk(const float* users, const float* items,
                           const SsmBatch& batch, int64_t begin, int64_t end,
                           Scratch* scratch, SsmResult* result) const {
  const int64_t rows = end - begin;
  const int64_t count = static_cast<int64_t>(batch.negatives.size());
  scratch->users.resize(static_cast<size_t>(kChunkRows * dim_));
  scratch->scores.resize(static_cast<size_t>(kChunkRows * count));
  float* const chunk_users = scratch->users.data();
  float* const scores = scratch->scores.data();
  float* const gradients = &result->user_gradients[begin * dim_];

  for (int64_t r = 0; r < rows; ++r) {
    CopyRow(users + batch.users[begin + r] * dim_, dim_,
            chunk_users + r * dim_);
  }
  MatrixProduct(false, true, rows, count, dim_, chunk_users, negatives_.data(),
                0.0f, scores);

  float factor[kChunkRows];
  float slope[kChunkRows];
  for (int64_t r = 0; r < rows; ++r) {
    const float* positive = items + batch.positives[begin + r] * dim_;
    result->cosines[begin + r] = Dot(chunk_users + r * dim_, positive, dim_);
    const int32_t own = slot_of_item_[batch.positives[begin + r]];
    if (own >= 0) scores[r * count + own] = kExcluded;
    factor[r] =
        Softmax(batch, begin + r, scores + r * count, result, &slope[r]);
  }

  MatrixProduct(false, false, rows, dim_, count, scores, negatives_.data(),
                0.0f, gradients);
  for (int64_t r = 0; r < rows; ++r) {
    const float* positive = items + batch.positives[begin + r] * dim_;
    float* user = chunk_users + r * dim_;
    float* gradient = gradients + r * dim_;
    float* item_gradient = &result->positive_gradients[(begin + r) * dim_];
    for (int64_t c = 0; c < dim_; ++c) {
      gradient[c] = factor[r] * gradient[c] + slope[r] * positive[c];
      item_gradient[c] = slope[r] * user[c];
      user[c] *= factor[r];
    }
  }
  MatrixProduct(true, false, count, dim_, rows, scores, chunk_users, 1.0f,
                scratch->negative_gradients.data());
}

float SsmLoss::Softmax(const SsmBatch& batch, int64_t row, float* scores,
                       SsmResult* result, float* positive_slope) const {
  const int64_t count = static_cast<int64_t>(batch.negatives.size());
  const float cosine = result->cosines[row];
  const float shift =
      count > 0 ? std::max(cosine, MaxOf(scores, count)) : cosine;
  const auto loss = [&](float scale, float others, float own) {
    return std::log(own + others) - (cosine - shift) * scale;
  };

  const float common = 1.0f / batch.common_temperature;
  const float scale = 1.0f / batch.temperatures[row];
  // The scores are read once more only where the temperatures differ.
  if (scale != common) {
    result->common_losses[row] = loss(
        common, ExpSum(scores, shift, common, count),
        std::exp((cosine - shift) * common));
  }
  const float own = std::exp((cosine - shift) * scale);
  const float others = ExpInPlace(shift, scale, count, scores);
  result->losses[row] = loss(scale, others, own);
  if (scale == common) result->common_losses[row] = result->losses[row];

  const float weight = batch.weights[row] * scale;
  // P_i − 1, without the cancellation for P_i near 1.
  *positive_slope = -weight * (others / (own + others));
  return weight / (own + others);
}

}  // namespace taud::trainer
