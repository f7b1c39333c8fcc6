#include "lab/defaults.h"

#include "gtest/gtest.h"

namespace taud::lab {
namespace {

using trainer::Backbone;
using trainer::Loss;
using trainer::Normalize;
using trainer::OfflineFitOptions;
using trainer::RankBy;

OfflineFitOptions Defaults(Backbone backbone, Loss loss, Normalize normalize) {
  OfflineFitOptions fit;
  fit.backbone = backbone;
  fit.loss = loss;
  fit.source = DefaultSource(loss);
  fit.normalize = normalize;
  SetDefaults(&fit);
  return fit;
}

struct Case {
  Backbone backbone;
  Loss loss;
  Normalize normalize;
  RankBy rank;
  double beta;
  int negatives;
};

// Where norms are learned beside the cosine, popular negatives and a ranking
// by inner products; elsewhere uniform ones, ranked as learned.
TEST(DefaultsTest, NegativesAndRankingGoWithTheMethod) {
  const Case cases[] = {
      {Backbone::kMf, Loss::kSsm, Normalize::kBoth, RankBy::kAsTrained, 0,
       1024},
      {Backbone::kLightGcn, Loss::kSsm, Normalize::kBoth, RankBy::kInnerProduct,
       1, 2048},
      {Backbone::kSvdPpItem, Loss::kSsm, Normalize::kBoth,
       RankBy::kInnerProduct, 1, 2048},
      {Backbone::kNgcf, Loss::kSsm, Normalize::kBoth, RankBy::kInnerProduct, 1,
       2048},
      {Backbone::kLightGcn, Loss::kSm, Normalize::kBoth, RankBy::kInnerProduct,
       1, 2048},
      {Backbone::kLightGcn, Loss::kSsm, Normalize::kNone, RankBy::kAsTrained, 0,
       1024},
      {Backbone::kLightGcn, Loss::kBpr, Normalize::kNone, RankBy::kAsTrained, 0,
       1},
      {Backbone::kMf, Loss::kBce, Normalize::kBoth, RankBy::kAsTrained, 0, 4},
      {Backbone::kLightGcn, Loss::kCcl, Normalize::kBoth, RankBy::kAsTrained, 0,
       1024},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(static_cast<int>(&c - cases));
    const OfflineFitOptions fit = Defaults(c.backbone, c.loss, c.normalize);
    EXPECT_EQ(fit.rank, c.rank);
    EXPECT_EQ(fit.beta, c.beta);
    EXPECT_EQ(fit.negatives, c.negatives);
    EXPECT_EQ(HasSamplings(fit), c.rank == RankBy::kInnerProduct);
    // Dropout belongs to the softmax of cosines, and to MF.
    EXPECT_EQ(fit.dropout > 0,
              fit.backbone == Backbone::kMf || c.rank == RankBy::kInnerProduct);
  }
}

}  // namespace
}  // namespace taud::lab
