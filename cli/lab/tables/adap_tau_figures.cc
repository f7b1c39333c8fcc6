// Figures of Adap-τ (Chen et al., WWW 2023). They print no numbers, so there
// are none beside ours. Runs that a table has too are run once.

#include "cli/lab/tables/spec.h"

namespace taud::cli {
namespace {

using Kind = LabDrawing::Kind;

constexpr char kPaper[] = "Adap-τ (Chen et al., WWW 2023)";
constexpr char kGroups[] = "popularity group, 10 the most popular items";

std::vector<std::string> AllData() {
  return {"yelp2018", "amazon-book", "ml-1m", "gowalla"};
}

// The paper goes to 1 by steps of 0.02; beyond 0.3 they are wider here.
std::vector<double> WideTauGrid() {
  return {.02, .04, .06, .08, .10, .12, .14, .16, .18, .20,
          .22, .24, .26, .28, .30, .40, .60, .80, 1.0};
}

LabTable Figure1() {
  return {
      "adap-tau-figure-1",
      kPaper,
      "Figure 1: item norms, popularity, scores and recall while MF learns",
      "Panels a (norms by popularity, without normalisation), b (recall by "
      "popularity), c (scores of positives) and d (recall), by epoch. Recall "
      "is measured on test after every second epoch; nothing is chosen by it.",
      {"yelp2018"},
      RankingColumns(),
      {
          {"MF",
           "no norm",
           "--rho 1 --normalize none --temperature none --select last "
           "--measure-every 2",
           {}},
          {"MF",
           "norm",
           "--rho 1 --temperature adap_tau0 --select last --measure-every 2",
           {}},
      },
      {
          {Kind::kByEpochAndPopularity, "a-norms", "item_norm_by_popularity",
           "Mean norm of items by popularity group", "epoch", "mean norm"},
          {Kind::kByPopularity, "b-groups", "recall@20_by_popularity",
           "Recall@20 by popularity group", kGroups, "share of recall@20"},
          {Kind::kByEpoch, "c-scores", "positive_score", "Scores of positives",
           "epoch", "mean f(u, i)"},
          {Kind::kByEpoch, "d-recall", "recall@20", "Recall@20 on test",
           "epoch", "recall@20"},
      }};
}

LabTable Figure2() {
  return {"adap-tau-figure-2",
          kPaper,
          "Figure 2: recall of MF by temperature",
          "Relative to the best of the data set. The paper's steps are 0.02 "
          "up to 1; here they are up to 0.3.",
          AllData(),
          RankingColumns(),
          {{"MF",
            "fixed τ",
            "--rho 1 --temperature fixed",
            {},
            "--tau",
            WideTauGrid()}},
          {{Kind::kRelativeSweep, "recall", "recall@20",
            "Recall@20 of MF by temperature", "τ",
            "recall@20 ÷ the best of the data set"}}};
}

LabTable Figure3() {
  return {"adap-tau-figure-3",
          kPaper,
          "Figure 3: recall by popularity group",
          "MF; the groups hold the same number of interactions each.",
          AllData(),
          RankingColumns(),
          {{"MF", "No norm", "--rho 1 --normalize none --temperature none", {}},
           {"MF",
            "Grid search τ",
            "--rho 1 --temperature fixed",
            {},
            "--tau",
            TauGrid()},
           {"MF", "Adap-τ", "--rho 1", {}}},
          {{Kind::kByPopularity, "groups", "recall@20_by_popularity",
            "Recall@20 by popularity group", kGroups, "share of recall@20"}}};
}

LabTable Figure4() {
  return {"adap-tau-figure-4",
          kPaper,
          "Figure 4: recall by temperature, and the temperatures of users",
          "MF. Levels: recall with temperatures of the users' own; areas: how "
          "these are distributed.",
          AllData(),
          RankingColumns(),
          {{"MF",
            "Grid search τ",
            "--rho 1 --temperature fixed",
            {},
            "--tau",
            TauGrid()},
           {"MF", "Cu-τ", "--rho 1 --temperature cu_tau", {}},
           {"MF", "Adap-τ", "--rho 1", {}}},
          {{Kind::kSweepAndTau, "tau", "recall@20",
            "Recall@20 by temperature, and temperatures of users", "τ",
            "recall@20"}}};
}

LabTable Figure6() {
  return {"adap-tau-figure-6",
          kPaper,
          "Figure 6: temperatures of users by the noise of their data",
          "MF with Adap-τ; a random quarter of the users each has 10, 20, 30 "
          "and 40 % of false positives added.",
          AllData(),
          RankingColumns(),
          {{"MF", "Adap-τ", "--rho 1 --noise-groups 0.1,0.2,0.3,0.4", {}}},
          {{Kind::kTauByNoiseGroup, "tau", "tau_u_by_noise_group",
            "Temperatures of users by added noise", "τ_u", ""}}};
}

LabTable Figure7() {
  return {"adap-tau-figure-7",
          kPaper,
          "Figure 7: gradient by temperature",
          "The mean magnitude of ∂L/∂f(u, i) by Eq. 8, of MF learnt with that "
          "temperature, over 500 users and all items.",
          {"gowalla"},
          {{"recall@20", "Recall@20"}, {"gradient_magnitude", "gradient", 9}},
          {{"MF",
            "fixed τ",
            "--rho 1 --temperature fixed",
            {},
            "--tau",
            WideTauGrid()}},
          {{Kind::kSweep, "gradient", "gradient_magnitude",
            "Gradient by temperature", "τ", "mean |∂L/∂f(u, i)|"}}};
}

}  // namespace

std::vector<LabTable> AdapTauFigures() {
  return {Figure1(), Figure2(), Figure3(), Figure4(), Figure6(), Figure7()};
}

}  // namespace taud::cli
