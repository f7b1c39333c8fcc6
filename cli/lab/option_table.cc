#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "cli/lab/option_names.h"
#include "cli/lab/option_row.h"
#include "cli/lab/options.h"

// The lab's options, a row each.

namespace taud::cli {
namespace {

using Fit = trainer::OfflineFitOptions;
using Experiment = lab::ExperimentOptions;
using Json = nlohmann::ordered_json;

// When a result tells an option: where it has an influence.
bool HasLayers(const Experiment& options) {
  return options.fit.backbone == trainer::Backbone::kLightGcn ||
         options.fit.backbone == trainer::Backbone::kNgcf;
}
bool IsSvdPp(const Experiment& options) {
  return options.fit.backbone == trainer::Backbone::kSvdPpUser ||
         options.fit.backbone == trainer::Backbone::kSvdPpItem;
}
bool IsCcl(const Experiment& options) {
  return options.fit.loss == trainer::Loss::kCcl;
}
bool IsFixed(const Experiment& options) {
  return options.fit.temperature == trainer::TemperatureRule::kFixed;
}
bool IsAdaptive(const Experiment& options) {
  return trainer::IsAdaptive(options.fit.temperature);
}
bool Contrasts(const Experiment& options) {
  return options.fit.contrast != trainer::Contrast::kNone;
}

std::vector<LabOption> Data() {
  using F = LabFlags;
  return {
      LabOption("--data", &F::data, std::string(),
                "Directory of train.txt and test.txt, lines of `user item "
                "item …`")
          .With([](CLI::Option* option) { option->required(); })
          .Told("data"),
      LabOption("--noise", &F::noise, 0.0,
                "False positives to add to train, as a share of each user's "
                "items")
          .In(0.0, 10.0)
          .Told("noise"),
      LabOption("--noise-groups", &F::noise_groups, std::vector<double>(),
                "The same with a share for each of some random groups of "
                "users: 0.1,0.2,0.3,0.4")
          .With([](CLI::Option* option) {
            option->delimiter(',')->excludes("--noise");
          })
          .Tells([](const F& flags, const Experiment&, Json* json) {
            if (flags.noise_groups.empty()) return;
            (*json)["noise_groups"] = flags.noise_groups;
          }),
      LabOption("--pad-items", &F::padding, uint32_t{0},
                "Items to add that nobody has, as negatives and to rank: "
                "what a larger catalogue costs")
          .In(0, 100'000'000)
          .Sets(&F::padding, &Fit::padding)
          .Told("pad_items",
                [](const Experiment& o) { return o.fit.padding > 0; }),
  };
}

std::vector<LabOption> Backbones() {
  using F = LabFlags;
  return {
      LabOption("--backbone", &F::backbone, std::string("mf"),
                "What makes the vectors")
          .OneOf({"mf", "lightgcn", "svdpp", "ngcf"})
          .ShowsDefault()
          .Told("backbone"),
      LabOption("--layers", &F::layers, 0,
                "Of lightgcn and ngcf; by default 3, and 2 for lightgcn "
                "with a softmax of cosines and shared negatives")
          .In(1, 4)
          .SetsUnless(0, &F::layers, &Fit::layers)
          .Told("layers", HasLayers),
      LabOption("--message-dropout", &F::message_dropout, 0.0,
                "Of lightgcn and ngcf")
          .In(0.0, 0.9)
          .ShowsDefault()
          .Sets(&F::message_dropout, &Fit::message_dropout)
          .Told("message_dropout", HasLayers),
      LabOption("--svdpp-side", &F::svdpp_side, std::string("user"),
                "Whose vectors gather their history")
          .OneOf({"user", "item"})
          .ShowsDefault()
          .Told("svdpp_side", IsSvdPp),
      LabOption("--alpha0", &F::alpha0, -1.0,
                "SVD++: exponent of the receiver's degree; by default the "
                "SSM paper's best, 1 (user side) or 0.5 (item side)")
          .In(0.0, 2.0)
          .SetsUnless(-1.0, &F::alpha0, &Fit::alpha0)
          .Told("alpha0", IsSvdPp),
      LabOption("--alpha1", &F::alpha1, -1.0,
                "SVD++: exponent of the sender's degree; by default 0 (user "
                "side) or 0.5 (item side)")
          .In(0.0, 2.0)
          .SetsUnless(-1.0, &F::alpha1, &Fit::alpha1)
          .Told("alpha1", IsSvdPp),
  };
}

std::vector<LabOption> LossAndWeights() {
  using F = LabFlags;
  return {
      LabOption("--loss", &F::loss, std::string("ssm"),
                "Sampled softmax, softmax over all items, BPR, BCE or CCL; "
                "-ib: with the other rows' positives as negatives")
          .OneOf({"ssm", "sm", "bpr", "bce", "ccl", "ssm-ib", "bpr-ib",
                  "bce-ib", "ccl-ib"})
          .ShowsDefault()
          .Told("loss_function"),
      LabOption("--ccl-margin", &F::ccl_margin, 0.4, "m of CCL")
          .ShowsDefault()
          .Sets(&F::ccl_margin, &Fit::ccl_margin)
          .Told("ccl_margin", IsCcl),
      LabOption("--ccl-weight", &F::ccl_weight, 150.0, "w of CCL")
          .ShowsDefault()
          .Sets(&F::ccl_weight, &Fit::ccl_weight)
          .Told("ccl_weight", IsCcl),
      LabOption("--rho", &F::rho, std::string(),
                "Weight of the negative side of the softmax losses, or "
                "auto: chosen on a slice cut from train; by default auto for "
                "mf and for a softmax of cosines, otherwise 1")
          .ToldAs("rho_option",
                  [](const F& flags, const Experiment& options) {
                    return Json(RhoOf(flags, options.fit));
                  }),
      LabOption("--prior", &F::prior, std::string(),
                "Interactions that the common taste counts as, beside the "
                "user's own, in what items are ranked by, or auto: chosen on a "
                "slice cut from train; by default auto where --rho is, "
                "otherwise 0")
          .Tells([](const F& flags, const Experiment& options, Json* json) {
            // Without it there is nothing to tell, as before there was such an
            // option.
            const std::string prior = PriorOf(flags, options.fit);
            if (prior != "0") (*json)["prior_option"] = prior;
          }),
      LabOption("--neighbours", &F::neighbours, std::string(),
                "What a user's neighbourhood counts beside the vectors, as "
                "LAMBDA or LAMBDA,P (query/neighbourhood.h), or auto: chosen "
                "on a slice cut from train; by default auto where --rho is, "
                "otherwise 0")
          .Tells([](const F& flags, const Experiment& options, Json* json) {
            const std::string neighbours = NeighboursOf(flags, options.fit);
            if (neighbours != "0") (*json)["neighbours_option"] = neighbours;
          }),
      LabOption("--neighbour-count", &F::neighbour_count, 200,
                "Neighbours that an item's list has, at most")
          .In(1, 100'000)
          .ShowsDefault()
          .Tells([](const F& flags, const Experiment& options, Json* json) {
            if (NeighboursOf(flags, options.fit) == "0") return;
            (*json)["neighbour_count"] = flags.neighbour_count;
          }),
  };
}

std::vector<LabOption> Negatives() {
  using F = LabFlags;
  return {
      LabOption("--negatives", &F::negatives, std::string(),
                "One draw for all rows of a step, one for each row, or the "
                "other rows' positives; by default shared, and per_row for "
                "bpr and bce")
          .OneOf(Keys(Sources()))
          .ToldAs("negatives",
                  [](const F&, const Experiment& options) {
                    return Json(NameOf(Sources(), options.fit.source));
                  }),
      LabOption("--negative-count", &F::negative_count, 0,
                "Negatives drawn; by default 1024 shared, or a row 64, 1 "
                "(bpr), 4 (bce)")
          .In(1, 1 << 20)
          .SetsUnless(0, &F::negative_count, &Fit::negatives)
          .Told("negative_count"),
      LabOption("--beta", &F::beta, std::string(),
                "Negatives are drawn in proportion to popularity^beta, from 0 "
                "(uniform) to 1, or auto: chosen on a slice cut from train. By "
                "default auto for the sampled softmax of cosines with "
                "backbones but mf and shared negatives, otherwise 0")
          .Tells([](const F&, const Experiment& options, Json* json) {
            (*json)["beta"] = options.fit.beta;
            if (options.find_beta) (*json)["beta_option"] = "auto";
          }),
      LabOption("--negative-weight", &F::negative_weight, std::string("auto"),
                "What a negative counts in the softmax: 1 (the papers), or "
                "auto: items / negatives, as many as it stands for")
          .OneOf({"1", "auto"})
          .ShowsDefault()
          .Resolves([](const F& flags, Experiment* options) {
            options->fit.weigh_negatives = flags.negative_weight == "auto";
          })
          .Told("negative_weight"),
      LabOption("--false-negatives", &F::false_negatives, std::string("keep"),
                "The user's own items among the negatives")
          .OneOf({"leave_out", "keep"})
          .ShowsDefault()
          .Resolves([](const F& flags, Experiment* options) {
            options->fit.leave_out_known = flags.false_negatives == "leave_out";
          })
          .Told("false_negatives"),
  };
}

std::vector<LabOption> Similarity() {
  using F = LabFlags;
  return {
      LabOption("--train-sim", &F::train_sim, std::string("cos"),
                "f(u, i) in the loss: cosine or inner product")
          .OneOf({"cos", "ip"})
          .ShowsDefault(),
      LabOption("--rank-sim", &F::rank_sim, std::string(),
                "What items are ranked by: cos, ip, or a number P for cos "
                "times the item's norm to the power of P (0 is cos, 1 is ip), "
                "or auto: P is chosen on a slice cut from train. By default as "
                "in the loss, and auto for the softmax of cosines with "
                "backbones but mf")
          .ToldAs("rank_sim",
                  [](const F&, const Experiment& options) {
                    return Json(RankName(options));
                  }),
      LabOption("--normalize", &F::normalize, std::string(),
                "The sides of f(u, i) that are unit vectors; by default both "
                "with --train-sim cos, none with ip")
          .OneOf(Keys(Normalizations()))
          .ToldAs("normalize",
                  [](const F&, const Experiment& options) {
                    return Json(
                        NameOf(Normalizations(), options.fit.normalize));
                  }),
  };
}

std::vector<LabOption> Temperature() {
  using F = LabFlags;
  return {
      LabOption("--temperature", &F::temperature, std::string("adap_tau"),
                "adap_tau (a temperature a user), adap_tau0 (one for all, "
                "from the data), fixed (--tau), c_tau and cu_tau (one, one "
                "a user, learned through the loss), none (1)")
          .SetsByName(Rules(), &F::temperature, &Fit::temperature)
          .ShowsDefault()
          .Told("temperature"),
      LabOption("--tau", &F::tau, 0.1, "The temperature, if it is fixed")
          .In(0.001, 10.0)
          .ShowsDefault()
          .Sets(&F::tau, &Fit::tau)
          .Told("tau", IsFixed),
      LabOption("--tau0-equation", &F::equation, 14,
                "Of the Adap-tau paper: 14, or 13 with both variances")
          .Check(CLI::IsMember({13, 14}))
          .ShowsDefault()
          .Resolves([](const F& flags, Experiment* options) {
            options->fit.eq13 = flags.equation == 13;
          })
          .Told("tau0_equation", IsAdaptive),
      LabOption("--tau0-factor", &F::tau0_factor, std::string(),
                "tau0 is so many times what the equation says, or auto: chosen "
                "on a slice cut from train; by default auto for mf where --rho "
                "is, otherwise 1")
          .Tells([](const F& flags, const Experiment& options, Json* json) {
            const std::string factor = Tau0FactorOf(flags, options.fit);
            if (factor != "1") (*json)["tau0_factor_option"] = factor;
          }),
      LabOption("--super-loss-beta", &F::super_loss, 0.0,
                "beta of Eq. 16: the greater, the closer the users' "
                "temperatures")
          .In(1e-3, 1e3)
          .SetsUnless(0.0, &F::super_loss, &Fit::super_loss)
          .Told("super_loss_beta", IsAdaptive),
      LabOption("--common-tau", &F::common_temperature, -1.0,
                "The temperature at which users' losses are compared; 0: "
                "tau0")
          .In(0.0, 10.0)
          .SetsUnless(-1.0, &F::common_temperature, &Fit::common_temperature)
          .Told("common_tau", IsAdaptive),
      LabOption("--threshold", &F::threshold, std::string("mean"),
                "m_u of Eq. 16: mean, or a quantile such as 0.9")
          .ShowsDefault()
          .Told("threshold", IsAdaptive),
  };
}

std::vector<LabOption> Contrast() {
  using F = LabFlags;
  return {
      LabOption("--contrast", &F::contrast, std::string("none"),
                "A contrastive loss beside the first, with --backbone "
                "lightgcn")
          .SetsByName(cli::Contrasts(), &F::contrast, &Fit::contrast)
          .ShowsDefault()
          .Told("contrast"),
      LabOption("--contrast-weight", &F::contrast_weight, 0.1, "Its weight")
          .ShowsDefault()
          .Sets(&F::contrast_weight, &Fit::contrast_weight)
          .Told("contrast_weight", Contrasts),
      LabOption("--contrast-tau", &F::contrast_tau, 0.2, "Its temperature")
          .In(0.001, 10.0)
          .ShowsDefault()
          .Sets(&F::contrast_tau, &Fit::contrast_tau)
          .Told("contrast_tau", Contrasts),
      LabOption("--edge-dropout", &F::edge_dropout, 0.1,
                "sgl: share of edges that a view lacks")
          .In(0.0, 0.9)
          .ShowsDefault()
          .Sets(&F::edge_dropout, &Fit::edge_dropout)
          .Told("edge_dropout", Contrasts),
      LabOption("--perturbation", &F::perturbation, 0.1,
                "simgcl: length of the noise in a view")
          .ShowsDefault()
          .Sets(&F::perturbation, &Fit::noise)
          .Told("perturbation", Contrasts),
      LabOption("--prototypes", &F::prototypes, 1000, "ncl: clusters a side")
          .In(2, 100000)
          .ShowsDefault()
          .Sets(&F::prototypes, &Fit::prototypes)
          .Told("prototypes", Contrasts),
  };
}

std::vector<LabOption> Optimisation() {
  using F = LabFlags;
  return {
      LabOption("--learning-rate", &F::learning_rate, 0.0,
                "Adam's rate at the start of the schedule; by default what "
                "suits the backbone, and the data's density")
          .In(1e-6, 1.0)
          .SetsUnless(0.0, &F::learning_rate, &Fit::learning_rate)
          .Told("learning_rate"),
      LabOption("--batch-rows", &F::batch_rows, 0,
                "Positives a step, at most; by default what suits the "
                "backbone")
          .In(32, 1 << 20)
          .SetsUnless(0, &F::batch_rows, &Fit::batch_rows)
          .Told("batch_rows"),
      LabOption("--l2", &F::l2, -1.0,
                "Weight of the square of the batch's rows; by default 0, "
                "and 1e-4 for inner products")
          .In(0.0, 10.0)
          .SetsUnless(-1.0, &F::l2, &Fit::l2)
          .Told("l2"),
      LabOption("--dropout", &F::dropout, -1.0,
                "Share of a user's coordinates that a step leaves out; by "
                "default what suits the backbone")
          .In(0.0, 0.9)
          .SetsUnless(-1.0, &F::dropout, &Fit::dropout)
          .Told("dropout"),
      LabOption("--epochs", &F::epochs, 0,
                "Length of the learning-rate schedule; by default what "
                "suits the backbone")
          .In(1, 10000)
          .SetsUnless(0, &F::epochs, &Fit::schedule_epochs)
          .Told("schedule_epochs"),
      LabOption("--dim", &F::dim, 64, "Width of the vectors")
          .In(1, 1024)
          .ShowsDefault()
          .Sets(&F::dim, &Fit::dim)
          .Told("dim"),
      LabOption("--seed", &F::seed, uint64_t{1},
                "Seed of everything but the slice")
          .ShowsDefault()
          .Sets(&F::seed, &Fit::seed)
          .Told("seed"),
  };
}

std::vector<LabOption> Running() {
  using F = LabFlags;
  return {
      LabOption(
          "--threads", &F::threads,
          std::max(1, static_cast<int>(std::thread::hardware_concurrency())),
          "Threads to learn with")
          .In(1, 256)
          .ShowsDefault()
          .Sets(&F::threads, &Experiment::threads)
          .Told("threads"),
      LabOption("--device", &F::device, std::string("cpu"),
                "cpu, auto (a GPU where there is one), cuda or cuda:N. "
                "Matrix factorisation and LightGCN with the sampled softmax "
                "need CUDA alone, all else a LibTorch with CUDA")
          .ShowsDefault()
          .Sets(&F::device, &Experiment::device)
          .Told("device"),
      LabOption("--select", &F::select, std::string("validation"),
                "What chooses the epoch: validation (a slice of train, then "
                "all of train is fitted), test (the papers' way, flatters), "
                "last (nothing)")
          .OneOf(Keys(Selects()))
          .ShowsDefault()
          .Resolves([](const F& flags, Experiment* options) {
            options->select = Selects().at(flags.select);
          })
          .Told("select"),
      LabOption("--measure-every", &F::measure_every, 0,
                "Measures the last fit on test after every so many epochs, "
                "for its curve in --json; nothing is chosen by it")
          .In(1, 10000)
          .Sets(&F::measure_every, &Experiment::measure_every)
          .Told("measure_every",
                [](const Experiment& o) { return o.measure_every > 0; }),
  };
}

}  // namespace

const std::vector<LabOption>& LabOptionTable() {
  static const auto& table = *[] {
    auto* all = new std::vector<LabOption>;
    for (auto part :
         {Data(), Backbones(), LossAndWeights(), Negatives(), Similarity(),
          Temperature(), Contrast(), Optimisation(), Running()}) {
      all->insert(all->end(), part.begin(), part.end());
    }
    return all;
  }();
  return table;
}

}  // namespace taud::cli
