// Tables of SSM: J. Wu, X. Wang, X. Gao, J. Chen, H. Fu, T. Qiu, X. He, "On the
// Effectiveness of Sampled Softmax Loss for Item Recommendation", ACM TOIS
// 42(4), 2024, doi 10.1145/3637061.

#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/lab/tables/spec.h"

namespace taud::cli {
namespace {

constexpr char kPaper[] = "SSM (Wu et al., TOIS 2024)";
constexpr char kSearched[] =
    "The paper searches τ, the margin and weight of CCL, the l2 weight and the "
    "number of layers for each data set; here τ is Adap-τ's Eq. 14 and the "
    "rest "
    "is the same everywhere. SSM is trained with in-batch negatives and the "
    "cosine, and ranks by the inner product, as in the paper.";

std::vector<std::string> AllData() {
  return {"gowalla", "yelp2018", "amazon-book", "alibaba-ifashion"};
}

// Recall and NDCG of each data set, in the order of AllData.
std::map<std::string, std::vector<double>> Published(
    const std::vector<std::pair<double, double>>& figures) {
  std::map<std::string, std::vector<double>> published;
  const std::vector<std::string> data = AllData();
  for (size_t d = 0; d < figures.size(); ++d) {
    published[data[d]] = {figures[d].first, figures[d].second};
  }
  return published;
}

constexpr char kBce[] = "--loss bce --train-sim ip --temperature none";
constexpr char kBpr[] = "--loss bpr --train-sim ip --temperature none";
constexpr char kSm[] =
    "--loss sm --rho 1 --temperature adap_tau0 --rank-sim cos";
constexpr char kCcl[] = "--loss ccl --temperature none";
constexpr char kSsm[] =
    "--loss ssm-ib --rho 1 --temperature adap_tau0 --rank-sim ip";

LabRow LossRow(const std::string& backbone, const std::string& loss,
               const std::string& options,
               const std::vector<std::pair<double, double>>& figures) {
  const std::string flag = backbone == "MF"      ? "mf"
                           : backbone == "SVD++" ? "svdpp"
                           : backbone == "NGCF"  ? "ngcf"
                                                 : "lightgcn";
  LabRow row;
  row.group = backbone;
  row.label = loss;
  row.options = absl::StrCat("--backbone ", flag, " ", options);
  row.published = Published(figures);
  return row;
}

LabTable Table2() {
  const auto f = LossRow;
  return {
      "ssm-table-2",
      kPaper,
      "Table 2: losses on backbones",
      kSearched,
      AllData(),
      RankingColumns(),
      {
          f("MF", "BCE", kBce,
            {{.1555, .1294}, {.0571, .0464}, {.0303, .0236}, {.0950, .0439}}),
          f("MF", "BPR", kBpr,
            {{.1558, .1254}, {.0562, .0454}, {.0352, .0266}, {.1031, .0483}}),
          f("MF", "SM", kSm,
            {{.1777, .1434}, {.0709, .0581}, {.0515, .0399}, {.1225, .0593}}),
          f("MF", "CCL", kCcl,
            {{.1837, .1493}, {.0698, .0572}, {.0559, .0447}, {.1229, .0585}}),
          f("MF", "SSM", kSsm,
            {{.1231, .0878}, {.0509, .0404}, {.0473, .0367}, {.0841, .0400}}),
          f("SVD++", "BCE", kBce,
            {{.1549, .1284}, {.0564, .0459}, {.0306, .0235}, {.0969, .0458}}),
          f("SVD++", "BPR", kBpr,
            {{.1589, .1302}, {.0569, .0458}, {.0373, .0286}, {.1094, .0509}}),
          f("SVD++", "SM", kSm,
            {{.1852, .1550}, {.0679, .0555}, {.0478, .0371}, {.1157, .0559}}),
          f("SVD++", "CCL", kCcl,
            {{.1819, .1453}, {.0693, .0567}, {.0557, .0440}, {.1233, .0591}}),
          f("SVD++", "SSM", kSsm,
            {{.1669, .1376}, {.0693, .0569}, {.0547, .0429}, {.1276, .0622}}),
          f("NGCF", "BCE", kBce,
            {{.1541, .1303}, {.0563, .0463}, {.0330, .0264}, {.0547, .0238}}),
          f("NGCF", "BPR", kBpr,
            {{.1548, .1248}, {.0579, .0477}, {.0357, .0273}, {.0923, .0416}}),
          f("NGCF", "SM", kSm,
            {{.1766, .1471}, {.0699, .0573}, {.0486, .0377}, {.1169, .0552}}),
          f("NGCF", "CCL", kCcl,
            {{.1778, .1411}, {.0651, .0535}, {.0516, .0406}, {.1068, .0507}}),
          f("NGCF", "SSM", kSsm,
            {{.1854, .1548}, {.0736, .0608}, {.0552, .0431}, {.1296, .0629}}),
          f("LightGCN", "BCE", kBce,
            {{.1743, .1491}, {.0628, .0515}, {.0373, .0292}, {.0983, .0458}}),
          f("LightGCN", "BPR", kBpr,
            {{.1824, .1554}, {.0640, .0524}, {.0417, .0322}, {.1086, .0511}}),
          f("LightGCN", "SM", kSm,
            {{.1756, .1429}, {.0708, .0580}, {.0489, .0377}, {.1155, .0558}}),
          f("LightGCN", "CCL", kCcl,
            {{.1790, .1407}, {.0669, .0554}, {.0528, .0416}, {.1203, .0570}}),
          f("LightGCN", "SSM", kSsm,
            {{.1869, .1571}, {.0737, .0609}, {.0590, .0459}, {.1253, .0599}}),
      }};
}

LabTable Table3() {
  constexpr char kIp[] = " --train-sim ip --temperature none";
  const auto f = LossRow;
  return {
      "ssm-table-3",
      kPaper,
      "Table 3: in-batch negatives with other losses, LightGCN",
      kSearched,
      AllData(),
      RankingColumns(),
      {
          f("LightGCN", "BCE-IB", absl::StrCat("--loss bce-ib", kIp),
            {{.1429, .1196}, {.0524, .0427}, {.0361, .0269}, {.1107, .0526}}),
          f("LightGCN", "BPR-IB", absl::StrCat("--loss bpr-ib", kIp),
            {{.1225, .0877}, {.0492, .0381}, {.0470, .0364}, {.0937, .0449}}),
          f("LightGCN", "CCL-IB", "--loss ccl-ib --temperature none",
            {{.1093, .0771}, {.0484, .0377}, {.0495, .0404}, {.0644, .0295}}),
          f("LightGCN", "SSM", kSsm,
            {{.1869, .1571}, {.0737, .0609}, {.0590, .0459}, {.1253, .0599}}),
      }};
}

LabTable Table4() {
  constexpr char kIp[] =
      "--loss ssm-ib --rho 1 --train-sim ip --temperature none --rank-sim ";
  constexpr char kCos[] =
      "--loss ssm-ib --rho 1 --temperature adap_tau0 --rank-sim ";
  const auto f = LossRow;
  return {
      "ssm-table-4",
      kPaper,
      "Table 4: similarity in training and in ranking, LightGCN with SSM",
      "IP-Cos: inner products while it learns, cosines to rank. τ is Adap-τ's "
      "Eq. 14 with cosines, and 1 with inner products.",
      AllData(),
      RankingColumns(),
      {
          f("LightGCN", "IP-IP", absl::StrCat(kIp, "ip"),
            {{.1085, .0768}, {.0468, .0369}, {.0435, .0336}, {.0749, .0357}}),
          f("LightGCN", "IP-Cos", absl::StrCat(kIp, "cos"),
            {{.0825, .0551}, {.0317, .0241}, {.0358, .0281}, {.0236, .0095}}),
          f("LightGCN", "Cos-IP", absl::StrCat(kCos, "ip"),
            {{.1867, .1567}, {.0737, .0609}, {.0590, .0459}, {.1253, .0599}}),
          f("LightGCN", "Cos-Cos", absl::StrCat(kCos, "cos"),
            {{.1140, .0794}, {.0477, .0371}, {.0491, .0381}, {.0629, .0269}}),
      }};
}

LabRow MessageRow(const std::string& side, const std::string& alpha0,
                  const std::string& alpha1,
                  const std::vector<std::pair<double, double>>& figures) {
  LabRow row;
  row.group = absl::StrCat(side, " side");
  row.label = absl::StrCat("[", alpha0, ", ", alpha1, "]");
  row.options =
      absl::StrCat("--backbone svdpp --svdpp-side ", side, " --alpha0 ", alpha0,
                   " --alpha1 ", alpha1, " ", kSsm);
  row.published = Published(figures);
  return row;
}

LabTable Table5() {
  const auto f = MessageRow;
  return {
      "ssm-table-5",
      kPaper,
      "Table 5: messages in SVD++ with SSM",
      "[α₀, α₁]: exponents of the receiver's and the sender's degree. τ is "
      "Adap-τ's Eq. 14.",
      AllData(),
      RankingColumns(),
      {
          f("user", "0.5", "0",
            {{.1156, .0855}, {.0446, .0349}, {.0466, .0366}, {.1212, .0592}}),
          f("user", "0.5", "0.5",
            {{.1184, .0828}, {.0503, .0392}, {.0489, .0382}, {.1050, .0504}}),
          f("user", "1", "0",
            {{.1672, .1373}, {.0685, .0565}, {.0543, .0427}, {.1272, .0622}}),
          f("item", "0.5", "0",
            {{.1746, .1461}, {.0682, .0565}, {.0463, .0365}, {.1202, .0574}}),
          f("item", "0.5", "0.5",
            {{.1875, .1567}, {.0737, .0611}, {.0560, .0440}, {.1213, .0577}}),
          f("item", "1", "0",
            {{.0969, .0656}, {.0408, .0311}, {.0455, .0360}, {.0596, .0261}}),
      }};
}

// Seconds an epoch, best epoch, seconds in all.
LabRow CostRow(const std::string& label, const std::string& options,
               double epoch, double best, double total) {
  return {"LightGCN",
          label,
          absl::StrCat("--backbone lightgcn ", options),
          {{"amazon-book", {epoch, best, total}}}};
}

LabTable Table6() {
  return {
      "ssm-table-6",
      kPaper,
      "Table 6: time to learn, LightGCN of three layers",
      "The paper's times are of a Titan RTX. Ours: an epoch without measuring; "
      "the epoch that was chosen; all of the run, the choosing included.",
      {"amazon-book"},
      {{"epoch_seconds", "s an epoch", 1},
       {"epochs", "best epoch", 0},
       {"wall_seconds", "s in all", 0}},
      {
          CostRow("BCE, N = 4", absl::StrCat(kBce, " --negative-count 4"), 268,
                  61, 16320),
          CostRow("BPR, N = 1", absl::StrCat(kBpr, " --negative-count 1"), 48,
                  700, 33600),
          CostRow("BPR, N = 2048", absl::StrCat(kBpr, " --negative-count 2048"),
                  1983, 45, 89220),
          CostRow("SM", kSm, 81, 29, 2340),
          CostRow("CCL, N = 2048", absl::StrCat(kCcl, " --negative-count 2048"),
                  124, 34, 4200),
          CostRow("SSM, N = 2048", absl::StrCat(kSsm, " --batch-rows 2048"), 39,
                  21, 780),
      }};
}

// MB of memory and seconds an epoch; none where the paper ran out of memory.
LabRow PaddingRow(const std::string& loss, const std::string& options,
                  int padding, std::vector<double> figures) {
  LabRow row;
  row.group = loss;
  row.label = absl::StrCat(padding, " more items");
  row.options = absl::StrCat("--backbone lightgcn ", options, " --pad-items ",
                             padding, " --epochs 1 --select last");
  if (!figures.empty()) row.published["amazon-book"] = std::move(figures);
  return row;
}

LabTable Table7() {
  // In-batch negatives would not see the items.
  constexpr char kShared[] =
      "--layers 3 --rho 1 --temperature adap_tau0 --rank-sim ip --beta 0 "
      "--negative-count 2048 --negative-weight 1";
  return {
      "ssm-table-7",
      kPaper,
      "Table 7: memory and time with a larger catalogue, LightGCN",
      "The paper's memory is of a GPU; ours is the peak of the process. One "
      "epoch a run. With 500,000 more items SM ran out of memory in the paper.",
      {"amazon-book"},
      {{"peak_memory_mib", "MiB", 0}, {"epoch_seconds", "s an epoch", 1}},
      {
          PaddingRow("SM", kSm, 0, {4865, 81}),
          PaddingRow("SM", kSm, 100000, {5873, 132}),
          PaddingRow("SM", kSm, 200000, {9973, 183}),
          PaddingRow("SM", kSm, 500000, {}),
          PaddingRow("SSM", kShared, 0, {1793, 39}),
          PaddingRow("SSM", kShared, 100000, {1793, 41}),
          PaddingRow("SSM", kShared, 200000, {2801, 42}),
          PaddingRow("SSM", kShared, 500000, {}),
      }};
}

}  // namespace

std::vector<LabTable> SsmTables() {
  return {Table2(), Table3(), Table4(), Table5(), Table6(), Table7()};
}

}  // namespace taud::cli
