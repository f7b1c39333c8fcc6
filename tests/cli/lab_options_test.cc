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
    bool rho, sampling;
  } cases[] = {
      {{}, true, false},
      {{"--rho", "1.1"}, false, false},
      {{"--backbone", "lightgcn"}, false, true},
      {{"--backbone", "svdpp", "--rho", "auto"}, true, true},
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
  }
}

}  // namespace
}  // namespace taud::cli
