#include "lab/defaults.h"

namespace taud::lab {
namespace {

using trainer::Backbone;
using trainer::Loss;
using trainer::NegativeSource;
using trainer::Normalize;

int DefaultNegatives(const trainer::OfflineFitOptions& fit) {
  const int shared = HasSamplings(fit) ? kSamplings[0].negatives : 1024;
  if (fit.source == NegativeSource::kShared) return shared;
  if (fit.loss == Loss::kBpr) return 1;
  if (fit.loss == Loss::kBce) return 4;
  return 64;
}

}  // namespace

bool HasSamplings(const trainer::OfflineFitOptions& fit) {
  return fit.backbone != Backbone::kMf &&
         (fit.loss == Loss::kSsm || fit.loss == Loss::kSm) &&
         fit.normalize == Normalize::kBoth;
}

void SetSampling(const Sampling& sampling, bool layers,
                 trainer::OfflineFitOptions* fit) {
  fit->beta = sampling.beta;
  fit->negatives = sampling.negatives;
  fit->rank = sampling.rank;
  if (layers && fit->backbone == Backbone::kLightGcn) {
    fit->layers = sampling.layers;
  }
}

trainer::NegativeSource DefaultSource(trainer::Loss loss) {
  return loss == Loss::kBpr || loss == Loss::kBce ? NegativeSource::kPerRow
                                                  : NegativeSource::kShared;
}

void SetDefaults(trainer::OfflineFitOptions* fit) {
  fit->negatives = DefaultNegatives(*fit);
  const bool user_side = fit->backbone == Backbone::kSvdPpUser;
  fit->alpha0 = user_side ? 1.0 : 0.5;
  fit->alpha1 = user_side ? 0.0 : 0.5;
  if (fit->normalize == Normalize::kNone) fit->l2 = 1e-4;
  if (fit->backbone == Backbone::kMf) {
    if (fit->normalize == Normalize::kNone) fit->learning_rate = 5e-3;
    return;
  }
  fit->learning_rate = 0.01;
  fit->schedule_epochs = 30;
  if (HasSamplings(*fit)) {
    fit->beta = kSamplings[0].beta;
    fit->rank = kSamplings[0].rank;
    return;
  }
  // The other losses have not been tried with it.
  fit->dropout = 0.0;
}

}  // namespace taud::lab
