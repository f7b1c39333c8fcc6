#ifndef TAUD_TRAINER_SAMPLING_PAIR_SAMPLER_H_
#define TAUD_TRAINER_SAMPLING_PAIR_SAMPLER_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace taud::trainer {

// Chooses which pairs, by number, the next step learns from: a mixture of
// fresh ones and replay.
//
//  - Unvisited pairs come first, each once, in windows: everything that is
//    unvisited when a window opens (at most kMaxWindow), in random order.
//  - A visited pair stays young for kYoungVisits visits, drawn at random among
//    the young. New users and items thus get a fit of their own.
//  - Fresh (unvisited and young) pairs fill half of a step, or their share of
//    all pairs if that is more. The rest is replay, every pair in turn: old
//    tastes are not forgotten, and a flood of new pairs never has a step for
//    itself unless nearly everything is new.
//  - A turn takes all pairs that there were when it began, each once, in
//    another random order; those that come meanwhile have their visits as young
//    ones, and are of the next. Drawn with replacement, some of a row's pairs
//    would be learnt twice as often as others (docs/performance.md).
//
// Thread-compatible. Deterministic for a seed.
class PairSampler {
 public:
  static constexpr uint32_t kMaxWindow = 1u << 18;
  static constexpr uint32_t kYoungVisits = 8;

  explicit PairSampler(uint64_t seed) : random_(seed) {}

  // Pairs [size(), size() + count) exist from now on.
  void Append(uint32_t count) { size_ += count; }
  // The same, but they have been learnt before. REQUIRES: unvisited() == 0.
  void AppendLearnt(uint32_t count);

  // Opens the next window if the last one is used up and there are unvisited
  // pairs; returns whether it did. The window is pairs [begin, end).
  bool OpenWindow(uint32_t* begin, uint32_t* end);

  // Replaces *pairs by `rows` pair numbers, repeats possible, and *first by
  // how many of them, at the front, are first visits. Fewer rows only if there
  // are no pairs at all.
  void Draw(uint32_t rows, std::vector<uint32_t>* pairs, uint32_t* first);

  // Everything, so that an object that imports it draws the same pairs from
  // then on. Import is false, and changes nothing, if it cannot be a state.
  struct State {
    uint32_t size = 0, window_begin = 0, window_end = 0;
    std::vector<uint32_t> window;
    std::vector<uint32_t> young, young_visits;  // pairs, visits left
    uint32_t turn_size = 0, turn_next = 0;      // of and in the present turn
    uint64_t turn_key = 0;
    std::string random;
  };
  State Export() const;
  bool Import(const State& state);

  uint32_t size() const { return size_; }
  uint32_t unvisited() const {
    return size_ - window_end_ + static_cast<uint32_t>(window_.size());
  }
  // Whether a pair has been drawn, by its number. O(the open window).
  std::vector<bool> Visited() const;
  size_t young() const { return young_.size(); }
  // The pairs are young again, all their visits before them: their rows have
  // begun anew. REQUIRES: visited.
  void MakeYoung(const std::vector<uint32_t>& pairs);
  // Replaces *pairs by those that are young, repeats possible.
  void CopyYoung(std::vector<uint32_t>* pairs) const;
  // Pairs [0, learnt_prefix()) have each been drawn at least once.
  uint32_t learnt_prefix() const {
    return window_.empty() ? window_end_ : window_begin_;
  }

 private:
  struct Young {
    uint32_t pair;
    uint32_t visits_left;
  };
  uint32_t Uniform(size_t bound);
  uint32_t NextOfTurn();

  std::mt19937_64 random_;
  uint32_t size_ = 0;
  uint32_t window_begin_ = 0, window_end_ = 0;
  std::vector<uint32_t> window_;  // still unvisited, shuffled
  std::vector<Young> young_;
  // Replay: Permuted(turn_next_, turn_size_, turn_key_) is next.
  uint32_t turn_size_ = 0, turn_next_ = 0;
  uint64_t turn_key_ = 0;
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_SAMPLING_PAIR_SAMPLER_H_
