// What an experiment finds by trying: rho, tau0, the common taste, the exponent
// of norms, and what negatives are drawn by.

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lab/beta_trials.h"
#include "lab/defaults.h"
#include "lab/neighbour_trials.h"
#include "lab/rho_trials.h"
#include "lab/tau0_trials.h"
#include "tests/lab/experiment_testing.h"

namespace taud::lab {
namespace {

using ::testing::HasSubstr;

class ExperimentSearchTest : public ExperimentTest {};

// The trial of the ρ nearest to `rho`.
const SliceTrial& Nearest(const std::vector<SliceTrial>& trials, double rho) {
  return *std::min_element(trials.begin(), trials.end(),
                           [&](const SliceTrial& a, const SliceTrial& b) {
                             return std::abs(a.value - rho) <
                                    std::abs(b.value - rho);
                           });
}

// Keeps τ₀ as it is at the end of the fit with ρ = 1.
ExperimentObserver KeepSettledTau0(double* settled) {
  return [settled](const ExperimentProgress& progress) {
    if (progress.epoch_ended && progress.phase == "rho 1") {
      *settled = progress.tau0;
    }
    return true;
  };
}

TEST_F(ExperimentSearchTest, WithRhoTau0IsSettledFirstAndHeld) {
  ExperimentOptions options = Small();
  options.select = Select::kLast;
  options.fit.rho = 1.2;
  std::set<double> taus;  // while ρ is in force
  double settled = 0;
  const ExperimentResult result =
      Run(options, [&](const ExperimentProgress& progress) {
        if (!progress.epoch_ended) return true;
        if (progress.phase == "rho 1") settled = progress.tau0;
        if (progress.phase == "fit") taus.insert(progress.tau0);
        return true;
      });
  EXPECT_EQ(result.rho, 1.2);
  EXPECT_THAT(taus, testing::ElementsAre(settled));
  EXPECT_EQ(result.tau0, settled);
}

TEST_F(ExperimentSearchTest, FindsRhoAmongWhatItTried) {
  ExperimentOptions options = Small();
  options.find_rho = true;
  const ExperimentResult result = Run(options);
  ASSERT_GE(result.rho_trials.size(), 2u);
  EXPECT_EQ(result.rho_trials[0].value, 1.0);
  EXPECT_EQ(NextRho(result.rho_trials), std::nullopt);
  EXPECT_EQ(result.rho, ChooseRho(result.rho_trials));
  EXPECT_THAT(result.protocol, HasSubstr("rho chosen"));
}

TEST_F(ExperimentSearchTest, HoldsSoManyTimesWhatTheMomentsSay) {
  ExperimentOptions options = Small();
  options.tau0_factor = 1.5;
  options.select = Select::kLast;
  double settled = 0;
  const ExperimentResult result = Run(options, KeepSettledTau0(&settled));
  EXPECT_GT(settled, 0);
  EXPECT_EQ(result.tau0, 1.5 * settled);
  EXPECT_EQ(result.tau0_factor, 1.5);

  options.tau0_factor = 0;
  EXPECT_EQ(RunExperiment(dataset_, options, GoOn).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(ExperimentSearchTest, FindsTau0AmongWhatItTried) {
  ExperimentOptions options = Small();
  options.find_rho = options.find_tau0_factor = true;
  double settled = 0;
  const ExperimentResult result = Run(options, KeepSettledTau0(&settled));
  ASSERT_GE(result.tau0_trials.size(), 3u);
  // The first is the fit whose ρ is the nearest to the one found.
  const SliceTrial& tried = Nearest(result.rho_trials, result.rho);
  EXPECT_EQ(result.tau0_trials[0].value, 1.0);
  EXPECT_EQ(result.tau0_trials[0].recall, tried.recall);
  EXPECT_EQ(NextTau0Factor(result.tau0_trials), std::nullopt);
  EXPECT_EQ(result.tau0_factor, ChooseTau0Factor(result.tau0_trials));
  if (result.tau0_factor != 1.0) {
    EXPECT_DOUBLE_EQ(result.tau0, settled * result.tau0_factor);
  }
  EXPECT_THAT(result.protocol, HasSubstr("tau0 chosen"));
}

// Rows of few interactions, learnt for a moment, say less than what everybody
// likes.
TEST_F(ExperimentSearchTest, FindsWhatTheCommonTasteCounts) {
  Dataset dataset;
  dataset.items = 60;
  // Of ten items in six, with one of the other fifty each: the six missing ones
  // of somebody are what others have.
  for (uint32_t user = 0; user < 200; ++user) {
    std::vector<uint32_t> likes;
    for (uint32_t k = 0; k < 6; ++k) likes.push_back((user * 3 + k * 7) % 10);
    std::sort(likes.begin(), likes.end());
    likes.erase(std::unique(likes.begin(), likes.end()), likes.end());
    dataset.test.push_back({likes.back()});
    likes.back() = 10 + user % 50;
    dataset.train.push_back(likes);
  }
  ExperimentOptions options = Small();
  options.fit.schedule_epochs = 1;
  options.find_prior = true;
  options.select = Select::kLast;
  const auto found = RunExperiment(dataset, options, GoOn);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_GT(found->prior, 0);
  EXPECT_THAT(found->protocol, HasSubstr("common taste's weight chosen"));
  // The same as if it had been given, and better than without.
  options.find_prior = false;
  options.prior = found->prior;
  const auto given = RunExperiment(dataset, options, GoOn);
  ASSERT_TRUE(given.ok()) << given.status();
  EXPECT_EQ(given->test.recall, found->test.recall);
  options.prior = 0;
  const auto without = RunExperiment(dataset, options, GoOn);
  ASSERT_TRUE(without.ok()) << without.status();
  EXPECT_GT(found->test.ndcg[0], without->test.ndcg[0]);

  options.prior = -1;
  EXPECT_EQ(RunExperiment(dataset, options, GoOn).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(ExperimentSearchTest, TheCommonTasteDoesNotChangeWhatRhoIsFound) {
  ExperimentOptions options = Small();
  options.find_rho = options.find_prior = true;
  options.select = Select::kLast;
  const ExperimentResult both = Run(options);
  options.find_prior = false;
  const ExperimentResult alone = Run(options);
  EXPECT_EQ(both.rho, alone.rho);
  ASSERT_EQ(both.rho_trials.size(), alone.rho_trials.size());
  ASSERT_FALSE(both.prior_trials.empty());
  EXPECT_EQ(both.prior, ChoosePrior(both.prior_trials));
  EXPECT_EQ(both.prior_trials[0].value, 0);
  EXPECT_TRUE(alone.prior_trials.empty());
  const SliceTrial& tried = Nearest(both.rho_trials, both.rho);
  EXPECT_EQ(both.prior_trials[0].recall, tried.recall);
  EXPECT_EQ(both.prior_trials[0].ndcg, tried.ndcg);
}

TEST_F(ExperimentSearchTest, TheCommonTasteIsFoundForAGivenRho) {
  ExperimentOptions options = Small();
  options.fit.rho = 1.1;
  options.find_prior = true;
  std::set<std::string> phases;
  const ExperimentResult result =
      Run(options, [&](const ExperimentProgress& progress) {
        phases.insert(progress.phase);
        return true;
      });
  EXPECT_THAT(phases,
              testing::ElementsAre("refit", "rho 1", "rho 1.1", "validation"));
  EXPECT_EQ(result.rho, 1.1);
  EXPECT_EQ(result.prior, ChoosePrior(result.prior_trials));
}

TEST_F(ExperimentSearchTest, FindsWhatTheNeighbourhoodCounts) {
  ExperimentOptions options = Small();
  options.find_neighbours = true;
  options.select = Select::kLast;
  const ExperimentResult found = Run(options);
  ASSERT_GT(found.neighbour_trials.size(), 3u);
  EXPECT_EQ(found.neighbour_trials[0].weights.weight, 0);
  EXPECT_EQ(found.neighbours.weight,
            ChooseNeighbourWeights(found.neighbour_trials).weight);

  // What ranks is what was found, with the lists of all of train.
  options.find_neighbours = false;
  options.neighbours = found.neighbours;
  const ExperimentResult given = Run(options);
  EXPECT_TRUE(given.neighbour_trials.empty());
  EXPECT_EQ(given.test.main_recall(), found.test.main_recall());
  EXPECT_EQ(given.test.main_ndcg(), found.test.main_ndcg());
  options.neighbours = {0.5f, 0.25f};
  const ExperimentResult much = Run(options);
  options.neighbours = {};
  EXPECT_NE(much.test.main_ndcg(), Run(options).test.main_ndcg());

  // After the whole fit on the slice it is found again.
  options.select = Select::kValidation;
  options.find_neighbours = true;
  const ExperimentResult chosen = Run(options);
  EXPECT_EQ(chosen.neighbours.weight,
            ChooseNeighbourWeights(chosen.neighbour_trials).weight);
  EXPECT_EQ(chosen.neighbours.power,
            ChooseNeighbourWeights(chosen.neighbour_trials).power);
}

TEST_F(ExperimentSearchTest, FindsHowMuchNormsCount) {
  ExperimentOptions options = Small();
  options.fit.backbone = trainer::Backbone::kLightGcn;
  SetDefaults(&options.fit);
  options.fit.schedule_epochs = 7;
  options.fit.learning_rate = 1e-3;  // so that not everything has been learnt
  options.find_norm_exponent = true;
  for (const Select select : {Select::kLast, Select::kValidation}) {
    SCOPED_TRACE(static_cast<int>(select));
    options.find_norm_exponent = true;
    options.select = select;
    std::set<std::string> phases;
    const ExperimentResult result =
        Run(options, [&](const ExperimentProgress& progress) {
          phases.insert(progress.phase);
          return true;
        });
    const bool last = select == Select::kLast;
    EXPECT_EQ(phases,
              last ? std::set<std::string>({"rho 1", "fit"})
                   : std::set<std::string>({"rho 1", "validation", "refit"}));
    ASSERT_GE(result.norm_trials.size(), 2u);
    EXPECT_EQ(result.norm_trials[0].value, 0);
    ASSERT_TRUE(result.norm_exponent.has_value());
    EXPECT_EQ(*result.norm_exponent, ChooseNormExponent(result.norm_trials));
    EXPECT_THAT(result.protocol, HasSubstr("the norms' exponent chosen"));

    // The same as if it had been given.
    options.find_norm_exponent = false;
    options.norm_exponent = result.norm_exponent;
    const ExperimentResult given = Run(options);
    EXPECT_TRUE(given.norm_trials.empty());
    EXPECT_EQ(given.norm_exponent, result.norm_exponent);
    EXPECT_EQ(given.test.recall, result.test.recall);
    options.norm_exponent.reset();
  }
}

TEST_F(ExperimentSearchTest, FindsWhatNegativesAreDrawnBy) {
  ExperimentOptions options = Small();
  options.fit.backbone = trainer::Backbone::kLightGcn;
  SetDefaults(&options.fit);
  options.fit.schedule_epochs = 3;
  options.fit.learning_rate = 3e-3;  // so that not everything has been learnt
  options.find_beta = options.find_norm_exponent = true;
  options.select = Select::kLast;
  std::vector<std::string> phases;
  double share = 0;
  const ExperimentResult result =
      Run(options, [&](const ExperimentProgress& progress) {
        share = progress.share;
        if (progress.epoch_ended && progress.epoch == 1) {
          phases.push_back(progress.phase);
        }
        return true;
      });
  const std::vector<SliceTrial>& trials = result.beta_trials;
  ASSERT_GE(trials.size(), 2u);
  ASSERT_EQ(phases.size(), trials.size() + 1);
  EXPECT_EQ(phases[0], "beta 0");
  EXPECT_EQ(phases[1], "beta 0.25");
  EXPECT_NEAR(share, 1, 1e-9);
  for (size_t i = 0; i < trials.size(); ++i) {
    EXPECT_EQ(trials[i].value, kBetas[i]);
  }
  EXPECT_EQ(NextBeta(trials), std::nullopt);
  const SliceTrial& chosen = trials[ChooseBeta(trials)];
  EXPECT_EQ(result.beta, chosen.value);
  EXPECT_THAT(result.protocol, HasSubstr("the negatives' beta chosen"));
  // Where the exponent was tried is the fit that was best.
  EXPECT_EQ(BestMerit(result.norm_trials), Merit(chosen));

  // The same as if both had been given.
  options.find_beta = options.find_norm_exponent = false;
  options.fit.beta = result.beta;
  options.norm_exponent = result.norm_exponent;
  const ExperimentResult given = Run(options);
  EXPECT_TRUE(given.beta_trials.empty());
  EXPECT_EQ(given.test.recall, result.test.recall);
}

TEST_F(ExperimentSearchTest, RhoIsJudgedByTheBestExponent) {
  ExperimentOptions options = Small();
  options.fit.backbone = trainer::Backbone::kLightGcn;
  options.fit.learning_rate = 1e-3;
  options.find_rho = options.find_norm_exponent = options.find_prior = true;
  options.select = Select::kLast;
  const ExperimentResult result = Run(options);
  ASSERT_FALSE(result.norm_trials.empty());
  EXPECT_EQ(result.norm_exponent, ChooseNormExponent(result.norm_trials));
  EXPECT_GT(*result.norm_exponent, 0);
  // κ is tried with that exponent, on the fit whose ρ is nearest.
  const double best = BestMerit(result.norm_trials);
  ASSERT_FALSE(result.prior_trials.empty());
  EXPECT_EQ(Merit(result.prior_trials[0]), best);
  EXPECT_EQ(Merit(Nearest(result.rho_trials, result.rho)), best);
}

}  // namespace
}  // namespace taud::lab
