#include "cli/lab_options.h"

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
    bool rho, sampling, prior = false;
  } cases[] = {
      {{}, true, false, true},
      {{"--prior", "2"}, true, false, false},
      {{"--rho", "1.1"}, false, false},
      {{"--rho", "1.1", "--prior", "auto"}, false, false, true},
      {{"--backbone", "lightgcn"}, false, true},
      {{"--backbone", "svdpp", "--rho", "auto"}, true, true, true},
      {{"--backbone", "lightgcn", "--beta", "0.5"}, false, false},
      {{"--backbone", "lightgcn", "--rank-sim", "cos"}, false, false},
      {{"--backbone", "lightgcn", "--negative-count", "64"}, false, false},
      {{"--backbone", "lightgcn", "--negatives", "per_row"}, false, false},
      {{"--backbone", "lightgcn", "--loss", "ssm-ib"}, false, false},
      {{"--backbone", "lightgcn", "--loss", "bpr"}, false, false},
      {{"--backbone", "lightgcn", "--train-sim", "ip"}, false, false},
  };
  for (const auto& c : cases) {
    const lab::ExperimentOptions options = Options(c.words);
    SCOPED_TRACE(c.words.empty() ? "defaults" : c.words.back());
    EXPECT_EQ(options.find_rho, c.rho);
    EXPECT_EQ(options.find_sampling, c.sampling);
    EXPECT_EQ(options.find_prior, c.prior);
  }
  EXPECT_EQ(Options({"--prior", "2.5"}).prior, 2.5);
}

TEST(LabOptionsTest, LayersAreFoundWithTheSamplingUnlessTheyAreGiven) {
  EXPECT_TRUE(Options({"--backbone", "lightgcn"}).find_layers);
  const lab::ExperimentOptions given =
      Options({"--backbone", "lightgcn", "--layers", "3"});
  EXPECT_FALSE(given.find_layers);
  EXPECT_TRUE(given.find_sampling);
  EXPECT_EQ(given.fit.layers, 3);
  EXPECT_FALSE(Options({"--backbone", "svdpp"}).find_layers);
  EXPECT_FALSE(Options({"--backbone", "lightgcn", "--beta", "1"}).find_layers);
  EXPECT_EQ(Options({"--backbone", "lightgcn", "--beta", "1"}).fit.layers, 3);
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
