#ifndef TAUD_TRAINER_SAMPLING_NEGATIVE_SAMPLER_H_
#define TAUD_TRAINER_SAMPLING_NEGATIVE_SAMPLER_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"

namespace taud::trainer {

// Draws the negatives that all rows of a step share: distinct items with
// p(i) ∝ popularity^β. β = 0 is uniform; β = 1 is what in-batch negatives are
// in expectation (SSM, Wu et al. 2024, §3). Thread-compatible. Deterministic
// for a seed.
class NegativeSampler {
 public:
  // 0 <= beta <= 1.
  NegativeSampler(double beta, uint64_t seed) : beta_(beta), random_(seed) {}

  // Replaces the items to draw from: `items` are distinct, and
  // popularity[item] > 0 for each. O(items) if β > 0 or items left; otherwise
  // only new items at the end of `items` cost anything.
  void SetItems(const std::vector<uint32_t>& items,
                const std::vector<uint32_t>& popularity);

  // Takes the items out. O(items).
  void Remove(const absl::flat_hash_set<uint32_t>& items);

  // The items in their present order, and the random state: an object that
  // takes them over draws the same from then on. β > 0 also needs SetItems.
  const std::vector<uint32_t>& items() const { return items_; }
  std::string RandomState() const;
  bool Assign(std::vector<uint32_t> items, const std::string& random);

  // Replaces *negatives by `count` distinct items, or by all items if there
  // are no more than that.
  void Draw(size_t count, std::vector<uint32_t>* negatives);

 private:
  uint32_t Uniform(size_t bound);
  void DrawUniform(size_t count, std::vector<uint32_t>* negatives);
  void DrawByPopularity(size_t count, std::vector<uint32_t>* negatives);

  const double beta_;
  std::mt19937_64 random_;
  std::vector<uint32_t> items_;     // in no order; a draw permutes them
  std::vector<double> cumulative_;  // [items] of popularity^β, if β > 0
  std::vector<bool> drawn_;         // [items], all false between draws
};

// The positives of a step as the negatives that its rows share: the distinct
// ones, ascending, and how often each occurs. Replaces both. Pure; any thread.
void CountInBatch(const std::vector<uint32_t>& positives,
                  std::vector<uint32_t>* negatives, std::vector<float>* counts);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_SAMPLING_NEGATIVE_SAMPLER_H_
