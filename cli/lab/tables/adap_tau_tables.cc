// Tables of Adap-τ: J. Chen, J. Wu, J. Wu, X. Cao, S. Zhou, X. He, "Adap-τ:
// Adaptively Modulating Embedding Magnitude for Recommendation", WWW 2023, doi
// 10.1145/3543507.3583363. Its softmax has ρ = 1.

#include "absl/strings/str_cat.h"
#include "cli/lab/tables/spec.h"

namespace taud::cli {
namespace {

constexpr char kPaper[] = "Adap-τ (Chen et al., WWW 2023)";

LabTable Table1() {
  return {
      "adap-tau-table-1",
      kPaper,
      "Table 1: MF with and without normalisation of users and items",
      "Y-N: users are normalised, items are not. The temperature of the "
      "one-sided rows, which the paper does not print, is 0.1; that of Y-Y is "
      "the best of a grid.",
      {"yelp2018", "amazon-book"},
      RankingColumns(),
      {
          {"",
           "N-N",
           "--rho 1 --normalize none --temperature none",
           {{"yelp2018", {.0677, .0554}}, {"amazon-book", {.0457, .0352}}}},
          {"",
           "Y-N",
           "--rho 1 --normalize user --temperature fixed --tau 0.1",
           {{"yelp2018", {.0709, .0585}}, {"amazon-book", {.0529, .0419}}}},
          {"",
           "N-Y",
           "--rho 1 --normalize item --temperature fixed --tau 0.1",
           {{"yelp2018", {.0703, .0577}}, {"amazon-book", {.0513, .0399}}}},
          {"",
           "Y-Y",
           "--rho 1 --temperature fixed",
           {{"yelp2018", {.0714, .0586}}, {"amazon-book", {.0542, .0422}}},
           "--tau",
           TauGrid()},
      }};
}

// Longer than a function should be: it is the table, a row a line or more.
LabTable Table2() {
  return {
      "adap-tau-table-2",
      kPaper,
      "Table 2: Adap-τ and other ways to a temperature",
      "The rows of the paper have ρ = 1, as its equations have. Its published "
      "program weighs the two sides of the softmax differently; the last row "
      "of each backbone, which is not the paper's, finds ρ on the validation "
      "slice and is what taud does by default.",
      {"yelp2018", "amazon-book", "ml-1m", "gowalla"},
      RankingColumns(),
      {
          {"MF",
           "No norm",
           "--rho 1 --normalize none --temperature none",
           {{"yelp2018", {.0677, .0554}},
            {"amazon-book", {.0457, .0352}},
            {"ml-1m", {.2721, .2525}},
            {"gowalla", {.1616, .1366}}}},
          {"MF",
           "Grid search τ",
           "--rho 1 --temperature fixed",
           {{"yelp2018", {.0714, .0586}},
            {"amazon-book", {.0542, .0422}},
            {"ml-1m", {.2789, .2624}},
            {"gowalla", {.1761, .1399}}},
           "--tau",
           TauGrid()},
          {"MF",
           "C-τ",
           "--rho 1 --temperature c_tau",
           {{"yelp2018", {.0647, .0528}},
            {"amazon-book", {.0538, .0418}},
            {"ml-1m", {.2472, .2260}},
            {"gowalla", {.1723, .1362}}}},
          {"MF",
           "Cu-τ",
           "--rho 1 --temperature cu_tau",
           {{"yelp2018", {.0691, .0566}},
            {"amazon-book", {.0541, .0421}},
            {"ml-1m", {.2600, .2398}},
            {"gowalla", {.1751, .1383}}}},
          {"MF",
           "Adap-τ₀",
           "--rho 1 --temperature adap_tau0",
           {{"yelp2018", {.0714, .0585}},
            {"amazon-book", {.0549, .0427}},
            {"ml-1m", {.2792, .2638}},
            {"gowalla", {.1754, .1386}}}},
          {"MF",
           "Adap-τ",
           "--rho 1",
           {{"yelp2018", {.0721, .0594}},
            {"amazon-book", {.0553, .0430}},
            {"ml-1m", {.2815, .2673}},
            {"gowalla", {.1838, .1506}}}},
          {"MF", "taud's default", "", {}},
          {"LightGCN",
           "No norm",
           "--backbone lightgcn --rho 1 --normalize none --temperature none",
           {{"yelp2018", {.0649, .0530}},
            {"amazon-book", {.0411, .0315}},
            {"ml-1m", {.2576, .2427}},
            {"gowalla", {.1830, .1554}}}},
          {"LightGCN",
           "Grid search τ",
           "--backbone lightgcn --rho 1 --temperature fixed",
           {{"yelp2018", {.0730, .0605}},
            {"amazon-book", {.0596, .0477}},
            {"ml-1m", {.2767, .2575}},
            {"gowalla", {.1878, .1577}}},
           "--tau",
           TauGrid()},
          {"LightGCN",
           "C-τ",
           "--backbone lightgcn --rho 1 --temperature c_tau",
           {{"yelp2018", {.0653, .0537}},
            {"amazon-book", {.0571, .0453}},
            {"ml-1m", {.2529, .2282}},
            {"gowalla", {.1731, .1431}}}},
          {"LightGCN",
           "Cu-τ",
           "--backbone lightgcn --rho 1 --temperature cu_tau",
           {{"yelp2018", {.0690, .0571}},
            {"amazon-book", {.0586, .0468}},
            {"ml-1m", {.2582, .2357}},
            {"gowalla", {.1797, .1488}}}},
          {"LightGCN",
           "Adap-τ₀",
           "--backbone lightgcn --rho 1 --temperature adap_tau0",
           {{"yelp2018", {.0724, .0603}},
            {"amazon-book", {.0601, .0480}},
            {"ml-1m", {.2744, .2571}},
            {"gowalla", {.1841, .1526}}}},
          {"LightGCN",
           "Adap-τ",
           "--backbone lightgcn --rho 1",
           {{"yelp2018", {.0733, .0612}},
            {"amazon-book", {.0612, .0490}},
            {"ml-1m", {.2787, .2615}},
            {"gowalla", {.1901, .1590}}}},
          {"LightGCN", "taud's default", "--backbone lightgcn", {}},
      }};
}

// Recall and NDCG of Yelp2018 and Amazon-Book.
LabRow NoiseRow(const std::string& ratio, bool grid, double yelp_recall,
                double yelp_ndcg, double amazon_recall, double amazon_ndcg) {
  LabRow row;
  row.group = absl::StrCat("noise ", ratio);
  row.label = grid ? "Grid search" : "Adap-τ";
  row.options = absl::StrCat("--rho 1 --noise ", ratio,
                             grid ? " --temperature fixed" : "");
  row.published = {{"yelp2018", {yelp_recall, yelp_ndcg}},
                   {"amazon-book", {amazon_recall, amazon_ndcg}}};
  if (grid) {
    row.swept = "--tau";
    row.values = TauGrid();
  }
  return row;
}

LabTable Table4() {
  return {"adap-tau-table-4",
          kPaper,
          "Table 4: MF with false positives among the training items",
          "The ratio is that of added to known items, the same for every user.",
          {"yelp2018", "amazon-book"},
          RankingColumns(),
          {
              NoiseRow("0.1", true, .0722, .0601, .0564, .0455),
              NoiseRow("0.1", false, .0735, .0613, .0577, .0467),
              NoiseRow("0.2", true, .0703, .0584, .0534, .0432),
              NoiseRow("0.2", false, .0717, .0593, .0546, .0443),
              NoiseRow("0.3", true, .0696, .0577, .0509, .0409),
              NoiseRow("0.3", false, .0702, .0584, .0520, .0422),
              NoiseRow("0.4", true, .0678, .0563, .0493, .0400),
              NoiseRow("0.4", false, .0685, .0569, .0507, .0412),
              NoiseRow("0.5", true, .0667, .0554, .0481, .0388),
              NoiseRow("0.5", false, .0672, .0560, .0487, .0394),
          }};
}

LabTable Table5() {
  return {"adap-tau-table-5",
          kPaper,
          "Table 5: τ₀ by Eq. 13 and by Eq. 14",
          "Of the moments after the last epoch of MF with Adap-τ, ρ = 1.",
          {"yelp2018", "amazon-book", "ml-1m", "gowalla"},
          {{"variance_gap", "σ₊² − σ²", 6},
           {"tau0_eq13", "τ₀ by Eq. 13", 6},
           {"tau0_eq14", "τ₀ by Eq. 14", 6}},
          {{"MF",
            "Adap-τ",
            "--rho 1",
            {{"yelp2018", {-.004362, .095602, .099263}},
             {"amazon-book", {-.001356, .078836, .079994}},
             {"ml-1m", {-.017910, .148159, .156905}},
             {"gowalla", {-.001148, .094281, .095187}}}}}};
}

}  // namespace

std::vector<LabTable> AdapTauTables() {
  return {Table1(), Table2(), Table4(), Table5()};
}

}  // namespace taud::cli
