#include "trainer/ssm_loss.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "trainer/matrix_kernels.h"
#include "trainer/vector_kernels.h"

namespace taud::trainer {
namespace {

// The scores of a chunk are half a megabyte for 1,024 negatives: with the
// negatives and their gradients they stay in the L2 cache of one core. A
// multiple of the register tile of the products.
constexpr int64_t kChunkRows = 126;

// Negatives are padded to a multiple of kPackedRows. As many of their rows, or
// a panel of them transposed, stay in the L1 cache while the chunk runs past.

// Far below any cosine: its exponential counts as nothing beside the others.
constexpr float kExcluded = -1e4f;

int64_t RoundUp(int64_t n, int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

void CopyRow(const float* from, int64_t dim, float* to) {
  std::memcpy(to, from, sizeof(float) * static_cast<size_t>(dim));
}

// Rows of scores are a little more than a power of two apart: at 4,096 bytes
// all would fall on the same sets of the cache.
int64_t ScoreStep(int64_t padded) { return padded + kPanel; }

}  // namespace

SsmLoss::SsmLoss(int dim, WorkerPool* pool)
    : dim_(dim),
      width_(RoundUp(dim, kPanel)),
      pool_(pool),
      scratch_(static_cast<size_t>(pool->workers())) {}

void SsmLoss::Compute(const float* users, const float* items,
                      uint32_t num_items, const SsmBatch& batch,
                      SsmResult* result) {
  const int64_t rows = batch.rows();
  const size_t row_values = static_cast<size_t>(rows * dim_);
  result->user_gradients.resize(row_values);
  result->positive_gradients.resize(row_values);
  result->cosines.resize(batch.users.size());
  result->losses.resize(batch.users.size());
  result->common_losses.resize(batch.users.size());
  GatherNegatives(items, num_items, batch.negatives);

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

  std::vector<float>& total = scratch_[0].negative_gradients;
  for (size_t worker = 1; worker < scratch_.size(); ++worker) {
    AddScaled(1.0f, scratch_[worker].negative_gradients.data(),
              static_cast<int64_t>(total.size()), total.data());
  }
  const int64_t count = static_cast<int64_t>(batch.negatives.size());
  result->negative_gradients.resize(static_cast<size_t>(count * dim_));
  for (int64_t j = 0; j < count; ++j) {
    CopyRow(&total[j * width_], dim_, &result->negative_gradients[j * dim_]);
    slot_of_item_[batch.negatives[j]] = -1;
  }
}

void SsmLoss::GatherNegatives(const float* items, uint32_t num_items,
                              const std::vector<uint32_t>& negatives) {
  const int64_t count = static_cast<int64_t>(negatives.size());
  padded_ = RoundUp(count, kPackedRows);
  if (slot_of_item_.size() < num_items) slot_of_item_.resize(num_items, -1);
  negatives_.assign(static_cast<size_t>(padded_ * width_), 0.0f);
  panels_.resize(negatives_.size());
  for (int64_t j = 0; j < count; ++j) {
    slot_of_item_[negatives[j]] = static_cast<int32_t>(j);
    CopyRow(items + negatives[j] * dim_, dim_, &negatives_[j * width_]);
  }
  PackTransposed(negatives_.data(), padded_, width_, panels_.data());
}

void SsmLoss::ComputeChunk(const float* users, const float* items,
                           const SsmBatch& batch, int64_t begin, int64_t end,
                           Scratch* scratch, SsmResult* result) const {
  const int64_t rows = end - begin;
  const int64_t step = ScoreStep(padded_);
  scratch->users.assign(static_cast<size_t>(kChunkRows * width_), 0.0f);
  scratch->gradients.assign(static_cast<size_t>(kChunkRows * width_), 0.0f);
  scratch->scores.assign(static_cast<size_t>(kChunkRows * step), 0.0f);
  float* const chunk_users = scratch->users.data();
  float* const scores = scratch->scores.data();

  for (int64_t r = 0; r < rows; ++r) {
    CopyRow(users + batch.users[begin + r] * dim_, dim_,
            chunk_users + r * width_);
  }
  for (int64_t j = 0; j < padded_; j += kPackedRows) {
    MultiplyInto(rows, kPackedRows, width_, {chunk_users, width_, 1},
                 &panels_[j * width_], kPackedRows, scores + j, step);
  }

  float factor[kChunkRows];
  float slope[kChunkRows];
  for (int64_t r = 0; r < rows; ++r) {
    const float* positive = items + batch.positives[begin + r] * dim_;
    result->cosines[begin + r] = Dot(chunk_users + r * width_, positive, dim_);
    const int32_t own = slot_of_item_[batch.positives[begin + r]];
    if (own >= 0) scores[r * step + own] = kExcluded;
    factor[r] = Softmax(batch, begin + r, scores + r * step, result, &slope[r]);
  }

  for (int64_t j = 0; j < padded_; j += kPackedRows) {
    MultiplyInto(rows, width_, kPackedRows, {scores + j, step, 1},
                 &negatives_[j * width_], width_, scratch->gradients.data(),
                 width_);
  }
  for (int64_t r = 0; r < rows; ++r) {
    const float* positive = items + batch.positives[begin + r] * dim_;
    const float* sum = &scratch->gradients[r * width_];
    float* user = chunk_users + r * width_;
    float* gradient = &result->user_gradients[(begin + r) * dim_];
    float* item_gradient = &result->positive_gradients[(begin + r) * dim_];
    for (int64_t c = 0; c < dim_; ++c) {
      gradient[c] = factor[r] * sum[c] + slope[r] * positive[c];
      item_gradient[c] = slope[r] * user[c];
      user[c] *= factor[r];
    }
  }
  MultiplyInto(padded_, width_, rows, {scores, 1, step}, chunk_users, width_,
               scratch->negative_gradients.data(), width_);
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
    result->common_losses[row] =
        loss(common, ExpSum(scores, shift, common, count),
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
