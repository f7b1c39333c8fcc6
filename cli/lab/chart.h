#ifndef TAUD_CLI_LAB_CHART_H_
#define TAUD_CLI_LAB_CHART_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "nlohmann/json.hpp"

// Drawings of curves and distributions, made by gnuplot.

namespace taud::cli {

struct ChartSeries {
  enum class Style {
    kLine,    // through points
    kLevel,   // one y for all x: points[0].second
    kFilled,  // an area, measured on the right
  };
  std::string name;
  Style style = Style::kLine;
  std::vector<std::pair<double, double>> points;  // (x, y), x ascending
};

struct Chart {
  std::string file;  // name without directory and ending
  std::string title, x_label, y_label;
  bool log_x = false;
  // If not empty, bars over these: point i of a series is of category i.
  std::vector<std::string> categories;
  std::vector<ChartSeries> series;
};

// A histogram of `lab run`'s JSON as an area, in shares of all.
ChartSeries HistogramSeries(const std::string& name,
                            const nlohmann::ordered_json& histogram);

// Whether there is a point to draw.
bool HasPoints(const Chart& chart);

// What gnuplot reads to draw chart.file.svg and chart.file.png, and the file
// of numbers it names. Pure.
std::string ChartData(const Chart& chart);
std::string ChartScript(const Chart& chart);

// Draws it in a directory, with the numbers and the script in its folder
// plot/, by gnuplot as a child process. Those two are there whatever becomes of
// gnuplot. UNAVAILABLE, with advice, without gnuplot; INTERNAL with what
// gnuplot says.
absl::Status DrawChart(const Chart& chart, const std::string& directory);

}  // namespace taud::cli

#endif  // TAUD_CLI_LAB_CHART_H_
