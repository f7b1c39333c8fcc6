#include "trainer/sampling/pair_sampler.h"

#include <algorithm>
#include <numeric>

#include "model/check.h"
#include "trainer/sampling/permutation.h"
#include "trainer/sampling/random_text.h"

namespace taud::trainer {

void PairSampler::AppendLearnt(uint32_t count) {
  TAUD_CHECK(unvisited() == 0);
  size_ += count;
  window_begin_ = window_end_ = size_;
}

bool PairSampler::OpenWindow(uint32_t* begin, uint32_t* end) {
  if (!window_.empty() || window_end_ == size_) return false;
  window_begin_ = window_end_;
  window_end_ += std::min(size_ - window_begin_, kMaxWindow);
  window_.resize(window_end_ - window_begin_);
  std::iota(window_.begin(), window_.end(), window_begin_);
  std::shuffle(window_.begin(), window_.end(), random_);
  *begin = window_begin_;
  *end = window_end_;
  return true;
}

void PairSampler::Draw(uint32_t rows, std::vector<uint32_t>* pairs,
                       uint32_t* first) {
  pairs->clear();
  *first = 0;
  if (window_end_ == 0) return;
  const double share =
      static_cast<double>(window_.size() + young_.size()) / window_end_;
  // A pair that was made young twice counts twice.
  const uint32_t fresh =
      static_cast<uint32_t>(rows * std::clamp(share, 0.5, 1.0));

  while (pairs->size() < fresh && !window_.empty()) {
    pairs->push_back(window_.back());
    window_.pop_back();
  }
  *first = static_cast<uint32_t>(pairs->size());
  // Each young pair at most about once a step.
  const size_t draws = std::min<size_t>(fresh - *first, young_.size());
  for (size_t i = 0; i < draws; ++i) {
    Young& chosen = young_[Uniform(young_.size())];
    pairs->push_back(chosen.pair);
    if (--chosen.visits_left == 0) {
      chosen = young_.back();
      young_.pop_back();
    }
  }
  for (uint32_t i = 0; i < *first; ++i) {
    young_.push_back({(*pairs)[i], kYoungVisits - 1});
  }
  while (pairs->size() < rows) pairs->push_back(NextOfTurn());
}

void PairSampler::MakeYoung(const std::vector<uint32_t>& pairs) {
  for (const uint32_t pair : pairs) young_.push_back({pair, kYoungVisits});
}

void PairSampler::CopyYoung(std::vector<uint32_t>* pairs) const {
  pairs->clear();
  for (const Young& young : young_) pairs->push_back(young.pair);
}

std::vector<bool> PairSampler::Visited() const {
  std::vector<bool> visited(size_, false);
  std::fill_n(visited.begin(), window_end_, true);
  for (const uint32_t pair : window_) visited[pair] = false;
  return visited;
}

PairSampler::State PairSampler::Export() const {
  State state;
  state.size = size_;
  state.window_begin = window_begin_;
  state.window_end = window_end_;
  state.window = window_;
  for (const Young& young : young_) {
    state.young.push_back(young.pair);
    state.young_visits.push_back(young.visits_left);
  }
  state.turn_size = turn_size_;
  state.turn_next = turn_next_;
  state.turn_key = turn_key_;
  state.random = RandomToText(random_);
  return state;
}

bool PairSampler::Import(const State& state) {
  const auto beyond = [&state](uint32_t pair) {
    return pair >= state.window_end;
  };
  if (state.window_begin > state.window_end || state.window_end > state.size ||
      state.window.size() > state.window_end - state.window_begin ||
      state.young.size() != state.young_visits.size() ||
      state.turn_next > state.turn_size || state.turn_size > state.window_end ||
      std::any_of(state.window.begin(), state.window.end(), beyond) ||
      std::any_of(state.young.begin(), state.young.end(), beyond) ||
      std::count(state.young_visits.begin(), state.young_visits.end(), 0u) >
          0 ||
      !RandomFromText(state.random, &random_)) {
    return false;
  }
  size_ = state.size;
  window_begin_ = state.window_begin;
  window_end_ = state.window_end;
  window_ = state.window;
  young_.clear();
  for (size_t i = 0; i < state.young.size(); ++i) {
    young_.push_back({state.young[i], state.young_visits[i]});
  }
  turn_size_ = state.turn_size;
  turn_next_ = state.turn_next;
  turn_key_ = state.turn_key;
  return true;
}

// REQUIRES: window_end_ > 0.
uint32_t PairSampler::NextOfTurn() {
  if (turn_next_ == turn_size_) {
    turn_size_ = window_end_;
    turn_next_ = 0;
    turn_key_ = random_();
  }
  return Permuted(turn_next_++, turn_size_, turn_key_);
}

uint32_t PairSampler::Uniform(size_t bound) {
  // Multiply-shift; the bias is below 2⁻³².
  return static_cast<uint32_t>(
      (uint64_t{static_cast<uint32_t>(random_())} * uint64_t{bound}) >> 32);
}

}  // namespace taud::trainer
