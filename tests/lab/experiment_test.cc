#include "lab/experiment.h"

#include <algorithm>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lab/tau0_trials.h"
#include "model/item_lists.h"
#include "tests/lab/experiment_testing.h"

namespace taud::lab {
namespace {

using ::testing::HasSubstr;

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
