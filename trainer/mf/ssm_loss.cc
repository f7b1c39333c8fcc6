#include "trainer/mf/ssm_loss.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "trainer/kernels/matrix_kernels.h"
#include "trainer/kernels/vector_kernels.h"

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

// A user row with so little left after dropout keeps all its coordinates.
constexpr float kLeastNorm = 1e-3f;

// Takes the coordinates at which `mask` is 0 from a unit-norm row and scales
// the rest to unit norm. Returns the factor of the scaling, or 0 if the row
// was left as it is.
float MaskRow(const float* mask, int64_t dim, float* row) {
  float square = 0;
  for (int64_t c = 0; c < dim; ++c) square += mask[c] * row[c] * row[c];
  if (square < kLeastNorm * kLeastNorm) return 0;
  const float scale = 1.0f / std::sqrt(square);
  for (int64_t c = 0; c < dim; ++c) row[c] *= mask[c] * scale;
  return scale;
}

// The gradient on the row before MaskRow from the one on `row`, its result.
void UnmaskGradient(const float* mask, float scale, const float* row,
                    int64_t dim, float* gradient) {
  const float along = Dot(gradient, row, dim);
  for (int64_t c = 0; c < dim; ++c) {
    gradient[c] = mask[c] * scale * (gradient[c] - along * row[c]);
  }
}

// Rows of scores are a little more than a power of two apart: at 4,096 bytes
// all would fall on the same sets of the cache.
int64_t ScoreStep(int64_t padded) { return padded + kPanel; }

// ExpInPlace with x[j] = counts[j] · exp(…); empty counts are 1.
float CountedExpInPlace(const std::vector<float>& counts, float shift,
                        float scale, int64_t n, float* x) {
  const float sum = ExpInPlace(shift, scale, n, x);
  if (counts.empty()) return sum;
  float counted = 0;
  for (int64_t j = 0; j < n; ++j) counted += x[j] *= counts[j];
  return counted;
}

// The sum that CountedExpInPlace returns, without writing.
float CountedExpSum(const std::vector<float>& counts, const float* x,
                    float shift, float scale, int64_t n) {
  if (counts.empty()) return ExpSum(x, shift, scale, n);
  constexpr int64_t kBlock = 512;
  float block[kBlock];
  float sum = 0;
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    const int64_t count = std::min(kBlock, n - begin);
    CopyRow(x + begin, count, block);
    ExpInPlace(shift, scale, count, block);
    sum += Dot(block, &counts[begin], count);
  }
  return sum;
}

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
    scratch.false_negatives = 0;
    // A fixed share for each worker: the sums come out the same every time.
    for (int64_t c = worker; c < chunks; c += pool_->workers()) {
      ComputeChunk(users, items, batch, c * kChunkRows,
                   std::min(rows, (c + 1) * kChunkRows), &scratch, result);
    }
  });

  result->false_negatives = 0;
  for (const Scratch& scratch : scratch_) {
    result->false_negatives += scratch.false_negatives;
  }
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

  float mask_scale[kChunkRows];
  for (int64_t r = 0; r < rows; ++r) {
    float* user = chunk_users + r * width_;
    CopyRow(users + batch.users[begin + r] * dim_, dim_, user);
    if (!batch.user_mask.empty()) {
      mask_scale[r] = MaskRow(&batch.user_mask[(begin + r) * dim_], dim_, user);
    }
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
    scratch->false_negatives +=
        ExcludePositives(batch, begin + r, scores + r * step);
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
    }
    if (!batch.user_mask.empty() && mask_scale[r] > 0) {
      UnmaskGradient(&batch.user_mask[(begin + r) * dim_], mask_scale[r], user,
                     dim_, gradient);
    }
    for (int64_t c = 0; c < dim_; ++c) user[c] *= factor[r];
  }
  MultiplyInto(padded_, width_, rows, {scores, 1, step}, chunk_users, width_,
               scratch->negative_gradients.data(), width_);
}

int64_t SsmLoss::ExcludePositives(const SsmBatch& batch, int64_t row,
                                  float* scores) const {
  int64_t excluded = 0;
  const auto exclude = [&](uint32_t item) {
    const int32_t slot = slot_of_item_[item];
    if (slot < 0 || scores[slot] == kExcluded) return;
    scores[slot] = kExcluded;
    excluded += batch.negative_counts.empty()
                    ? 1
                    : static_cast<int64_t>(batch.negative_counts[slot]);
  };
  exclude(batch.positives[row]);
  if (!batch.known_positives.empty()) {
    for (const uint32_t item : batch.known_positives[row]) exclude(item);
  }
  return excluded;
}

float SsmLoss::Softmax(const SsmBatch& batch, int64_t row, float* scores,
                       SsmResult* result, float* positive_slope) const {
  const int64_t count = static_cast<int64_t>(batch.negatives.size());
  const float cosine = result->cosines[row];
  const float shift =
      count > 0 ? std::max(cosine, MaxOf(scores, count)) : cosine;
  const auto loss = [&](float rho, float scale, float others, float own) {
    return rho * std::log(own + others) - (cosine - rho * shift) * scale;
  };

  const float each = batch.negative_weight;
  const std::vector<float>& counts = batch.negative_counts;
  const float common = 1.0f / batch.common_temperature;
  const float scale = 1.0f / batch.temperatures[row];
  const bool is_common = scale == common && batch.rho == 1.0f;
  // The scores are read once more only where the two losses differ.
  if (!is_common) {
    result->common_losses[row] =
        loss(1.0f, common,
             each * CountedExpSum(counts, scores, shift, common, count),
             std::exp((cosine - shift) * common));
  }
  const float own = std::exp((cosine - shift) * scale);
  const float others =
      each * CountedExpInPlace(counts, shift, scale, count, scores);
  result->losses[row] = loss(batch.rho, scale, others, own);
  if (is_common) result->common_losses[row] = result->losses[row];

  const float weight = batch.weights[row] * scale;
  // ρ P_i − 1, without the cancellation for ρ = 1 and P_i near 1.
  *positive_slope =
      weight * ((batch.rho - 1.0f) * own - others) / (own + others);
  return batch.rho * each * weight / (own + others);
}

}  // namespace taud::trainer
