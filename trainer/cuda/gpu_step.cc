#include "trainer/cuda/gpu_step.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <cstring>

namespace taud::trainer {
namespace {

// Blocks of threads that keep every multiprocessor of a large GPU busy.
constexpr uint32_t kWantedBlocks = 264;
// Floats of gradients in parts, of one side: more parts are no quicker then.
constexpr size_t kMostParts = size_t{64} << 20;

// Where the parts of what a step sends stand in one buffer of words, each at a
// multiple of 16 bytes.
class Packer {
 public:
  // Reserves `count` words; returns where they begin.
  size_t Place(size_t count) {
    const size_t at = size_;
    size_ += (count + 3) / 4 * 4;
    return at;
  }
  size_t size() const { return size_; }

 private:
  size_t size_ = 0;
};

// How many parts a sum over `their` rows is divided into, for `mine` rows.
uint32_t PartsOf(uint32_t mine, uint32_t theirs, int dim) {
  const uint32_t my_tiles = std::max(1u, PaddedRows(mine) / kTileRows);
  const uint32_t their_tiles = std::max(1u, PaddedRows(theirs) / kTileRows);
  const uint32_t wanted = (kWantedBlocks + my_tiles - 1) / my_tiles;
  const uint32_t room = static_cast<uint32_t>(std::max<size_t>(
      1, kMostParts / (size_t{std::max(mine, 1u)} * static_cast<size_t>(dim))));
  return std::min({wanted, their_tiles, room, 65535u});
}

// A bit for each of up to 32 values, set where it is not 0.
uint32_t BitsOf(const float* values, size_t count) {
  uint32_t bits = 0;
  size_t i = 0;
#ifdef __SSE2__
  for (; i + 4 <= count; i += 4) {
    const __m128 differs =
        _mm_cmpneq_ps(_mm_loadu_ps(values + i), _mm_setzero_ps());
    bits |= static_cast<uint32_t>(_mm_movemask_ps(differs)) << i;
  }
#endif
  for (; i < count; ++i) bits |= static_cast<uint32_t>(values[i] != 0) << i;
  return bits;
}

// [rows × ⌈width / 32⌉] words from a mask [rows × width].
void PackMask(const float* mask, size_t rows, size_t width, uint32_t* words) {
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < width; c += 32) {
      const size_t count = std::min<size_t>(32, width - c);
      *words++ = BitsOf(mask, count);
      mask += count;
    }
  }
}

}  // namespace

void Grouping::Reset(size_t rows) {
  for (const uint32_t row : distinct_) slot_of_[row] = -1;
  distinct_.clear();
  slots_.clear();
  if (slot_of_.size() < rows) slot_of_.resize(rows, -1);
}

void Grouping::Add(const std::vector<uint32_t>& rows) {
  for (const uint32_t row : rows) {
    int32_t& slot = slot_of_[row];
    if (slot < 0) {
      slot = static_cast<int32_t>(distinct_.size());
      distinct_.push_back(row);
    }
    slots_.push_back(static_cast<uint32_t>(slot));
  }
}

void Grouping::Write(uint32_t* begin, uint32_t* entries) const {
  const size_t count = distinct_.size();
  std::fill_n(begin, count + 1, 0u);
  for (const uint32_t slot : slots_) ++begin[slot + 1];
  for (size_t i = 0; i < count; ++i) begin[i + 1] += begin[i];
  for (uint32_t e = 0; e < slots_.size(); ++e) entries[begin[slots_[e]]++] = e;
  // Each begin is now where the next one's was.
  for (size_t i = count; i > 0; --i) begin[i] = begin[i - 1];
  begin[0] = 0;
}

GpuStep::GpuStep(const device::Stream* stream, int dim)
    : stream_(stream),
      dim_(dim),
      sent_(stream),
      scratch_(stream),
      counter_(stream, 1) {}

void GpuStep::FindFalseNegatives(const SsmBatch& batch, size_t item_rows,
                                 int32_t* own_slot, uint32_t* excluded,
                                 MfStepResult* result) {
  if (slot_of_item_.size() < item_rows) {
    slot_of_item_.resize(item_rows, -1);
  }
  for (size_t j = 0; j < batch.negatives.size(); ++j) {
    slot_of_item_[batch.negatives[j]] = static_cast<int32_t>(j);
  }
  const auto count_of = [&](int32_t slot) {
    return batch.negative_counts.empty()
               ? int64_t{1}
               : static_cast<int64_t>(
                     batch.negative_counts[static_cast<size_t>(slot)]);
  };
  const size_t words = (batch.negatives.size() + 31) / 32;
  result->false_negatives = 0;
  for (size_t r = 0; r < batch.users.size(); ++r) {
    own_slot[r] = slot_of_item_[batch.positives[r]];
    if (own_slot[r] >= 0) result->false_negatives += count_of(own_slot[r]);
    if (excluded == nullptr) continue;
    uint32_t* const bits = excluded + r * words;
    std::fill_n(bits, words, 0u);
    for (const uint32_t item : batch.known_positives[r]) {
      const int32_t slot = slot_of_item_[item];
      if (slot < 0 || slot == own_slot[r]) continue;
      uint32_t& word = bits[slot / 32];
      const uint32_t bit = uint32_t{1} << (slot % 32);
      if ((word & bit) != 0) continue;
      word |= bit;
      result->false_negatives += count_of(slot);
    }
  }
  for (const uint32_t item : batch.negatives) slot_of_item_[item] = -1;
}

