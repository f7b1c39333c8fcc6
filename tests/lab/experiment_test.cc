#include "lab/experiment.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lab/beta_trials.h"
#include "lab/defaults.h"
#include "lab/rho_trials.h"
#include "lab/tau0_trials.h"
#include "model/item_lists.h"

namespace taud::lab {
namespace {

using ::testing::HasSubstr;

constexpr uint32_t kClusters = 6;

// Users take items of their own cluster only; two of each user's are for test.
Dataset Clusters() {
  Dataset dataset;
  dataset.items = 180;
  dataset.train.resize(150);
  dataset.test.resize(150);
  std::mt19937 random(4);
  for (uint32_t u = 0; u < 150; ++u) {
    std::set<uint32_t> taken;
    while (taken.size() < 14) {
      taken.insert(random() % (dataset.items / kClusters) * kClusters +
                   u % kClusters);
    }
    std::vector<uint32_t> items(taken.begin(), taken.end());
    std::shuffle(items.begin(), items.end(), random);
    dataset.test[u].assign(items.begin(), items.begin() + 2);
    dataset.train[u].assign(items.begin() + 2, items.end());
    std::sort(dataset.train[u].begin(), dataset.train[u].end());
  }
  return dataset;
}

// The most popular items that the user does not have.
RankingReport Popularity(const Dataset& dataset) {
  const std::vector<uint32_t> popularity =
      CountPopularity(dataset.train, dataset.items);
  std::vector<uint32_t> order(dataset.items);
  for (uint32_t i = 0; i < dataset.items; ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return popularity[a] > popularity[b];
  });
  model::ItemLists lists(dataset.test.size());
  for (size_t u = 0; u < lists.size(); ++u) {
    for (const uint32_t item : order) {
      if (std::binary_search(dataset.train[u].begin(), dataset.train[u].end(),
                             item)) {
        continue;
      }
      lists[u].push_back(item);
    }
  }
  return MeasureLists(lists, dataset.test, popularity);
}

// The trial of the ρ nearest to `rho`.
const SliceTrial& Nearest(const std::vector<SliceTrial>& trials, double rho) {
  return *std::min_element(trials.begin(), trials.end(),
                           [&](const SliceTrial& a, const SliceTrial& b) {
                             return std::abs(a.value - rho) <
                                    std::abs(b.value - rho);
                           });
}

ExperimentOptions Small() {
  ExperimentOptions options;
  options.fit.schedule_epochs = 10;
  options.fit.learning_rate = 6e-3;
  options.fit.dim = 16;
  options.find_rho = false;
  options.find_prior = false;
  return options;
}

bool GoOn(const ExperimentProgress&) { return true; }

class ExperimentTest : public testing::Test {
 protected:
  ExperimentResult Run(const ExperimentOptions& options,
                       const ExperimentObserver& observer = GoOn) {
    auto result = RunExperiment(dataset_, options, observer);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *result : ExperimentResult();
  }
  const Dataset dataset_ = Clusters();
};

TEST_F(ExperimentTest, BeatsPopularity) {
  std::vector<ExperimentProgress> seen;
  const ExperimentResult result =
      Run(Small(), [&](const ExperimentProgress& progress) {
        if (progress.epoch_ended) seen.push_back(progress);
        return true;
      });
  EXPECT_GT(result.test.main_recall(),
            1.5 * Popularity(dataset_).main_recall());
  EXPECT_THAT(result.protocol, HasSubstr("validation"));
  EXPECT_GT(result.validation_recall, 0);
  EXPECT_EQ(result.user_temperatures.size(), 150u);
  EXPECT_LT(result.user_temperatures.front(), result.user_temperatures.back());
  // First the slice, then all of train as long as was best on the slice.
  ASSERT_EQ(seen.size(), static_cast<size_t>(10 + result.epochs));
  EXPECT_EQ(seen.front().phase, "validation");
  EXPECT_EQ(seen.back().phase, "refit");
  double best = 0;
  int best_epoch = 0;
  for (size_t e = 0; e < 10; ++e) {
    if (seen[e].recall > best) best_epoch = seen[e].epoch;
    best = std::max(best, seen[e].recall);
  }
  EXPECT_EQ(result.validation_recall, best);
  EXPECT_EQ(result.epochs, best_epoch);
  EXPECT_NEAR(seen.back().share, 1, 1e-9);
  EXPECT_EQ(seen.back().recall, result.test.main_recall());
}

TEST_F(ExperimentTest, TheSameSeedGivesTheSameFigures) {
  ExperimentOptions options = Small();
  options.select = Select::kLast;
  const ExperimentResult a = Run(options);
  const ExperimentResult b = Run(options);
  EXPECT_EQ(a.test.recall, b.test.recall);
  EXPECT_EQ(a.test.ndcg, b.test.ndcg);
  EXPECT_EQ(a.tau0, b.tau0);
  EXPECT_EQ(a.loss, b.loss);
  EXPECT_EQ(a.user_temperatures, b.user_temperatures);
  options.fit.seed = 2;
  EXPECT_NE(Run(options).loss, a.loss);
}

TEST_F(ExperimentTest, SelectingOnTestIsNeverWorseAndSaysSo) {
  ExperimentOptions options = Small();
  options.select = Select::kTest;
  double best = 0;
  const ExperimentResult result =
      Run(options, [&](const ExperimentProgress& progress) {
        if (progress.epoch_ended) best = std::max(best, progress.recall);
        return true;
      });
  EXPECT_EQ(result.test.main_recall(), best);
  EXPECT_THAT(result.protocol, HasSubstr("on the test set itself"));
}

TEST_F(ExperimentTest, AFixedTemperatureIsEverybodys) {
  ExperimentOptions options = Small();
  options.select = Select::kLast;
  options.fit.temperature = trainer::TemperatureRule::kFixed;
  options.fit.tau = 0.17;
  const ExperimentResult result = Run(options);
  EXPECT_EQ(result.tau0, 0.17);
  EXPECT_FLOAT_EQ(result.user_temperatures.front(), 0.17f);
  EXPECT_FLOAT_EQ(result.user_temperatures.back(), 0.17f);
}

TEST_F(ExperimentTest, AdapTau0IsOneForAllFromTheData) {
  ExperimentOptions options = Small();
  options.select = Select::kLast;
  options.fit.temperature = trainer::TemperatureRule::kAdapTau0;
  const ExperimentResult result = Run(options);
  EXPECT_EQ(result.user_temperatures.front(), result.user_temperatures.back());
  EXPECT_FLOAT_EQ(result.user_temperatures.front(),
                  static_cast<float>(result.tau0));
}

TEST_F(ExperimentTest, WithRhoTau0IsSettledFirstAndHeld) {
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

TEST_F(ExperimentTest, FindsRhoAmongWhatItTried) {
  ExperimentOptions options = Small();
  options.find_rho = true;
  const ExperimentResult result = Run(options);
  ASSERT_GE(result.rho_trials.size(), 2u);
  EXPECT_EQ(result.rho_trials[0].value, 1.0);
  EXPECT_EQ(NextRho(result.rho_trials), std::nullopt);
  EXPECT_EQ(result.rho, ChooseRho(result.rho_trials));
  EXPECT_THAT(result.protocol, HasSubstr("rho chosen"));
}

TEST_F(ExperimentTest, HoldsSoManyTimesWhatTheMomentsSay) {
  ExperimentOptions options = Small();
  options.tau0_factor = 1.5;
  options.select = Select::kLast;
  double settled = 0;
  const ExperimentResult result =
      Run(options, [&](const ExperimentProgress& progress) {
        if (progress.epoch_ended && progress.phase == "rho 1") {
          settled = progress.tau0;
        }
        return true;
      });
  EXPECT_GT(settled, 0);
  EXPECT_EQ(result.tau0, 1.5 * settled);
  EXPECT_EQ(result.tau0_factor, 1.5);

  options.tau0_factor = 0;
  EXPECT_EQ(RunExperiment(dataset_, options, GoOn).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(ExperimentTest, FindsTau0AmongWhatItTried) {
  ExperimentOptions options = Small();
  options.find_rho = options.find_tau0_factor = true;
  double settled = 0;
  const ExperimentResult result =
      Run(options, [&](const ExperimentProgress& progress) {
        if (progress.epoch_ended && progress.phase == "rho 1") {
          settled = progress.tau0;
        }
        return true;
      });
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
TEST_F(ExperimentTest, FindsWhatTheCommonTasteCounts) {
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

TEST_F(ExperimentTest, TheCommonTasteDoesNotChangeWhatRhoIsFound) {
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

TEST_F(ExperimentTest, TheCommonTasteIsFoundForAGivenRho) {
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

TEST_F(ExperimentTest, FindsHowMuchNormsCount) {
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

TEST_F(ExperimentTest, FindsWhatNegativesAreDrawnBy) {
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

TEST_F(ExperimentTest, AnExponentOfZeroIsTheCosineAndOfOneTheInnerProduct) {
  ExperimentOptions options = Small();
  options.fit.backbone = trainer::Backbone::kLightGcn;
  options.fit.learning_rate = 1e-3;
  options.select = Select::kLast;
  std::vector<double> recalls;
  for (const double exponent : {0.0, 1.0}) {
    options.fit.rank = exponent == 0 ? trainer::RankBy::kCosine
                                     : trainer::RankBy::kInnerProduct;
    const ExperimentResult ranked = Run(options);
    EXPECT_FALSE(ranked.norm_exponent.has_value());
    // Whatever the rows are that the fit gives.
    options.fit.rank = exponent == 0 ? trainer::RankBy::kInnerProduct
                                     : trainer::RankBy::kCosine;
    options.norm_exponent = exponent;
    const ExperimentResult powered = Run(options);
    options.norm_exponent.reset();
    EXPECT_EQ(powered.test.recall, ranked.test.recall);
    EXPECT_EQ(powered.test.ndcg, ranked.test.ndcg);
    recalls.push_back(ranked.test.ndcg[0]);
  }
  EXPECT_NE(recalls[0], recalls[1]);
  options.norm_exponent = -1;
  EXPECT_EQ(RunExperiment(dataset_, options, GoOn).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(ExperimentTest, RhoIsJudgedByTheBestExponent) {
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

TEST_F(ExperimentTest, StopsWhenAskedTo) {
  int calls = 0;
  const auto result =
      RunExperiment(dataset_, Small(),
                    [&](const ExperimentProgress&) { return ++calls < 5; });
  EXPECT_EQ(result.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(calls, 5);
}

TEST_F(ExperimentTest, UsersWithoutTrainingCountAsMissed) {
  Dataset dataset = dataset_;
  dataset.train[0].clear();
  ExperimentOptions options = Small();
  options.select = Select::kLast;
  const auto result = RunExperiment(dataset, options, GoOn);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->test.users, 150u);
  EXPECT_EQ(result->user_temperatures.size(), 149u);
}

TEST_F(ExperimentTest, WithoutLibTorchItSaysWhichProgramHasIt) {
  ExperimentOptions options = Small();
  options.fit.backbone = trainer::Backbone::kNgcf;
  ASSERT_TRUE(NeedsTensors(options));
  const auto result = RunExperiment(dataset_, options, GoOn);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("tauctl-lab"));
}

TEST_F(ExperimentTest, RefusesOptionsOutOfRange) {
  const auto message = [&](auto change) {
    ExperimentOptions options = Small();
    change(&options);
    const auto result = RunExperiment(dataset_, options, GoOn);
    EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(result.status().message());
  };
  using Options = ExperimentOptions*;
  EXPECT_THAT(message([](Options o) { o->fit.rho = 0; }),
              HasSubstr("rho is 0"));
  EXPECT_THAT(message([](Options o) { o->fit.beta = 1.5; }), HasSubstr("beta"));
  EXPECT_THAT(message([](Options o) { o->fit.learning_rate = -1; }),
              HasSubstr("learning_rate"));
  EXPECT_THAT(message([](Options o) { o->fit.schedule_epochs = 0; }),
              HasSubstr("epochs"));
  EXPECT_THAT(message([](Options o) { o->fit.dim = 4096; }), HasSubstr("dim"));
  EXPECT_THAT(message([](Options o) { o->fit.dropout = 1; }),
              HasSubstr("dropout"));
  EXPECT_THAT(message([](Options o) { o->threads = 0; }), HasSubstr("threads"));
  EXPECT_THAT(message([](Options o) {
                o->fit.temperature = trainer::TemperatureRule::kFixed;
                o->fit.tau = -1;
              }),
              HasSubstr("tau is -1"));
}

TEST_F(ExperimentTest, TheCurveIsMeasuredAndChoosesNothing) {
  ExperimentOptions options = Small();
  options.select = Select::kLast;
  const ExperimentResult plain = Run(options);
  options.measure_every = 4;
  const ExperimentResult measured = Run(options);
  EXPECT_EQ(measured.test.recall, plain.test.recall);
  ASSERT_EQ(measured.curve.size(), 10u);
  for (const EpochFigures& epoch : measured.curve) {
    const bool looked = epoch.epoch % 4 == 0 || epoch.epoch == 10;
    EXPECT_EQ(epoch.recall >= 0, looked) << epoch.epoch;
    // Rows of matrix factorisation on the sphere.
    EXPECT_NEAR(epoch.item_norm[0], 1, 1e-5);
  }
  EXPECT_EQ(measured.curve.back().recall, plain.test.main_recall());
  EXPECT_LT(plain.curve[0].recall, 0);
  // Positives come closer while it learns.
  EXPECT_GT(plain.curve[9].positive_score, plain.curve[0].positive_score);
  EXPECT_GT(plain.gradient_magnitude, 0);
  EXPECT_TRUE(plain.validation_curve.empty());
}

TEST(ColdUserTest, IsGivenWhatIsPopular) {
  Dataset dataset = Clusters();
  // Item 0 becomes everybody's, and all that a new user wants.
  for (auto& items : dataset.train) {
    if (items.front() != 0) items.insert(items.begin(), 0);
  }
  for (auto& items : dataset.test) items.clear();
  dataset.train.emplace_back();
  dataset.test.push_back({0});
  ExperimentOptions options = Small();
  options.select = Select::kLast;
  options.fit.schedule_epochs = 1;
  const auto result = RunExperiment(dataset, options, GoOn);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->test.users, 1u);
  EXPECT_EQ(result->test.main_ndcg(), 1);
  EXPECT_EQ(dataset.cold_users(), 1u);
}

}  // namespace
}  // namespace taud::lab
