#include <ostream>
#include <set>
#include <string>

#include "cli/lab/tables/plan.h"
#include "cli/lab/tables/results.h"
#include "cli/lab/tables/spec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::cli {

void PrintTo(const LabTable& table, std::ostream* out) { *out << table.name; }

namespace {

using Json = nlohmann::ordered_json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

LabTableRequest Request() {
  LabTableRequest request;
  request.data = {{"gowalla", "/data/gowalla"}};
  request.seeds = {1};
  return request;
}

TEST(LabTablesTest, AllThatWasPromisedIsThere) {
  std::set<std::string> names;
  for (const LabTable& table : AllLabTables()) {
    EXPECT_TRUE(names.insert(table.name).second) << table.name;
  }
  for (const int number : {1, 2, 4, 5}) {
    EXPECT_EQ(names.count("adap-tau-table-" + std::to_string(number)), 1u);
  }
  for (const int number : {1, 2, 3, 4, 6, 7}) {
    EXPECT_EQ(names.count("adap-tau-figure-" + std::to_string(number)), 1u);
  }
  for (int number = 2; number <= 7; ++number) {
    EXPECT_EQ(names.count("ssm-table-" + std::to_string(number)), 1u);
  }
  for (const int number : {1, 3, 4, 5}) {
    EXPECT_EQ(names.count("ssm-figure-" + std::to_string(number)), 1u);
  }
  EXPECT_EQ(FindLabTable("adap-tau-table-99"), nullptr);
}

class EachLabTable : public testing::TestWithParam<LabTable> {};

TEST_P(EachLabTable, IsConsistent) {
  const LabTable& table = GetParam();
  std::set<std::string> rows;
  std::set<std::string> options;
  for (const LabRow& row : table.rows) {
    EXPECT_TRUE(rows.insert(RowName(row)).second) << RowName(row);
    // Two rows with the same options would be one run under two names.
    EXPECT_TRUE(options.insert(row.options).second) << row.options;
    EXPECT_EQ(row.swept.empty(), row.values.empty()) << RowName(row);
    for (const auto& [data, figures] : row.published) {
      EXPECT_EQ(figures.size(), table.columns.size()) << RowName(row);
      EXPECT_THAT(table.data_sets, testing::Contains(data));
    }
  }
  std::set<std::string> drawings;
  for (const LabDrawing& drawing : table.drawings) {
    EXPECT_TRUE(drawings.insert(drawing.name).second) << drawing.name;
  }
}

TEST_P(EachLabTable, HasOptionsThatAreOptions) {
  const auto plan = PlanLabTable(GetParam(), Request());
  ASSERT_TRUE(plan.ok()) << plan.status();
  for (const PlannedCell& planned : *plan) {
    const auto options = Resolve(planned.flags);
    EXPECT_TRUE(options.ok()) << options.status();
    EXPECT_EQ(planned.flags.data, "/data/gowalla");
  }
}

INSTANTIATE_TEST_SUITE_P(All, EachLabTable, testing::ValuesIn(AllLabTables()),
                         [](const auto& table) {
                           std::string name = table.param.name;
                           for (char& c : name) {
                             if (c == '-') c = '_';
                           }
                           return name;
                         });

std::vector<double> Published(const std::string& table, const std::string& row,
                              const std::string& data) {
  for (const LabRow& candidate : FindLabTable(table)->rows) {
    if (RowName(candidate) == row) return candidate.published.at(data);
  }
  return {};
}

// The figures that the goals of this project are stated in.
TEST(LabTablesTest, PrintsThePapersFigures) {
  EXPECT_THAT(Published("adap-tau-table-2", "MF Adap-τ", "gowalla"),
              ElementsAre(.1838, .1506));
  EXPECT_THAT(Published("adap-tau-table-2", "MF Adap-τ", "ml-1m"),
              ElementsAre(.2815, .2673));
  EXPECT_THAT(Published("adap-tau-table-2", "MF No norm", "yelp2018"),
              ElementsAre(.0677, .0554));
  EXPECT_THAT(Published("adap-tau-table-2", "MF Cu-τ", "ml-1m"),
              ElementsAre(.2600, .2398));
  EXPECT_THAT(Published("adap-tau-table-2", "LightGCN Adap-τ", "gowalla"),
              ElementsAre(.1901, .1590));
  EXPECT_THAT(Published("adap-tau-table-2", "LightGCN Grid search τ", "ml-1m"),
              ElementsAre(.2767, .2575));
  EXPECT_THAT(Published("adap-tau-table-5", "MF Adap-τ", "gowalla"),
              ElementsAre(-.001148, .094281, .095187));
  EXPECT_THAT(Published("ssm-table-2", "LightGCN BPR", "gowalla"),
              ElementsAre(.1824, .1554));
  EXPECT_THAT(Published("ssm-table-2", "MF SSM", "gowalla"),
              ElementsAre(.1231, .0878));
  EXPECT_THAT(Published("ssm-table-5", "item side [0.5, 0.5]", "yelp2018"),
              ElementsAre(.0737, .0611));
}

TEST(LabPlanTest, WhatIsAskedForWinsOverTheRow) {
  LabTableRequest request = Request();
  request.seeds = {4, 5};
  request.words = {"--epochs", "3", "--select", "last"};
  const auto plan = PlanLabTable(*FindLabTable("ssm-figure-5"), request);
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->size(), 8u);
  EXPECT_EQ((*plan)[0].flags.epochs, 3);  // the row says 50
  EXPECT_EQ((*plan)[0].flags.seed, 4u);
  EXPECT_EQ((*plan)[1].flags.seed, 5u);
  EXPECT_EQ((*plan)[0].flags.loss, "ssm-ib");
}

