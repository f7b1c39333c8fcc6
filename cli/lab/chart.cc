#include "cli/lab/chart.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "cli/files/replace_file.h"

extern char** environ;

namespace taud::cli {
namespace {

using Style = ChartSeries::Style;

// As gnuplot writes a text. A line's end would end the command.
std::string Quoted(const std::string& text) {
  return absl::StrCat(
      "'", absl::StrReplaceAll(text, {{"'", "''"}, {"\n", " "}}), "'");
}

std::pair<double, double> RangeOfX(const Chart& chart) {
  std::pair<double, double> range = {0, 1};
  bool first = true;
  for (const ChartSeries& series : chart.series) {
    if (series.style == Style::kLevel) continue;
    for (const auto& [x, y] : series.points) {
      range.first = first ? x : std::min(range.first, x);
      range.second = first ? x : std::max(range.second, x);
      first = false;
    }
  }
  return range;
}

std::string BarData(const Chart& chart) {
  std::string text;
  for (size_t c = 0; c < chart.categories.size(); ++c) {
    absl::StrAppend(&text, "\"", chart.categories[c], "\"");
    for (const ChartSeries& series : chart.series) {
      absl::StrAppendFormat(
          &text, " %.10g",
          c < series.points.size() ? series.points[c].second : 0.0);
    }
    absl::StrAppend(&text, "\n");
  }
  return text;
}

// `index` is that of the series' block: gnuplot does not count empty ones.
std::string PlotOf(const Chart& chart, size_t s, size_t index) {
  const ChartSeries& series = chart.series[s];
  const std::string title = absl::StrCat(" title ", Quoted(series.name));
  if (!chart.categories.empty()) {
    return absl::StrCat("data using ", s + 2, s == 0 ? ":xtic(1)" : "", title);
  }
  const std::string block = absl::StrCat("data index ", index, " using 1:2");
  switch (series.style) {
    case Style::kLine:
      return absl::StrCat(block, title, " with linespoints lw 2 pt 7 ps 0.5");
    case Style::kLevel:
      return absl::StrCat(block, title, " with lines lw 2 dt 2");
    case Style::kFilled:
      break;
  }
  return absl::StrCat(block, " axes x1y2", title,
                      " with filledcurves y2=0 fs transparent solid 0.3");
}

absl::Status RunGnuplot(const std::string& directory, const std::string& script,
                        const std::string& log) {
  const std::string in_directory = absl::StrCat("cd ", Quoted(directory));
  const std::string load = absl::StrCat("load ", Quoted(script));
  std::string arguments[] = {"gnuplot", "-e", in_directory, "-e", load};
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t child = 0;
  const int error =
      posix_spawnp(&child, "gnuplot", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return absl::UnavailableError(absl::StrCat(
        "no drawings: gnuplot cannot be started (", std::strerror(error),
        "); install it (apt-get install gnuplot-nox) and give the same command "
        "again, which repeats no run; the numbers and scripts are in ",
        directory, "/plot"));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
  std::stringstream said;
  said << std::ifstream(log).rdbuf();
  return absl::InternalError(absl::StrCat("gnuplot failed on ", directory, "/",
                                          script, ": ",
                                          said.str().substr(0, 400)));
}

}  // namespace

ChartSeries HistogramSeries(const std::string& name,
                            const nlohmann::ordered_json& histogram) {
  const std::vector<uint64_t> counts = histogram.at("counts");
  const double least = histogram.at("least");
  const double most = histogram.at("most");
  const double width = (most - least) / static_cast<double>(counts.size());
  double all = 0;
  for (const uint64_t count : counts) all += static_cast<double>(count);
  ChartSeries series = {name, Style::kFilled, {}};
  if (all == 0) return series;
  series.points.emplace_back(least, 0);
  for (size_t bin = 0; bin < counts.size(); ++bin) {
    series.points.emplace_back(least + (static_cast<double>(bin) + 0.5) * width,
                               static_cast<double>(counts[bin]) / all);
  }
  series.points.emplace_back(most, 0);
  return series;
}

bool HasPoints(const Chart& chart) {
  return std::any_of(
      chart.series.begin(), chart.series.end(),
      [](const ChartSeries& series) { return !series.points.empty(); });
}

std::string ChartData(const Chart& chart) {
  if (!chart.categories.empty()) return BarData(chart);
  const auto [least, most] = RangeOfX(chart);
  std::string text;
  for (const ChartSeries& series : chart.series) {
    if (series.points.empty()) continue;
    absl::StrAppend(&text, "# ",
                    absl::StrReplaceAll(series.name, {{"\n", " "}}), "\n");
    std::vector<std::pair<double, double>> points = series.points;
    if (series.style == Style::kLevel) {
      points = {{least, points[0].second}, {most, points[0].second}};
    }
    for (const auto& [x, y] : points) {
      absl::StrAppendFormat(&text, "%.10g %.10g\n", x, y);
    }
    absl::StrAppend(&text, "\n\n");
  }
  return text;
}

std::string ChartScript(const Chart& chart) {
  const bool right = std::any_of(
      chart.series.begin(), chart.series.end(),
      [](const ChartSeries& s) { return s.style == Style::kFilled; });
  std::string text = absl::StrCat("data = 'plot/", chart.file, ".dat'\n");
  absl::StrAppend(&text, "set title ", Quoted(chart.title), " noenhanced\n");
  absl::StrAppend(&text, "set xlabel ", Quoted(chart.x_label), " noenhanced\n");
  absl::StrAppend(&text, "set ylabel ", Quoted(chart.y_label), " noenhanced\n");
  absl::StrAppend(&text, "set key noenhanced outside right top vertical\n",
                  "set grid ytics lc rgb '#dddddd'\n", "set border 3\n");
  if (chart.categories.empty()) {
    absl::StrAppend(&text, "set offsets graph 0, 0, 0.05, 0.05\n");
  }
  if (chart.log_x) absl::StrAppend(&text, "set logscale x\n");
  if (right) {
    absl::StrAppend(&text, "set ytics nomirror\nset y2tics\nset border 11\n",
                    "set y2label 'share of users'\nset y2range [0:*]\n");
  }
  if (!chart.categories.empty()) {
    absl::StrAppend(&text, "set style data histogram\n",
                    "set style histogram cluster gap 1\n",
                    "set style fill solid 0.8 noborder\nset yrange [0:*]\n");
  }
  std::string plot;
  size_t index = 0;
  for (size_t s = 0; s < chart.series.size(); ++s) {
    if (chart.series[s].points.empty()) continue;
    absl::StrAppend(&plot, plot.empty() ? "plot " : ", \\\n     ",
                    PlotOf(chart, s, index++));
  }
  absl::StrAppend(&text,
                  "set terminal svg size 900,560 dynamic background "
                  "'white' noenhanced\n",
                  "set output '", chart.file, ".svg'\n", plot, "\n",
                  "set terminal pngcairo size 1125,700 noenhanced\n",
                  "set output '", chart.file, ".png'\n", plot, "\n");
  return text;
}

absl::Status DrawChart(const Chart& chart, const std::string& directory) {
  const std::string folder = directory + "/plot";
  absl::Status status = MakeDirectories(folder);
  if (!status.ok()) return status;
  const std::string beside = absl::StrCat(folder, "/", chart.file);
  status = ReplaceFile(beside + ".dat", ChartData(chart));
  if (!status.ok()) return status;
  status = ReplaceFile(beside + ".gp", ChartScript(chart));
  if (!status.ok()) return status;
  return RunGnuplot(directory, absl::StrCat("plot/", chart.file, ".gp"),
                    beside + ".log");
}

}  // namespace taud::cli
