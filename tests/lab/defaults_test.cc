#include "lab/defaults.h"

#include <optional>

#include "gtest/gtest.h"

namespace taud::lab {
namespace {

using trainer::Backbone;
using trainer::Loss;
using trainer::NegativeSource;
using trainer::Normalize;
using trainer::OfflineFitOptions;

OfflineFitOptions Defaults(Backbone backbone, Loss loss, Normalize normalize,
                           NegativeSource source) {
  OfflineFitOptions fit;
  fit.backbone = backbone;
  fit.loss = loss;
  fit.source = source;
  fit.normalize = normalize;
  SetDefaults(&fit);
  return fit;
}

struct Case {
  Backbone backbone;
  Loss loss;
  Normalize normalize;
  bool norms_free;
  int negatives, layers;
  // Of the loss, if not this one.
  std::optional<NegativeSource> source = std::nullopt;
};

// Layers and dropout are the cosine's; what the papers have for the others.
TEST(DefaultsTest, TheyGoWithTheMethod) {
  const Case cases[] = {
      {Backbone::kMf, Loss::kSsm, Normalize::kBoth, false, 1024, 3},
      {Backbone::kLightGcn, Loss::kSsm, Normalize::kBoth, true, 1024, 2},
      {Backbone::kLightGcn, Loss::kSm, Normalize::kBoth, true, 1024, 2},
      {Backbone::kSvdPpItem, Loss::kSsm, Normalize::kBoth, true, 1024, 3},
      {Backbone::kNgcf, Loss::kSsm, Normalize::kBoth, true, 1024, 3},
      {Backbone::kLightGcn, Loss::kSsm, Normalize::kNone, false, 1024, 3},
      {Backbone::kLightGcn, Loss::kSsm, Normalize::kBoth, true, 64, 3,
       NegativeSource::kInBatch},
      {Backbone::kLightGcn, Loss::kBpr, Normalize::kNone, false, 1, 3},
      {Backbone::kMf, Loss::kBce, Normalize::kBoth, false, 4, 3},
      {Backbone::kLightGcn, Loss::kCcl, Normalize::kBoth, false, 1024, 3},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(static_cast<int>(&c - cases));
    const OfflineFitOptions fit =
        Defaults(c.backbone, c.loss, c.normalize,
                 c.source.value_or(DefaultSource(c.loss)));
    EXPECT_EQ(LeavesNormsFree(fit), c.norms_free);
    EXPECT_EQ(fit.beta, 0);
    EXPECT_EQ(fit.negatives, c.negatives);
    EXPECT_EQ(fit.layers, c.layers);
    EXPECT_EQ(fit.dropout > 0, fit.backbone == Backbone::kMf || c.norms_free);
  }
}

}  // namespace
}  // namespace taud::lab
