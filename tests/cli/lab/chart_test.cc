#include "cli/lab/chart.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Style = ChartSeries::Style;

Chart Curves() {
  Chart chart;
  chart.file = "curves";
  chart.title = "A user's τ";
  chart.series = {{"none", Style::kLine, {}},
                  {"line", Style::kLine, {{1, 10}, {3, 30}}},
                  {"level", Style::kLevel, {{0, 5}}}};
  return chart;
}

TEST(LabChartTest, LevelsGoFromEndToEnd) {
  EXPECT_EQ(ChartData(Curves()),
            "# line\n1 10\n3 30\n\n\n# level\n1 5\n3 5\n\n\n");
}

TEST(LabChartTest, TheScriptNamesWhatIsThere) {
  const std::string script = ChartScript(Curves());
  EXPECT_THAT(script, HasSubstr("set title 'A user''s τ'"));
  EXPECT_THAT(script, HasSubstr("index 0"));
  EXPECT_THAT(script, HasSubstr("index 1"));
  // gnuplot counts blocks with points only.
  EXPECT_THAT(script, Not(HasSubstr("index 2")));
  EXPECT_THAT(script, HasSubstr("set output 'curves.svg'"));
  EXPECT_THAT(script, HasSubstr("set output 'curves.png'"));
  EXPECT_THAT(script, Not(HasSubstr("y2tics")));
}

TEST(LabChartTest, AreasAreMeasuredOnTheRight) {
  Chart chart = Curves();
  chart.series.push_back({"area", Style::kFilled, {{0, 0}, {1, 1}, {2, 0}}});
  const std::string script = ChartScript(chart);
  EXPECT_THAT(script, HasSubstr("axes x1y2"));
  EXPECT_THAT(script, HasSubstr("y2tics"));
}

TEST(LabChartTest, BarsHaveAColumnASeries) {
  Chart chart;
  chart.categories = {"1", "2"};
  chart.series = {{"a", Style::kLine, {{1, .5}, {2, .25}}},
                  {"b", Style::kLine, {{1, 1}, {2, 2}}}};
  EXPECT_EQ(ChartData(chart), "\"1\" 0.5 1\n\"2\" 0.25 2\n");
  EXPECT_THAT(ChartScript(chart), HasSubstr("using 3 title 'b'"));
}

TEST(LabChartTest, AHistogramIsSharesBetweenZeros) {
  const ChartSeries series =
      HistogramSeries("tau", {{"least", 1}, {"most", 3}, {"counts", {1, 3}}});
  const std::vector<std::pair<double, double>> expected = {
      {1, 0}, {1.5, .25}, {2.5, .75}, {3, 0}};
  EXPECT_EQ(series.points, expected);
  EXPECT_TRUE(
      HistogramSeries("none", {{"least", 0}, {"most", 0}, {"counts", {0, 0}}})
          .points.empty());
}

TEST(LabChartTest, NothingToDraw) {
  Chart chart;
  EXPECT_FALSE(HasPoints(chart));
  chart.series = {{"none", Style::kLine, {}}};
  EXPECT_FALSE(HasPoints(chart));
  EXPECT_TRUE(HasPoints(Curves()));
}

}  // namespace
}  // namespace taud::cli
