#ifndef TAUD_INDEX_CANDIDATES_H_
#define TAUD_INDEX_CANDIDATES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace taud::index {

// A row whose score is known to lie in [lower, upper].
struct Candidate {
  uint32_t item = 0;
  float lower = 0;
  float upper = 0;
};

// The candidates for the k best of a stream of rows with uncertain scores:
// keeps every row whose upper bound reaches the k-th best lower bound, so that
// the k best, whatever the exact scores turn out to be, are among them.
// One thread's.
class Candidates {
 public:
  // Rows that cannot reach `floor` need not be kept. REQUIRES: k > 0.
  explicit Candidates(size_t k,
                      float floor = -std::numeric_limits<float>::infinity())
      : k_(k), capacity_(2 * k + kSlack), threshold_(floor) {
    kept_.reserve(std::min<size_t>(capacity_, 4096));
  }

  // A row with a smaller upper bound cannot be among the best.
  float threshold() const { return threshold_; }
  // Rows that were good enough when they came; all of them that may reach the
  // floor as long as there are fewer than k.
  const std::vector<Candidate>& kept() const { return kept_; }

  void Add(const Candidate& candidate) {
    if (candidate.upper < threshold_) return;
    kept_.push_back(candidate);
    if (kept_.size() >= capacity_) Prune();
  }

  // Raises the threshold and drops what is below it.
  void Prune() {
    if (kept_.size() < k_) return;
    const auto kth = kept_.begin() + static_cast<std::ptrdiff_t>(k_ - 1);
    std::nth_element(kept_.begin(), kth, kept_.end(),
                     [](const Candidate& a, const Candidate& b) {
                       return a.lower > b.lower;
                     });
    threshold_ = std::max(threshold_, kth->lower);
    kept_.erase(std::remove_if(kept_.begin(), kept_.end(),
                               [this](const Candidate& candidate) {
                                 return candidate.upper < threshold_;
                               }),
                kept_.end());
    // Where many scores are nearly the same, pruning less often keeps the
    // whole linear.
    capacity_ = std::max(2 * k_ + kSlack, 2 * kept_.size());
  }

 private:
  static constexpr size_t kSlack = 48;

  size_t k_;
  size_t capacity_;
  float threshold_;
  std::vector<Candidate> kept_;
};

}  // namespace taud::index

#endif  // TAUD_INDEX_CANDIDATES_H_
