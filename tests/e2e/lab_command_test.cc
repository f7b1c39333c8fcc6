// tauctl lab as a person or a script uses it; no daemon.

#include <sys/wait.h>

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
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
                  const char* errors = "2>/dev/null",
                  const char* environment = "") {
    const std::string command = absl::StrCat(environment, TAUCTL_BINARY,
                                             " lab ", arguments, " ", errors);
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
  // Where results are kept.
  std::string Out() const {
    return absl::StrCat(" --out ", directory_.path(), "/out ");
  }
  bool IsDrawing(const std::string& name) const {
    const std::string path = absl::StrCat(directory_.path(), "/out/", name);
    // A well-formed document, by a parser that is not ours.
    const std::string check = absl::StrCat(
        "python3 -c 'import sys, xml.dom.minidom as d; "
        "sys.exit(not d.parse(sys.argv[1]).getElementsByTagName(\"path\"))' ",
        path, ".svg");
    std::ifstream png(path + ".png");
    std::string begin(8, 0);
    png.read(begin.data(), 8);
    return system(check.c_str()) == 0 && begin == "\x89PNG\r\n\x1a\n";
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
  ASSERT_GE(result["prior_trials"].size(), 1u);
  EXPECT_EQ(result["prior_trials"][0]["prior"], 0);
  EXPECT_TRUE(result.contains("prior"));
  EXPECT_EQ(result["recall@20_by_popularity"].size(), 10u);
}

TEST_F(LabCommandTest, ForPeopleItSaysWhatWasFoundAndTried) {
  int code = -1;
  const std::string text = Run("run" + Data() + "--epochs 3", &code);
  EXPECT_EQ(code, 0);
  for (const char* part : {"measured on test", "the common taste as ",
                           "; tried 1: recall ", "protocol: validation"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  Run("run" + Data() + "--prior much", &code);
  EXPECT_NE(code, 0);
}

TEST_F(LabCommandTest, WhatNeedsLibTorchIsStartedByItself) {
  const json result =
      RunJson("run" + Data() +
              "--backbone ngcf --layers 2 --epochs 4 --select last --rho 1");
  ASSERT_FALSE(result.is_discarded());
  EXPECT_EQ(result["backbone"], "ngcf");
  EXPECT_GT(result["recall@10"], 0.3);
}

TEST_F(LabCommandTest, TheGridComparesWithEveryFixedTemperature) {
  const std::string command =
      "grid" + Data() + Out() +
      "--epochs 4 --select last --from 0.1 --to 0.2 --step 0.05";
  const json result = RunJson(command);
  ASSERT_FALSE(result.is_discarded());
  ASSERT_EQ(result["fixed"].size(), 3u);
  EXPECT_NEAR(result["fixed"][2]["tau"], 0.2, 1e-9);
  for (const json& fixed : result["fixed"]) {
    EXPECT_FALSE(fixed.contains("prior_trials"));
    EXPECT_EQ(fixed["prior"], result["adaptive"]["prior"]);
    EXPECT_NEAR(fixed["rho"], result["adaptive"]["rho"], 1e-5);
  }
  EXPECT_GT(result["adaptive_to_best_recall@20"], 0.5);
  // The second time nothing is run.
  EXPECT_EQ(RunJson(command), result);
  const std::string name =
      directory_.path().substr(directory_.path().find_last_of('/') + 1);
  std::string lower = name;
  for (char& c : lower) c = static_cast<char>(tolower(c));
  EXPECT_TRUE(IsDrawing("grid-" + lower)) << lower;
}

TEST_F(LabCommandTest, ATableIsRunOnceAndGoesOn) {
  const std::string command =
      absl::StrCat("table adap-tau-figure-4 --data gowalla=", directory_.path(),
                   Out(), "--epochs 2 --threads 1 --with '--dim 16' ");
  json result = RunJson(command + "--only 'MF Adap-τ'");
  ASSERT_FALSE(result.is_discarded());
  const auto row = [&result](size_t r) { return result["data"][0]["rows"][r]; };
  EXPECT_EQ(row(0)["runs_done"], 0);
  EXPECT_EQ(row(2)["runs_done"], 1);
  const json first = row(2)["figures"];

  int code = -1;
  const json plan = json::parse(Run("--json " + command + "--dry-run", &code));
  ASSERT_EQ(plan.size(), 13u);
  EXPECT_EQ(plan[12]["state"], "done");
  EXPECT_EQ(plan[0]["state"], "to do");

  // A damaged result is said so and run again; the rest is run for the first
  // time.
  const std::string stored =
      absl::StrCat(directory_.path(), "/out/runs/",
                   plan[12]["hash"].get<std::string>(), ".json");
  std::ofstream(stored, std::ios::trunc) << "{";
  const std::string said = Run(command, &code, "2>&1");
  EXPECT_EQ(code, 0) << said;
  EXPECT_THAT(said, HasSubstr("not a whole result"));
  result = RunJson(command);
  EXPECT_EQ(row(0)["runs_done"], 11);
  EXPECT_EQ(row(1)["runs_done"], 1);
  EXPECT_EQ(row(2)["figures"], first);
  EXPECT_TRUE(IsDrawing("adap-tau-figure-4-tau-gowalla"));
  std::ifstream markdown(directory_.path() + "/out/adap-tau-figure-4.md");
  const std::string text{std::istreambuf_iterator<char>(markdown), {}};
  EXPECT_THAT(text, HasSubstr("| MF | Grid search τ | 0."));
  EXPECT_THAT(text, HasSubstr("(adap-tau-figure-4-tau-gowalla.svg)"));
  EXPECT_THAT(text, HasSubstr("yelp2018, amazon-book, ml-1m"));
}

TEST_F(LabCommandTest, AKilledTableKeepsWhatWasDone) {
  int code = -1;
  const std::string table =
      absl::StrCat("table adap-tau-figure-2 --data x=", directory_.path(),
                   Out(), "--threads 1 --select last --with '--dim 16' ");
  // Killed when the second run is announced as done.
  Run(table, &code,
      "2>&1 >/dev/null | while read -r line; do case $line in '2 of 19'*done*) "
      "break;; esac; done");
  const json plan = json::parse(Run("--json " + table + "--dry-run", &code));
  size_t done = 0;
  for (const json& run : plan) done += run["state"] == "done" ? 1 : 0;
  EXPECT_GE(done, 2u);
  EXPECT_EQ(RunJson(table)["data"][0]["rows"][0]["runs_done"], 19);
}

TEST_F(LabCommandTest, WithoutGnuplotTheTableIsThereAndAdviceIsGiven) {
  int code = -1;
  const std::string said =
      Run(absl::StrCat("table adap-tau-figure-3 --only 'MF Adap-τ' --data "
                       "gowalla=",
                       directory_.path(), Out(),
                       "--epochs 1 --threads 1 --with '--dim 16' "),
          &code, "2>&1", "PATH=/nowhere ");
  EXPECT_NE(code, 0);
  EXPECT_THAT(said, HasSubstr("apt-get install gnuplot-nox"));
  EXPECT_THAT(said, HasSubstr("| MF | Adap-τ | 0."));
  EXPECT_TRUE(std::ifstream(directory_.path() +
                            "/out/plot/adap-tau-figure-3-groups-gowalla.dat")
                  .good());
}

TEST_F(LabCommandTest, AwkwardDataIsLearntFromOrRefusedClearly) {
  const auto run = [&](const std::string& train, const std::string& test,
                       int* code) {
    std::ofstream(directory_.path() + "/train.txt") << train;
    std::ofstream(directory_.path() + "/test.txt") << test;
    return Run("run" + Data() + "--epochs 2", code, "2>&1");
  };
  int code = -1;
  // Gaps, CRLF, repeats, empty lines, users without items, users and items
  // that only test has.
  std::string said = run(
      "7000000000 5 900000 5\r\n\r\n12 900000 17\r\n3\r\n4 17 5 21 22 23\r\n",
      "12 5\r\n99 17\r\n4 123456789\r\n3\r\n", &code);
  EXPECT_EQ(code, 0) << said;
  EXPECT_THAT(said, HasSubstr("1 of 3 test users have no training items"));
  said = run("0 1\n1 2\n2 3\n", "0 2\n1 3\n2 1\n", &code);
  EXPECT_EQ(code, 0) << said;
  said = run("0 1\n1 1\n", "0 1\n", &code);
  EXPECT_NE(code, 0);
  EXPECT_THAT(said, HasSubstr("nothing to learn from: 2 pairs of 1 items"));
  said = run("0 1 2\n", "x 1\n", &code);
  EXPECT_NE(code, 0);
  EXPECT_THAT(said, HasSubstr("/test.txt:1: 'x'"));
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
                           "--nights 4 --threads 1 --draw ",
                           directory_.path(), "/out/stream"));
  ASSERT_FALSE(result.is_discarded());
  EXPECT_EQ(result["tested"], 60 * 14);
  EXPECT_EQ(result["windows"].size(), 4u);
  for (const char* ranker : {"online", "popularity", "recency", "nightly"}) {
    EXPECT_TRUE(result["hit_rate"].contains(ranker)) << ranker;
  }
  EXPECT_TRUE(IsDrawing("stream"));
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
  EXPECT_THAT(Run("table adap-tau-table-9" + Out(), &code, "2>&1"),
              HasSubstr("no table 'adap-tau-table-9'"));
  EXPECT_THAT(Run("table adap-tau-table-5" + Out(), &code, "2>&1"),
              HasSubstr("--data [NAME=]DIRECTORY"));
  EXPECT_THAT(
      Run("table adap-tau-table-5 --data /nowhere" + Out(), &code, "2>&1"),
      HasSubstr("/nowhere/train.txt"));
  EXPECT_THAT(Run("table adap-tau-table-5 --data x --out " + directory_.path() +
                      "/train.txt",
                  &code, "2>&1"),
              HasSubstr("/train.txt/runs"));
  EXPECT_NE(code, 0);
}

}  // namespace
}  // namespace taud::e2e
