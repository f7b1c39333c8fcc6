// Figures of SSM (Wu et al., TOIS 2024). They print no numbers, so there are
// none beside ours. Runs that a table has too are run once.

#include "absl/strings/str_cat.h"
#include "cli/lab/tables/spec.h"

namespace taud::cli {
namespace {

using Kind = LabDrawing::Kind;

constexpr char kPaper[] = "SSM (Wu et al., TOIS 2024)";
constexpr char kGroups[] = "popularity group, 10 the most popular items";

std::vector<std::string> AllData() {
  return {"gowalla", "yelp2018", "amazon-book", "alibaba-ifashion"};
}

LabTable Figure1() {
  const std::string on = "--backbone lightgcn ";
  return {"ssm-figure-1",
          kPaper,
          "Figure 1: recall by popularity group and loss, LightGCN",
          "The runs of Table 2.",
          AllData(),
          RankingColumns(),
          {{"LightGCN",
            "BCE",
            on + "--loss bce --train-sim ip --temperature none",
            {}},
           {"LightGCN",
            "BPR",
            on + "--loss bpr --train-sim ip --temperature none",
            {}},
           {"LightGCN",
            "SM",
            on + "--loss sm --rho 1 --temperature adap_tau0 --rank-sim cos",
            {}},
           {"LightGCN", "CCL", on + "--loss ccl --temperature none", {}},
           {"LightGCN",
            "SSM",
            on + "--loss ssm-ib --rho 1 --temperature adap_tau0 --rank-sim ip",
            {}}},
          {{Kind::kByPopularity, "groups", "recall@20_by_popularity",
            "Recall@20 by popularity group", kGroups, "share of recall@20"}}};
}

LabRow BetaRow(const std::string& tau) {
  return {"LightGCN",
          absl::StrCat("SSM-", tau),
          absl::StrCat("--backbone lightgcn --rho 1 --temperature fixed --tau ",
                       tau,
                       " --layers 3 --rank-sim ip --negatives shared "
                       "--negative-count 2048 --negative-weight 1"),
          {},
          "--beta",
          {0, .1, .2, .3, .4, .5, .6, .7, .8, .9, 1}};
}

LabTable Figure3() {
  return {"ssm-figure-3",
          kPaper,
          "Figure 3: where negatives are drawn from, LightGCN",
          "p(i) ∝ popularity^β, one draw for all rows of a step; a curve a τ.",
          AllData(),
          RankingColumns(),
          {BetaRow("0.05"), BetaRow("0.1"), BetaRow("0.15")},
          {{Kind::kSweep, "beta", "recall@20", "Recall@20 by β", "β",
            "recall@20"}}};
}

LabTable Figure4() {
  const std::vector<double> counts = {1, 4, 16, 64, 256, 1024, 2048};
  return {"ssm-figure-4",
          kPaper,
          "Figure 4: number of negatives, LightGCN",
          "BPR draws N for each row, SSM N for all rows of a step, by "
          "popularity as in-batch negatives are.",
          AllData(),
          RankingColumns(),
          {{"LightGCN",
            "BPR",
            "--backbone lightgcn --loss bpr --train-sim ip --temperature none",
            {},
            "--negative-count",
            counts},
           {"LightGCN",
            "SSM",
            "--backbone lightgcn --rho 1 --temperature adap_tau0 --rank-sim ip "
            "--layers 3 --negatives shared --beta 1 --negative-weight 1",
            {},
            "--negative-count",
            counts}},
          {{Kind::kSweep, "negatives", "recall@20",
            "Recall@20 by number of negatives", "N", "recall@20",
            /*log_x=*/true}}};
}

LabRow NormRow(const std::string& backbone, const std::string& flag, bool ssm) {
  return {
      backbone,
      ssm ? "SSM" : "BPR",
      absl::StrCat("--backbone ", flag, " --epochs 50 --select last --l2 0 ",
                   ssm ? "--loss ssm-ib --rho 1 --temperature adap_tau0 "
                         "--rank-sim ip"
                       : "--loss bpr --train-sim ip --temperature none"),
      {}};
}

LabTable Figure5() {
  return {"ssm-figure-5",
          kPaper,
          "Figure 5: norms of items learnt by SSM and BPR",
          "Without l2, 50 epochs, as in the paper. Rows of MF that are learnt "
          "by direction alone are kept at norm 1 here: that curve is flat.",
          AllData(),
          RankingColumns(),
          {NormRow("MF", "mf", true), NormRow("LightGCN", "lightgcn", true),
           NormRow("MF", "mf", false), NormRow("LightGCN", "lightgcn", false)},
          {{Kind::kByPopularity, "norms", "item_norm_by_popularity",
            "Mean norm of items by popularity group", kGroups, "mean norm"}}};
}

}  // namespace

std::vector<LabTable> SsmFigures() {
  return {Figure1(), Figure3(), Figure4(), Figure5()};
}

}  // namespace taud::cli
