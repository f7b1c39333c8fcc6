#ifndef TAUD_TRAINER_TENSOR_TENSOR_LOSSES_H_
#define TAUD_TRAINER_TENSOR_TENSOR_LOSSES_H_

#include <ATen/ATen.h>

#include "trainer/offline/offline_options.h"

// The losses as differentiable tensor functions, for backbones whose gradients
// nobody has written out. The SSM loss with its closed gradient is
// trainer/mf/ssm_loss.h; tests compare the two. Includes LibTorch: for
// trainer/tensor/ only. Pure; any thread.

namespace taud::trainer {

// f of the rows of a step.
struct RowScores {
  at::Tensor positive;  // [rows]
  at::Tensor negative;  // [rows × negatives]
  // [rows × negatives], true where it is not to count. Undefined: none.
  at::Tensor excluded;
  // [negatives], SsmBatch::negative_counts. Undefined: 1.
  at::Tensor counts = {};
  // SsmBatch::negative_weight, for the softmax losses.
  double negative_weight = 1;
};

// x / ‖x‖ by rows; zero rows stay zero.
at::Tensor UnitRows(const at::Tensor& x);

// [rows] the loss of each row at its temperature `tau` [rows]:
//   SSM, SM  −f⁺/τ + ρ log(e^{f⁺/τ} + Σ_j e^{f_j/τ})   (Adap-τ Eq. 5, BSL)
//   BPR      mean_j log(1 + e^{(f_j − f⁺)/τ})           (Rendle et al. 2009)
//   BCE      log(1 + e^{−f⁺/τ}) + Σ_j log(1 + e^{f_j/τ})
//   CCL      1 − f⁺ + w mean_j max(0, f_j − m)          (SimpleX, Mao et al.
//            2021, Eq. 1), which has no temperature
// Means and sums are over negatives that count, each as often as it does.
at::Tensor RowLosses(const OfflineFitOptions& options, const RowScores& scores,
                     const at::Tensor& tau);

// [rows] the SSM loss with ρ = 1 at one temperature: what Eq. 16 of Adap-τ
// compares users by.
at::Tensor CommonLosses(const RowScores& scores, double tau);

// InfoNCE of two views of the same rows [rows × d]: −log of the softmax of
// cosine / τ of a row's other view among all rows' other views, summed.
at::Tensor InfoNce(const at::Tensor& view, const at::Tensor& other, double tau);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_TENSOR_TENSOR_LOSSES_H_
