#include "index/quantised_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>
#include <utility>

namespace taud::index {
namespace {

constexpr std::align_val_t kAlignment{64};
constexpr int kRowLimit = 127;
// Norms are kept a little too large, so that a bound never is too small.
constexpr double kUp = 1 + 1e-6;

float LargestOf(const float* values, size_t n) {
  float largest = 0;
  for (size_t c = 0; c < n; ++c)
    largest = std::max(largest, std::abs(values[c]));
  return largest;
}

// Magnitudes so small that their reciprocal is not finite count as 0.
float ScaleFor(float largest, int limit) {
  const float scale = largest / static_cast<float>(limit);
  return scale > 1e-30f ? scale : 1.0f;
}

int32_t Quantise(float value, float scale, int limit) {
  return std::clamp(static_cast<int32_t>(std::lrintf(value / scale)), -limit,
                    limit);
}

}  // namespace

void QuantisedRows::Free::operator()(uint8_t* bytes) const {
  ::operator delete(bytes, kAlignment);
}

QuantisedRows::QuantisedRows(const model::Matrix& matrix,
                             std::vector<uint32_t> items)
    : dim_(matrix.cols),
      groups_((matrix.cols + 3) / 4),
      // Relative to the product of the norms: the error of summing dim products
      // in float, and of computing the approximation, with room to spare.
      slack_(static_cast<float>(matrix.cols + 8) * 2.4e-7f),
      items_(std::move(items)) {
  const size_t blocks = (items_.size() + kBlockRows - 1) / kBlockRows;
  items_.resize(blocks * kBlockRows, kNoItem);
  scales_.resize(blocks);
  errors_.resize(blocks);
  bytes_.reset(static_cast<uint8_t*>(
      ::operator new(blocks* BlockBytes(groups_), kAlignment)));
  for (size_t b = 0; b < blocks; ++b) EncodeBlock(matrix, b);
}

void QuantisedRows::EncodeBlock(const model::Matrix& matrix, size_t b) {
  const uint32_t* items = &items_[b * kBlockRows];
  float largest = 0;
  for (size_t r = 0; r < kBlockRows; ++r) {
    if (items[r] == kNoItem) continue;
    largest = std::max(largest, LargestOf(matrix.Row(items[r]), dim_));
  }
  const float scale = ScaleFor(largest, kRowLimit);
  uint8_t* block = bytes_.get() + b * BlockBytes(groups_);
  std::memset(block, 128, BlockBytes(groups_));
  double worst = 0;
  for (size_t r = 0; r < kBlockRows; ++r) {
    if (items[r] == kNoItem) continue;
    const float* row = matrix.Row(items[r]);
    double lost = 0;
    double norm = 0;
    for (size_t c = 0; c < dim_; ++c) {
      const int32_t byte = Quantise(row[c], scale, kRowLimit);
      block[c / 4 * kBlockRows * 4 + r * 4 + c % 4] =
          static_cast<uint8_t>(byte + 128);
      const double rest = row[c] - static_cast<double>(scale) * byte;
      lost += rest * rest;
      norm += static_cast<double>(row[c]) * row[c];
    }
    worst = std::max(worst, lost);
    max_norm_ = std::max(max_norm_, static_cast<float>(std::sqrt(norm) * kUp));
  }
  scales_[b] = scale;
  errors_[b] = static_cast<float>(std::sqrt(worst) * kUp);
}

size_t QuantisedRows::bytes() const {
  return num_blocks() * (BlockBytes(groups_) + 2 * sizeof(float)) +
         items_.size() * sizeof(uint32_t);
}

QueryCode QuantisedRows::Encode(const float* query, int8_t* code) const {
  const int limit = QueryLimit();
  QueryCode result;
  result.scale = ScaleFor(LargestOf(query, dim_), limit);
  std::memset(code, 0, groups_ * 4);
  const float inverse = 1.0f / result.scale;
  int32_t sum = 0;
  double lost = 0;
  double norm = 0;
  for (size_t c = 0; c < dim_; ++c) {
    const int32_t byte = std::clamp(
        static_cast<int32_t>(std::lrintf(query[c] * inverse)), -limit, limit);
    code[c] = static_cast<int8_t>(byte);
    sum += byte;
    const double kept = static_cast<double>(result.scale) * byte;
    lost += (query[c] - kept) * (query[c] - kept);
    norm += kept * kept;
  }
  result.offset = 128 * sum;
  result.error = static_cast<float>(std::sqrt(lost) * kUp);
  result.norm = static_cast<float>(std::sqrt(norm) * kUp);
  return result;
}

}  // namespace taud::index