TEST(LabPlanTest, OnlyTheRowsAskedFor) {
  const LabTable& table = *FindLabTable("adap-tau-table-2");
  LabTableRequest request = Request();
  request.only = {"mf adap-τ", "MF Grid search τ"};
  const auto plan = PlanLabTable(table, request);
  ASSERT_TRUE(plan.ok()) << plan.status();
  size_t asked = 0;
  for (const PlannedCell& planned : *plan) asked += planned.asked ? 1 : 0;
  EXPECT_EQ(asked, 1 + TauGrid().size());
  request.only = {"MF Adap"};
  const auto wrong = PlanLabTable(table, request);
  EXPECT_THAT(std::string(wrong.status().message()), HasSubstr("'MF Adap'"));
  EXPECT_THAT(std::string(wrong.status().message()), HasSubstr("MF Cu-τ"));
}

TEST(LabPlanTest, RefusesOptionsThatAreNone) {
  LabTableRequest request = Request();
  request.words = {"--lose", "ssm"};
  const auto plan = PlanLabTable(*FindLabTable("adap-tau-table-5"), request);
  EXPECT_THAT(std::string(plan.status().message()), HasSubstr("--lose"));
  request = Request();
  request.data.push_back(request.data.front());
  EXPECT_THAT(
      std::string(PlanLabTable(*FindLabTable("adap-tau-table-5"), request)
                      .status()
                      .message()),
      HasSubstr("gowalla twice"));
}

TEST(LabDataSetTest, NamesComeFromDirectories) {
  EXPECT_EQ(ParseDataSet("/data/Gowalla")->name, "gowalla");
  EXPECT_EQ(ParseDataSet("/data/gowalla/")->name, "gowalla");
  EXPECT_EQ(ParseDataSet("MovieLens")->name, "ml-1m");
  const auto given = ParseDataSet("yelp2018=/data/x=y");
  EXPECT_EQ(given->name, "yelp2018");
  EXPECT_EQ(given->directory, "/data/x=y");
  EXPECT_FALSE(ParseDataSet("yelp2018=").ok());
  EXPECT_FALSE(ParseDataSet("").ok());
  EXPECT_FALSE(ParseDataSet("a/b=/data").ok());
}

Json Run(double recall, double validation) {
  Json run = {{"recall@20", recall},
              {"ndcg@20", recall / 2},
              {"select", "validation"},
              {"epochs", 9},
              {"rho", 1.0},
              {"tau0", 0.1},
              {"wall_seconds", 2.0},
              {"users", 3},
              {"items", 4},
              {"train_pairs", 5},
              {"test_pairs", 6}};
  run["validation_recall@20"] = validation;
  run["tau_u_histogram"] = {{"least", .1}, {"most", .2}, {"counts", {1, 1}}};
  return run;
}

// A row of a grid of two, and one without.
const LabTable& Small() {
  static const auto& table =
      *new LabTable{"small",
                    "A paper",
                    "Table 0: small",
                    "Note.",
                    {"gowalla", "yelp2018"},
                    RankingColumns(),
                    {{"MF",
                      "Grid",
                      "--temperature fixed",
                      {{"gowalla", {.3, .2}}},
                      "--tau",
                      {.1, .2}},
                     {"MF", "Adap-τ", "", {}}},
                    {{LabDrawing::Kind::kSweepAndTau, "tau", "recall@20",
                      "Recall", "τ", "recall@20"}}};
  return table;
}