// Where each part of a batch lies among the words that are sent.
struct GpuStep::Layout {
  struct Group {
    size_t rows, rates, begin, entries;
  };
  bool has_mask, has_known, has_counts;
  size_t users, positives, temperatures, weights, negatives, counts, own,
      excluded, kept;
  Group user_group, item_group;
  size_t words;  // of all
};

GpuStep::Layout GpuStep::PlaceBatch(const SsmBatch& batch) const {
  const size_t rows = batch.users.size();
  const size_t negatives = batch.negatives.size();
  const size_t kept_words = (static_cast<size_t>(dim_) + 31) / 32;
  const size_t excluded_words = (negatives + 31) / 32;
  Layout at;
  at.has_mask = !batch.user_mask.empty();
  at.has_known = !batch.known_positives.empty();
  at.has_counts = !batch.negative_counts.empty();
  Packer packer;
  at.users = packer.Place(rows);
  at.positives = packer.Place(rows);
  at.temperatures = packer.Place(rows);
  at.weights = packer.Place(rows);
  at.negatives = packer.Place(negatives);
  at.counts = packer.Place(at.has_counts ? negatives : 0);
  at.own = packer.Place(rows);
  at.excluded = packer.Place(at.has_known ? rows * excluded_words : 0);
  at.kept = packer.Place(at.has_mask ? rows * kept_words : 0);
  const auto place = [&packer](const Grouping& grouping) {
    const size_t distinct = grouping.distinct().size();
    Layout::Group group;
    group.rows = packer.Place(distinct);
    group.rates = packer.Place(distinct);
    group.begin = packer.Place(distinct + 1);
    group.entries = packer.Place(grouping.entries());
    return group;
  };
  at.user_group = place(user_grouping_);
  at.item_group = place(item_grouping_);
  at.words = packer.size();
  return at;
}

void GpuStep::WriteBatch(const SsmBatch& batch, const Layout& at,
                         size_t item_rows, const std::vector<float>* user_rates,
                         const std::vector<float>* item_rates,
                         MfStepResult* result) {
  to_send_.Reserve(at.words);
  uint32_t* const words = to_send_.data();
  const auto put = [words](size_t place, const auto& values) {
    std::memcpy(words + place, values.data(), values.size() * sizeof(uint32_t));
  };
  put(at.users, batch.users);
  put(at.positives, batch.positives);
  put(at.temperatures, batch.temperatures);
  put(at.weights, batch.weights);
  put(at.negatives, batch.negatives);
  if (at.has_counts) put(at.counts, batch.negative_counts);
  FindFalseNegatives(batch, item_rows,
                     reinterpret_cast<int32_t*>(words + at.own),
                     at.has_known ? words + at.excluded : nullptr, result);
  if (at.has_mask) {
    PackMask(batch.user_mask.data(), batch.users.size(),
             static_cast<size_t>(dim_), words + at.kept);
  }
  const auto write = [&](const Grouping& grouping, const Layout::Group& group,
                         const std::vector<float>* rates) {
    put(group.rows, grouping.distinct());
    for (size_t i = 0; rates != nullptr && i < grouping.distinct().size();
         ++i) {
      std::memcpy(words + group.rates + i, &(*rates)[grouping.distinct()[i]],
                  sizeof(float));
    }
    grouping.Write(words + group.begin, words + group.entries);
  };
  write(user_grouping_, at.user_group, user_rates);
  write(item_grouping_, at.item_group, item_rates);
  sent_.FromHost(words, at.words);
}

