#include "cli/lab/options.h"

#include "gtest/gtest.h"

namespace taud::cli {
namespace {

lab::ExperimentOptions Options(const std::vector<std::string>& words) {
  std::vector<std::string> all = {"--data", "somewhere"};
  all.insert(all.end(), words.begin(), words.end());
  const auto flags = ParseLabFlags(all);
  EXPECT_TRUE(flags.ok()) << flags.status();
  const auto options = Resolve(*flags);
  EXPECT_TRUE(options.ok()) << options.status();
  return *options;
}

TEST(LabOptionsTest, WhatIsGivenIsNotLookedFor) {
  const struct {
    std::vector<std::string> words;
    bool rho, prior, norms, beta = false;
  } cases[] = {
      {{}, true, true, false},
      {{"--prior", "2"}, true, false, false},
      {{"--rho", "1.1"}, false, false, false},
      {{"--rho", "1.1", "--prior", "auto"}, false, true, false},
      {{"--backbone", "lightgcn"}, true, true, true, true},
      {{"--backbone", "lightgcn", "--beta", "0.5"}, true, true, true, false},
      {{"--backbone", "lightgcn", "--loss", "sm"}, true, true, true, false},
      {{"--backbone", "lightgcn", "--rho", "1"}, false, false, true, true},
      {{"--backbone", "svdpp", "--rank-sim", "cos"}, true, true, false, true},
      {{"--backbone", "svdpp", "--rank-sim", "0.7"}, true, true, false, true},
      {{"--backbone", "svdpp", "--loss", "ssm-ib"}, true, true, true},
      {{"--backbone", "lightgcn", "--loss", "bpr"}, false, false, false},
      {{"--backbone", "ngcf", "--loss", "bpr", "--rank-sim", "auto"},
       false,
       false,
       true},
      {{"--backbone", "lightgcn", "--train-sim", "ip"}, false, false, false},
  };
  for (const auto& c : cases) {
    const lab::ExperimentOptions options = Options(c.words);
    SCOPED_TRACE(c.words.empty() ? "defaults" : c.words.back());
    EXPECT_EQ(options.find_rho, c.rho);
    EXPECT_EQ(options.find_tau0_factor,
              c.rho && options.fit.backbone == trainer::Backbone::kMf);
    EXPECT_EQ(options.find_prior, c.prior);
    EXPECT_EQ(options.find_norm_exponent, c.norms);
    EXPECT_EQ(options.find_beta, c.beta);
  }
  EXPECT_EQ(Options({"--prior", "2.5"}).prior, 2.5);
}

TEST(LabOptionsTest, WhatWasFoundIsNotLookedForAgain) {
  const auto flags =
      ParseLabFlags({"--data", "somewhere", "--backbone", "lightgcn"});
  const auto options = Resolve(AsFound(*flags, {{"rho", 1.06},
                                                {"tau0_factor", 1.2},
                                                {"prior", 0.5},
                                                {"neighbours", 0.2},
                                                {"neighbours_power", 0.25},
                                                {"beta", 0.25},
                                                {"beta_option", "auto"},
                                                {"norm_exponent", 0.4}}));
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_FALSE(options->find_rho || options->find_prior || options->find_beta ||
               options->find_norm_exponent);
  EXPECT_EQ(options->fit.rho, 1.06);
  EXPECT_FALSE(options->find_tau0_factor);
  EXPECT_EQ(options->tau0_factor, 1.2);
  EXPECT_EQ(options->prior, 0.5);
  EXPECT_FALSE(options->find_neighbours);
  EXPECT_EQ(options->neighbours.weight, 0.2f);
  EXPECT_EQ(options->neighbours.power, 0.25f);
  EXPECT_EQ(options->fit.beta, 0.25);
  EXPECT_EQ(options->norm_exponent, 0.4);
}

TEST(LabOptionsTest, WhatWasNotFoundStaysAsItWasGiven) {
  const auto flags = ParseLabFlags(
      {"--data", "somewhere", "--loss", "bpr", "--rank-sim", "ip"});
  const LabFlags again =
      AsFound(*flags, {{"rho", 1.0}, {"prior", 0.0}, {"beta", 0.0}});
  EXPECT_EQ(again.beta, "");
  EXPECT_EQ(again.rank_sim, "ip");
}

TEST(LabOptionsTest, NegativesAndRankingAreAsIsSaid) {
  EXPECT_EQ(Options({"--beta", "0.75"}).fit.beta, 0.75);
  using trainer::RankBy;
  const lab::ExperimentOptions power =
      Options({"--backbone", "lightgcn", "--rank-sim", "0.25"});
  EXPECT_EQ(power.norm_exponent, 0.25);
  EXPECT_EQ(power.fit.rank, RankBy::kAsTrained);
  const lab::ExperimentOptions product = Options({"--rank-sim", "ip"});
  EXPECT_FALSE(product.norm_exponent.has_value());
  EXPECT_EQ(product.fit.rank, RankBy::kInnerProduct);

  const struct {
    std::vector<std::string> words;
    std::string message;
  } wrong[] = {
      {{"--beta", "some"}, "--beta is 'some'"},
      {{"--beta", "auto"}, "--beta is auto, but"},
      {{"--backbone", "lightgcn", "--loss", "ssm-ib", "--beta", "auto"},
       "--beta is auto, but"},
      {{"--rank-sim", "length"}, "--rank-sim is 'length', expected"},
      {{"--rank-sim", "auto"}, "mf with the cosine has vectors of norm 1"},
      {{"--rank-sim", "0.5"}, "mf with the cosine has vectors of norm 1"},
  };
  for (const auto& w : wrong) {
    std::vector<std::string> words = {"--data", "somewhere"};
    words.insert(words.end(), w.words.begin(), w.words.end());
    const auto flags = ParseLabFlags(words);
    ASSERT_TRUE(flags.ok()) << flags.status();
    const absl::Status status = Resolve(*flags).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find(w.message), std::string::npos) << status;
  }
}

TEST(LabOptionsTest, AWeightOfTheCommonTasteIsANumber) {
  const auto flags = ParseLabFlags({"--data", "somewhere", "--prior", "much"});
  ASSERT_TRUE(flags.ok()) << flags.status();
  const auto options = Resolve(*flags);
  EXPECT_EQ(options.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(options.status().message().find("--prior is 'much'"),
            std::string::npos);
}

}  // namespace
}  // namespace taud::cli
