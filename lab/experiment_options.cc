// What an experiment is asked for: in range or not, and said in words.

#include <string>

#include "absl/strings/str_cat.h"
#include "lab/experiment.h"
#include "query/query_weights.h"
#include "trainer/cuda/cuda_light_gcn.h"
#include "trainer/kernels/vector_kernels.h"

namespace taud::lab {
namespace {

// A number of the options, and the range it must be in.
struct Bound {
  absl::string_view field;
  double value, least, most;
};

}  // namespace

absl::Status CheckOptions(const ExperimentOptions& options) {
  constexpr double kAny = 1e9;
  constexpr double kTiny = 1e-9;
  const trainer::OfflineFitOptions& fit = options.fit;
  const Bound bounds[] = {
      {"tau", fit.tau, kTiny, kAny},
      {"rho", fit.rho, kTiny, kAny},
      {"tau0_factor", options.tau0_factor, 0.1, 10},
      {"prior", options.prior, 0, query::kMaxPrior},
      {"neighbours", double{options.neighbours.weight}, 0, 100},
      {"neighbours' power", double{options.neighbours.power}, 0, 4},
      {"neighbour_count", static_cast<double>(options.neighbour_count), 1,
       100'000},
      {"norm_exponent", options.norm_exponent.value_or(0), 0, kMaxNormExponent},
      {"beta", fit.beta, 0, 1},
      {"dropout", fit.dropout, 0, 1 - kTiny},
      {"message_dropout", fit.message_dropout, 0, 1 - kTiny},
      {"edge_dropout", fit.edge_dropout, 0, 1 - kTiny},
      {"learning_rate", fit.learning_rate, 0, kAny},
      {"epochs", static_cast<double>(fit.schedule_epochs), 1, kAny},
      {"dim", static_cast<double>(fit.dim), 1, trainer::kMaxDim},
      {"layers", static_cast<double>(fit.layers), 1, 4},
      {"negatives", static_cast<double>(fit.negatives), 1, 1 << 20},
      {"batch_rows", static_cast<double>(fit.batch_rows), 32, 1 << 20},
      {"threshold_quantile", fit.threshold_quantile, 0, 1 - kTiny},
      {"super_loss", fit.super_loss, kTiny, kAny},
      {"threads", static_cast<double>(options.threads), 1, 1024},
  };
  for (const Bound& bound : bounds) {
    if (bound.value >= bound.least && bound.value <= bound.most) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(bound.field, " is ", bound.value, ", expected ",
                     bound.least, " to ", bound.most));
  }
  return absl::OkStatus();
}

bool NeedsTensors(const ExperimentOptions& options) {
  if (!trainer::CpuLearnerTakes(options.fit)) return true;
  return options.device != "cpu" && !trainer::FitsCudaLearner(options.fit);
}

}  // namespace taud::lab