void GpuStep::PointIntoSent(const SsmBatch& batch, const Layout& at) {
  const uint32_t* const sent = sent_.data();
  const auto floats = [sent](size_t place) {
    return reinterpret_cast<const float*>(sent + place);
  };
  batch_.dim = dim_;
  batch_.rows = static_cast<uint32_t>(batch.users.size());
  batch_.negatives = static_cast<uint32_t>(batch.negatives.size());
  batch_.users = sent + at.users;
  batch_.positives = sent + at.positives;
  batch_.temperatures = floats(at.temperatures);
  batch_.weights = floats(at.weights);
  batch_.negative_items = sent + at.negatives;
  batch_.counts = at.has_counts ? floats(at.counts) : nullptr;
  batch_.own_slot = reinterpret_cast<const int32_t*>(sent + at.own);
  batch_.excluded = at.has_known ? sent + at.excluded : nullptr;
  batch_.kept = at.has_mask ? sent + at.kept : nullptr;
  batch_.common_temperature = batch.common_temperature;
  batch_.rho = batch.rho;
  batch_.negative_weight = batch.negative_weight;
  const auto point = [&](const Grouping& grouping, const Layout::Group& group,
                         GpuMoves* moves) {
    moves->count = static_cast<uint32_t>(grouping.distinct().size());
    moves->rows = sent + group.rows;
    moves->rates = floats(group.rates);
    moves->begin = sent + group.begin;
    moves->entries = sent + group.entries;
  };
  point(user_grouping_, at.user_group, &user_moves_);
  point(item_grouping_, at.item_group, &item_moves_);
}

void GpuStep::Send(const SsmBatch& batch, size_t user_rows, size_t item_rows,
                   const std::vector<float>* user_rates,
                   const std::vector<float>* item_rates, MfStepResult* result) {
  user_grouping_.Reset(user_rows);
  user_grouping_.Add(batch.users);
  item_grouping_.Reset(item_rows);
  item_grouping_.Add(batch.positives);
  item_grouping_.Add(batch.negatives);
  const Layout layout = PlaceBatch(batch);
  WriteBatch(batch, layout, item_rows, user_rates, item_rates, result);
  PointIntoSent(batch, layout);
  PlaceScratch();
  counter_.Clear(0, 1);
}

void GpuStep::PlaceScratch() {
  const size_t width = static_cast<size_t>(dim_);
  const size_t rows = batch_.rows;
  const size_t negatives = batch_.negatives;
  batch_.negative_parts = PartsOf(batch_.rows, batch_.negatives, dim_);
  batch_.row_parts = PartsOf(batch_.negatives, batch_.rows, dim_);
  const size_t negative_parts = negatives == 0 ? 0 : batch_.negative_parts;
  // No parts, no sums to read.
  batch_.negative_parts = static_cast<uint32_t>(negative_parts);
  Packer packer;
  const size_t results = packer.Place(3 * rows);
  const size_t kept_scale = packer.Place(rows);
  const size_t sums = packer.Place(4 * negative_parts * rows);
  const size_t terms = packer.Place(4 * rows);
  const size_t padded = static_cast<size_t>(PaddedDim(dim_));
  const size_t user_columns = packer.Place(PaddedRows(batch_.rows) * padded);
  const size_t negative_columns =
      packer.Place(PaddedRows(batch_.negatives) * padded);
  const size_t user_rows = packer.Place(rows * width);
  const size_t negative_rows = packer.Place(negatives * width);
  const size_t user_parts = packer.Place(negative_parts * rows * width);
  const size_t negative_grads =
      packer.Place(batch_.row_parts * negatives * width);
  scratch_.Reserve(packer.size() / 4);
  float* const floats = reinterpret_cast<float*>(scratch_.data());
  batch_.cosines = floats + results;
  batch_.losses = floats + results + rows;
  batch_.common_losses = floats + results + 2 * rows;
  batch_.kept_scale = floats + kept_scale;
  batch_.sums = reinterpret_cast<float4*>(floats + sums);
  batch_.row_terms = reinterpret_cast<float4*>(floats + terms);
  batch_.user_columns = floats + user_columns;
  batch_.negative_columns = floats + negative_columns;
  batch_.user_rows = floats + user_rows;
  batch_.negative_rows = floats + negative_rows;
  batch_.user_parts = floats + user_parts;
  batch_.negative_grads = floats + negative_grads;
}

void GpuStep::Receive(MfStepResult* result) {
  const size_t rows = batch_.rows;
  received_.Reserve(3 * rows + 1);
  float* const received = received_.data();
  device::Check(
      cudaMemcpyAsync(received, batch_.cosines, 3 * rows * sizeof(float),
                      cudaMemcpyDeviceToHost, stream_->get()),
      "copying losses from the GPU");
  int32_t* const counter = reinterpret_cast<int32_t*>(received + 3 * rows);
  counter_.ToHost(counter, 1);
  stream_->Wait();
  result->cosines.assign(received, received + rows);
  result->losses.assign(received + rows, received + 2 * rows);
  result->common_losses.assign(received + 2 * rows, received + 3 * rows);
  result->kept_back = *counter;
}

}  // namespace taud::trainer
