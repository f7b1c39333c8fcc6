#ifndef TAUD_TRAINER_MF_SSM_LOSS_H_
#define TAUD_TRAINER_MF_SSM_LOSS_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "trainer/kernels/worker_pool.h"

namespace taud::trainer {

// The rows one step learns from. Row r of the batch is the positive pair
// (users[r], positives[r]); all rows share the negatives.
struct SsmBatch {
  std::vector<uint32_t> users;      // [rows]
  std::vector<uint32_t> positives;  // [rows]
  std::vector<float> temperatures;  // [rows] τ_u > 0
  std::vector<float> weights;       // [rows] >= 0, 1 for an ordinary row
  std::vector<uint32_t> negatives;  // [negatives] distinct items
  float common_temperature = 0;     // > 0, see SsmResult::common_losses
  // ρ > 0, the weight of the negative side; 1 is the SSM loss of the paper.
  float rho = 1;
  // c > 0, what each negative stands for in the sum of the denominator: with
  // the number of items ÷ the number of negatives the sum estimates that over
  // all items, each as often as it is drawn. 1 is the SSM loss of the paper.
  float negative_weight = 1;
  // Empty, or [negatives] > 0: how many negatives each one is, beside c.
  // In-batch negatives are the distinct positives with their multiplicities.
  std::vector<float> negative_counts;
  // Empty, or [rows] the items that the user is known to like, not owned:
  // those among the negatives are false ones, and left out of the row's sum.
  std::vector<absl::Span<const uint32_t>> known_positives;
  // Empty, or [rows × dim] of 0 and 1: dropout. The coordinates of the row's
  // user at 0 are taken as 0, and the others scaled back to unit norm.
  std::vector<float> user_mask;

  int64_t rows() const { return static_cast<int64_t>(users.size()); }
};

// Gradients are those of Σ_r weight_r · loss_r, on the unit vectors.
struct SsmResult {
  std::vector<float> user_gradients;      // [rows × dim]
  std::vector<float> positive_gradients;  // [rows × dim]
  std::vector<float> negative_gradients;  // [negatives × dim]
  std::vector<float> cosines;             // [rows] f(u, i)
  std::vector<float> losses;              // [rows] at the row's τ_u
  // [rows] at common_temperature and ρ = 1: what Adap-τ's Eq. 16 compares
  // users by.
  std::vector<float> common_losses;
  // Negatives left out as false: with the rows' own positives, each as often
  // as it counts, summed over the rows.
  int64_t false_negatives = 0;
};

// The sampled softmax loss (SSM, Wu et al., TOIS 2024) with the positive in
// the denominator and a temperature for each row (Adap-τ):
//   loss_r = −log( e^{f(u,i)/τ_u} / ( e^{f(u,i)/τ_u} + Σ_j e^{f(u,j)/τ_u} ) )
// and its closed gradient ∂loss/∂f(u,k) = (P_k − [k = i]) / τ_u, with no
// autograd. A row's own positive among the negatives is left out of its sum,
// and so are the user's other known positives if the batch names them.
//
// With ρ other than 1 the two sides weigh differently, as in BSL (Wu et al.,
// ICDE 2024, arXiv 2312.12882), but with the positive in the sum:
//   loss_r = −f(u,i)/τ_u + ρ log( e^{f(u,i)/τ_u} + Σ_j e^{f(u,j)/τ_u} )
// and ∂loss/∂f(u,k) = (ρ P_k − [k = i]) / τ_u. The mean in place of the sum
// would add a constant. With a negative_weight c each e^{f(u,j)/τ_u} counts c
// times, in the denominator and in P_j.
//
// Works on chunks of rows small enough that their scores stay in the cache,
// on the threads of a pool; the result depends on the number of threads only
// by rounding. Thread-compatible; keeps its scratch memory.
class SsmLoss {
 public:
  // `dim` is the width of all rows. `pool` must outlive this.
  SsmLoss(int dim, WorkerPool* pool);

  // `users` and `items` are row-major tables of unit-norm rows [n × dim];
  // the indices of the batch are rows of theirs. Replaces *result.
  void Compute(const float* users, const float* items, uint32_t num_items,
               const SsmBatch& batch, SsmResult* result);

 private:
  struct Scratch {
    std::vector<float> users;               // [chunk × width]
    std::vector<float> scores;              // [chunk × score_step]
    std::vector<float> gradients;           // [chunk × width]
    std::vector<float> negative_gradients;  // [padded negatives × width]
    int64_t false_negatives = 0;
  };

  // Fills negatives_, panels_ and slot_of_item_.
  void GatherNegatives(const float* items, uint32_t num_items,
                       const std::vector<uint32_t>& negatives);
  void ComputeChunk(const float* users, const float* items,
                    const SsmBatch& batch, int64_t begin, int64_t end,
                    Scratch* scratch, SsmResult* result) const;
  // Marks what is not to count as a negative of the row; returns how many,
  // each as often as it counts.
  int64_t ExcludePositives(const SsmBatch& batch, int64_t row,
                           float* scores) const;
  // Turns a row of scores into exponentials; returns the factor that makes
  // them ∂loss/∂f(u,j), and fills in the row's figures.
  float Softmax(const SsmBatch& batch, int64_t row, float* scores,
                SsmResult* result, float* positive_slope) const;

  const int64_t dim_;
  const int64_t width_;  // dim, rounded up to what the products want
  WorkerPool* const pool_;
  std::vector<Scratch> scratch_;  // one a worker
  int64_t padded_ = 0;            // negatives, rounded up; the rest is zero
  std::vector<float> negatives_;  // [padded × width]
  std::vector<float> panels_;     // the same, by PackTransposed
  // Where an item stands among the negatives, −1 if it does not.
  std::vector<int32_t> slot_of_item_;
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_MF_SSM_LOSS_H_
