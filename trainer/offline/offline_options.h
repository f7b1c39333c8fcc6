#ifndef TAUD_TRAINER_OFFLINE_OFFLINE_OPTIONS_H_
#define TAUD_TRAINER_OFFLINE_OFFLINE_OPTIONS_H_

#include <cstdint>
#include <string>

#include "trainer/temperature/tau_governor.h"

// What an offline fit can be made of. The names are the papers': Adap-τ (Chen
// et al., WWW 2023) and SSM (Wu et al., TOIS 2024).

namespace taud::trainer {

enum class Backbone {
  kMf,         // rows as they are
  kLightGcn,   // the mean of Â^l E over layers l = 0 … K
  kSvdPpUser,  // SVD++: a user's row plus its items' second rows
  kSvdPpItem,  // the same on the item side (SSM, Eq. 30)
  kNgcf,       // NGCF: layers with weights, concatenated
};

enum class Loss {
  kSsm,  // sampled softmax
  kSm,   // softmax over all items
  kBpr,  // pairwise, −log σ(f(u,i) − f(u,j)), the mean over the negatives
  kBce,  // pointwise, −log σ(f(u,i)) − Σ log σ(−f(u,j))
  kCcl,  // cosine contrastive (SimpleX), 1 − f(u,i) + w · mean (f(u,j) − m)₊
};

enum class NegativeSource {
  kShared,   // one draw for all rows of a step
  kPerRow,   // a draw for each row
  kInBatch,  // the other rows' positives
};

enum class TemperatureRule {
  kAdapTau,   // τ₀ from the moments and τ_u by Eq. 16
  kAdapTau0,  // τ₀ from the moments for everybody
  kFixed,     // a number
  kCTau,      // one number, learned through the loss
  kCuTau,     // a number a user, learned through the loss
  kNone,      // 1
};

// The sides of f(u, i) that are divided by their norm: both is the cosine,
// none the inner product.
enum class Normalize { kBoth, kUser, kItem, kNone };

// By what items are ranked.
enum class RankBy { kAsTrained, kCosine, kInnerProduct };

// A second, contrastive loss beside the first.
enum class Contrast { kNone, kSgl, kSimGcl, kNcl };

struct OfflineFitOptions {
  Backbone backbone = Backbone::kMf;
  int layers = 3;                // LightGCN and NGCF
  double message_dropout = 0.0;  // LightGCN and NGCF, in [0, 1)
  double alpha0 = 0.5;           // SVD++: exponent of the receiver's degree
  double alpha1 = 0.5;           // SVD++: exponent of the sender's degree

  Loss loss = Loss::kSsm;
  double ccl_margin = 0.4;
  double ccl_weight = 150.0;
  double rho = 1.0;  // weight of the negative side of SSM, see SsmLoss

  NegativeSource source = NegativeSource::kShared;
  int negatives = 1024;  // a step (shared) or a row
  double beta = 0.0;     // negatives ∝ popularity^β
  // Whether each negative drawn counts as many items as it stands for, see
  // SsmBatch::negative_weight.
  bool weigh_negatives = true;
  // The last so many items take part as negatives though nobody has them:
  // what a larger catalogue costs (SSM, Table 7). Tensors only.
  uint32_t padding = 0;
  // Whether a user's own items are left out of its negatives.
  bool leave_out_known = false;

  Normalize normalize = Normalize::kBoth;
  RankBy rank = RankBy::kAsTrained;

  TemperatureRule temperature = TemperatureRule::kAdapTau;
  double tau = 0.1;  // kFixed
  // τ₀ that is held all along; 0 lets it follow the moments under the governor.
  double held_tau0 = 0.0;
  bool eq13 = false;        // τ₀ by Eq. 13 instead of Eq. 14
  double super_loss = 4.0;  // β of Eq. 16
  // The temperature at which the losses L(u) of Eq. 16 are compared; 0: τ₀.
  double common_temperature = 0.0;
  // m_u of Eq. 16: the mean of L(u), or this quantile if it is in (0, 1).
  double threshold_quantile = 0.0;
  TauGovernorOptions governor;

  Contrast contrast = Contrast::kNone;
  double contrast_weight = 0.1;
  double contrast_tau = 0.2;
  double edge_dropout = 0.1;  // SGL
  double noise = 0.1;         // SimGCL, length of the perturbation
  int prototypes = 1000;      // NCL

  int batch_rows = 2048;       // positives a step, at most; see StepRows
  double learning_rate = 0.0;  // 0: RateForDensity
  double l2 = 0.0;  // weight of ‖rows of the batch‖² / 2, tensors only
  // Epochs over which the learning rate falls, by half a cosine, to
  // rate_floor of itself. A fit may be stopped earlier.
  int schedule_epochs = 60;
  double rate_floor = 0.02;
  double dropout = 0.1;  // share of a user row's coordinates, in [0, 1)
  int dim = 64;
  uint64_t seed = 1;
};

// Whether the loops on the CPU (MakeCpuLearner) can do it. The rest is
// LibTorch's (MakeAutogradLearner).
inline bool CpuLearnerTakes(const OfflineFitOptions& options) {
  const bool graph = options.backbone == Backbone::kLightGcn;
  return options.backbone != Backbone::kNgcf &&
         (!graph || options.message_dropout == 0) &&
         (options.loss == Loss::kSm ||
          (options.loss == Loss::kSsm &&
           options.source != NegativeSource::kPerRow)) &&
         options.normalize == Normalize::kBoth &&
         (options.rank != RankBy::kInnerProduct ||
          options.backbone != Backbone::kMf) &&
         options.contrast == Contrast::kNone && options.padding == 0 &&
         options.temperature != TemperatureRule::kCTau &&
         options.temperature != TemperatureRule::kCuTau && options.l2 == 0;
}

inline bool IsAdaptive(TemperatureRule rule) {
  return rule == TemperatureRule::kAdapTau ||
         rule == TemperatureRule::kAdapTau0;
}

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_OFFLINE_OFFLINE_OPTIONS_H_
