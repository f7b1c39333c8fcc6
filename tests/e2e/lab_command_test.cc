// tauctl lab as a person or a script uses it; no daemon.

#include <sys/wait.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/e2e/daemon_process.h"

namespace taud::e2e {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class LabCommandTest : public testing::Test {
 protected:
  // Users of five clusters; an item's number names its cluster.
  void SetUp() override {
    std::ofstream train(directory_.path() + "/train.txt");
    std::ofstream test(directory_.path() + "/test.txt");
    std::ofstream stream(directory_.path() + "/stream.csv");
    stream << "user,item,time\n";
    for (int user = 0; user < 60; ++user) {
      train << user;
      test << user;
      for (int i = 0; i < 14; ++i) {
        const int item = (user * 7 + i * 3) % 20 * 5 + user % 5;
        (i < 11 ? train : test) << " " << item;
        stream << user << "," << item << "," << 1'000'000'000 + i * 60 + user
               << "\n";
      }
      train << "\n";
      test << "\n";
    }
  }

  // Standard output; the exit status in *code.
  std::string Run(const std::string& arguments, int* code,
                  const char* errors = "2>/dev/null") {
    const std::string command =
        absl::StrCat(TAUCTL_BINARY, " lab ", arguments, " ", errors);
    std::string output;
    FILE* pipe = popen(command.c_str(), "r");
    char buffer[4096];
    while (const size_t n = fread(buffer, 1, sizeof(buffer), pipe)) {
      output.append(buffer, n);
    }
    *code = WEXITSTATUS(pclose(pipe));
    return output;
  }
  json RunJson(const std::string& arguments) {
    int code = -1;
    const std::string output = Run("--json " + arguments, &code);
    EXPECT_EQ(code, 0) << arguments;
    return json::parse(output, nullptr, false);
  }
  std::string Data() const {
    return absl::StrCat(" --data ", directory_.path(),
                        " --dim 16 --threads 1 ");
  }

  TemporaryDirectory directory_;
};

TEST_F(LabCommandTest, WithoutOptionsItChoosesOnASliceOfTrain) {
  const json result = RunJson("run" + Data() + "--epochs 6");
  ASSERT_FALSE(result.is_discarded());
  for (const char* key : {"recall@10", "recall@20", "recall@50", "ndcg@10",
                          "epochs", "wall_seconds", "tau0", "coverage@20",
                          "gini@20", "validation_recall@20"}) {
    EXPECT_TRUE(result.contains(key)) << key;
  }
  EXPECT_GT(result["recall@10"], 0.5);
  EXPECT_THAT(result["protocol"].get<std::string>(), HasSubstr("validation"));
  EXPECT_GE(result["rho_trials"].size(), 2u);
  EXPECT_EQ(result["recall@20_by_popularity"].size(), 10u);
}

TEST_F(LabCommandTest, WhatNeedsLibTorchIsStartedByItself) {
  const json result = RunJson(
      "run" + Data() +
      "--backbone lightgcn --layers 2 --epochs 4 --select last --rho 1");
  ASSERT_FALSE(result.is_discarded());
  EXPECT_EQ(result["backbone"], "lightgcn");
  EXPECT_GT(result["recall@10"], 0.3);
}

TEST_F(LabCommandTest, TheGridComparesWithEveryFixedTemperature) {
  const json result = RunJson(
      "grid" + Data() +
      "--epochs 4 --select last --rho 1 --from 0.1 --to 0.2 --step 0.05");
  ASSERT_FALSE(result.is_discarded());
  ASSERT_EQ(result["fixed"].size(), 3u);
  EXPECT_NEAR(result["fixed"][2]["tau"], 0.2, 1e-9);
  EXPECT_GT(result["adaptive_to_best_recall@20"], 0.5);
}

TEST_F(LabCommandTest, NoiseIsAddedByGroup) {
  const json result = RunJson("run" + Data() +
                              "--noise-groups 0,2 --epochs 4 --select last "
                              "--rho 1");
  ASSERT_FALSE(result.is_discarded());
  EXPECT_EQ(result["tau_u_by_noise_group"].size(), 2u);
  EXPECT_GT(result["train_pairs"], 60 * 11);
}

TEST_F(LabCommandTest, AStreamIsReplayed) {
  const json result =
      RunJson(absl::StrCat("online --data ", directory_.path(),
                           "/stream.csv --kind click --dim 16 --windows 4 "
                           "--nights 4 --threads 1"));
  ASSERT_FALSE(result.is_discarded());
  EXPECT_EQ(result["tested"], 60 * 14);
  EXPECT_EQ(result["windows"].size(), 4u);
  for (const char* ranker : {"online", "popularity", "recency", "nightly"}) {
    EXPECT_TRUE(result["hit_rate"].contains(ranker)) << ranker;
  }
}

TEST_F(LabCommandTest, ErrorsNameTheOption) {
  int code = 0;
  EXPECT_THAT(Run("run" + Data() + "--rho many", &code, "2>&1"),
              HasSubstr("--rho is 'many'"));
  EXPECT_NE(code, 0);
  EXPECT_THAT(
      Run("run" + Data() + "--train-sim ip --normalize both", &code, "2>&1"),
      HasSubstr("--normalize is both"));
  EXPECT_THAT(Run("run" + Data() + "--contrast sgl --epochs 1", &code, "2>&1"),
              HasSubstr("lightgcn"));
  EXPECT_THAT(
      Run("run" + Data() + "--device cuda:77 --epochs 1", &code, "2>&1"),
      HasSubstr("cuda:77"));
  EXPECT_THAT(Run("run --data /nowhere", &code, "2>&1"), HasSubstr("/nowhere"));
  EXPECT_THAT(Run("online", &code, "2>&1"), HasSubstr("--data FILE"));
  EXPECT_NE(code, 0);
}

}  // namespace
}  // namespace taud::e2e