LabTableResults Results() {
  LabTableResults results;
  results.table = &Small();
  results.data = {{"gowalla", "/data/gowalla"}};
  results.seeds = {1, 2};
  for (const uint64_t seed : results.seeds) {
    const double more = seed == 1 ? 0 : .02;
    // The best on test is not the best on the slice.
    results.done[{0, 0, 0, seed}] = Run(.5, .1);
    results.done[{0, 0, 1, seed}] = Run(.4 + more, .2);
  }
  results.done[{0, 1, 0, 1}] = Run(.6, .3);
  results.failed[{0, 1, 0, 2}] = "no device";
  return results;
}

TEST(LabTableResultsTest, AGridIsChosenOnTheSlice) {
  const Json json = TableJson(Results());
  const Json& grid = json["data"][0]["rows"][0];
  EXPECT_NEAR(grid["figures"]["recall@20"]["mean"], .41, 1e-9);
  EXPECT_NEAR(grid["figures"]["recall@20"]["deviation"], .0141421, 1e-6);
  EXPECT_EQ(grid["figures"]["recall@20"]["published"], .3);
  EXPECT_THAT(grid["best_at"], ElementsAre(.2));
  EXPECT_EQ(grid["runs"], 4);
  const Json& adaptive = json["data"][0]["rows"][1];
  EXPECT_EQ(adaptive["runs"], 2);
  EXPECT_EQ(adaptive["runs_done"], 1);
  EXPECT_FALSE(adaptive["figures"]["recall@20"].contains("published"));
  EXPECT_THAT(json["left_out"], UnorderedElementsAre("yelp2018"));
  EXPECT_EQ(json["failed"][0]["why"], "no device");
}

TEST(LabTableResultsTest, MarkdownStandsBesideThePaper) {
  EXPECT_EQ(TableMarkdown(TableJson(Results()), {"small-tau-gowalla"}),
            "# A paper, Table 0: small\n"
            "\n"
            "Note.\n"
            "\n"
            "Chosen on: validation (epoch and grid by a tenth of train, then "
            "all of train is fitted).\n"
            "Mean ± deviation of 2 seeds; s: seconds of all runs of the row.\n"
            "Left out, because no --data names them: yelp2018.\n"
            "\n"
            "## gowalla\n"
            "\n"
            "3 users, 4 items, 5 train and 6 test interactions.\n"
            "\n"
            "|  |  | Recall@20 | paper | NDCG@20 | paper | epochs | ρ | τ₀ | s "
            "|  |\n"
            "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | "
            "---: | --- |\n"
            "| MF | Grid | 0.4100 ± 0.0141 | 0.3000 | 0.2050 ± 0.0071 | 0.2000 "
            "| 9 | 1 | 0.100 | 8 | best at tau 0.2 |\n"
            "| MF | Adap-τ | 0.6000 |  | 0.3000 |  | 9 | 1 | 0.100 | 2 | 1 of "
            "2 runs |\n"
            "\n"
            "## Failed\n"
            "\n"
            "- gowalla, MF Adap-τ, seed 2: no device\n"
            "\n"
            "![small-tau-gowalla](small-tau-gowalla.svg)\n");
}

TEST(LabTableResultsTest, ATableWithoutRunsIsEmptyCells) {
  LabTableResults results = Results();
  results.done.clear();
  EXPECT_THAT(TableMarkdown(TableJson(results), {}),
              HasSubstr("| MF | Grid | – | 0.3000 |"));
  EXPECT_TRUE(TableCharts(results).empty());
}

TEST(LabTableResultsTest, DrawsTheGridTheLevelAndItsTemperatures) {
  const auto charts = TableCharts(Results());
  ASSERT_EQ(charts.size(), 1u);
  EXPECT_EQ(charts[0].file, "small-tau-gowalla");
  ASSERT_EQ(charts[0].series.size(), 3u);
  const std::vector<std::pair<double, double>> curve = {{.1, .5}, {.2, .4}};
  EXPECT_EQ(charts[0].series[0].points, curve);
  EXPECT_EQ(charts[0].series[1].style, ChartSeries::Style::kLevel);
  EXPECT_EQ(charts[0].series[2].style, ChartSeries::Style::kFilled);
}

}  // namespace
}  // namespace taud::cli
