#include "cli/lab/option_names.h"

#include "absl/strings/str_cat.h"
#include "lab/defaults.h"

namespace taud::cli {

using trainer::Backbone;
using trainer::Contrast;
using trainer::Loss;
using trainer::NegativeSource;
using trainer::Normalize;
using trainer::RankBy;
using trainer::TemperatureRule;

const Names<Loss>& Losses() {
  static const auto& names = *new Names<Loss>{{"ssm", Loss::kSsm},
                                              {"sm", Loss::kSm},
                                              {"bpr", Loss::kBpr},
                                              {"bce", Loss::kBce},
                                              {"ccl", Loss::kCcl}};
  return names;
}

const Names<NegativeSource>& Sources() {
  static const auto& names =
      *new Names<NegativeSource>{{"shared", NegativeSource::kShared},
                                 {"per_row", NegativeSource::kPerRow},
                                 {"in_batch", NegativeSource::kInBatch}};
  return names;
}

const Names<TemperatureRule>& Rules() {
  static const auto& names =
      *new Names<TemperatureRule>{{"adap_tau", TemperatureRule::kAdapTau},
                                  {"adap_tau0", TemperatureRule::kAdapTau0},
                                  {"fixed", TemperatureRule::kFixed},
                                  {"c_tau", TemperatureRule::kCTau},
                                  {"cu_tau", TemperatureRule::kCuTau},
                                  {"none", TemperatureRule::kNone}};
  return names;
}

const Names<Normalize>& Normalizations() {
  static const auto& names = *new Names<Normalize>{{"both", Normalize::kBoth},
                                                   {"user", Normalize::kUser},
                                                   {"item", Normalize::kItem},
                                                   {"none", Normalize::kNone}};
  return names;
}

const Names<Contrast>& Contrasts() {
  static const auto& names = *new Names<Contrast>{{"none", Contrast::kNone},
                                                  {"sgl", Contrast::kSgl},
                                                  {"simgcl", Contrast::kSimGcl},
                                                  {"ncl", Contrast::kNcl}};
  return names;
}

const Names<lab::Select>& Selects() {
  static const auto& names =
      *new Names<lab::Select>{{"validation", lab::Select::kValidation},
                              {"test", lab::Select::kTest},
                              {"last", lab::Select::kLast}};
  return names;
}

Backbone BackboneOf(const LabFlags& flags) {
  if (flags.backbone == "lightgcn") return Backbone::kLightGcn;
  if (flags.backbone == "ngcf") return Backbone::kNgcf;
  if (flags.backbone != "svdpp") return Backbone::kMf;
  return flags.svdpp_side == "item" ? Backbone::kSvdPpItem
                                    : Backbone::kSvdPpUser;
}

std::string RankName(const lab::ExperimentOptions& options) {
  if (options.find_norm_exponent) return "auto";
  if (options.norm_exponent.has_value()) {
    return absl::StrCat(*options.norm_exponent);
  }
  if (options.fit.rank == RankBy::kCosine) return "cos";
  if (options.fit.rank == RankBy::kInnerProduct) return "ip";
  return "as trained";
}

RankBy RankOf(const std::string& name) {
  if (name == "cos") return RankBy::kCosine;
  if (name == "ip") return RankBy::kInnerProduct;
  return RankBy::kAsTrained;
}

std::string RhoOf(const LabFlags& flags,
                  const trainer::OfflineFitOptions& fit) {
  if (!flags.rho.empty()) return flags.rho;
  const bool found = fit.backbone == Backbone::kMf || lab::LeavesNormsFree(fit);
  return found ? "auto" : "1";
}

// A fit that finds ρ is the daemon's own; what is given by hand is the papers',
// who rank by the users' vectors alone.
std::string PriorOf(const LabFlags& flags,
                    const trainer::OfflineFitOptions& fit) {
  if (!flags.prior.empty()) return flags.prior;
  return RhoOf(flags, fit) == "auto" ? "auto" : "0";
}

// The same: Eq. 14 is the papers'.
std::string Tau0FactorOf(const LabFlags& flags,
                         const trainer::OfflineFitOptions& fit) {
  if (!flags.tau0_factor.empty()) return flags.tau0_factor;
  const bool found =
      fit.backbone == Backbone::kMf && RhoOf(flags, fit) == "auto";
  return found ? "auto" : "1";
}

// The same: the papers' tables measure the papers' methods.
std::string NeighboursOf(const LabFlags& flags,
                         const trainer::OfflineFitOptions& fit) {
  if (!flags.neighbours.empty()) return flags.neighbours;
  return RhoOf(flags, fit) == "auto" ? "auto" : "0";
}

}  // namespace taud::cli
