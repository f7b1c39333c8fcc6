#include "lab/defaults.h"

namespace taud::lab {
namespace {

using trainer::Backbone;
using trainer::Loss;
using trainer::NegativeSource;
using trainer::Normalize;

// Users and items are apart by what is common to all of a side: a cosine that
// is below zero for most pairs needs all users on one side and all items on the
// other. In the mean of K + 1 layers that part of the rows comes back with the
// sum of (−1)^l, which is 1 for an even K and nothing for an odd one: each odd
// layer gives users the items' part and items the users'. So the cosine wants
// two layers or four, which are no better (docs/results.md); the papers have
// three, and so have the other losses and in-batch negatives here.
constexpr int kLayersOfCosines = 2;

int DefaultNegatives(const trainer::OfflineFitOptions& fit) {
  if (fit.source == NegativeSource::kShared) return 1024;
  if (fit.loss == Loss::kBpr) return 1;
  if (fit.loss == Loss::kBce) return 4;
  return 64;
}

}  // namespace

bool LeavesNormsFree(const trainer::OfflineFitOptions& fit) {
  return fit.backbone != Backbone::kMf &&
         (fit.loss == Loss::kSsm || fit.loss == Loss::kSm) &&
         fit.normalize == Normalize::kBoth;
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
  if (!LeavesNormsFree(*fit)) {
    fit->dropout = 0.0;  // the other losses have not been tried with it
  } else if (fit->backbone == Backbone::kLightGcn &&
             fit->source == NegativeSource::kShared) {
    fit->layers = kLayersOfCosines;
  }
}

}  // namespace taud::lab
