// The drawings of a table.

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/lab/tables/results.h"

namespace taud::cli {
namespace {

using Json = nlohmann::ordered_json;
using Kind = LabDrawing::Kind;
using Style = ChartSeries::Style;
using Points = std::vector<std::pair<double, double>>;

// What a drawing is made of.
struct Source {
  const LabTableResults& results;
  const LabDrawing& drawing;
  size_t data;

  const std::vector<LabRow>& rows() const { return results.table->rows; }
  uint64_t seed() const { return results.seeds.front(); }
  const Json* Find(size_t row) const { return results.Find(data, row, seed()); }
  bool Draws(size_t row) const {
    const auto& labels = drawing.labels;
    return labels.empty() || std::find(labels.begin(), labels.end(),
                                       rows()[row].label) != labels.end();
  }
};

// `key` by the swept option, where it is done.
Points SweepOf(const Source& source, size_t row) {
  Points points;
  const std::vector<double>& values = source.rows()[row].values;
  for (size_t v = 0; v < values.size(); ++v) {
    const auto found =
        source.results.done.find({source.data, row, v, source.seed()});
    if (found == source.results.done.end()) continue;
    const Json& run = found->second;
    if (!run.contains(source.drawing.key)) continue;
    points.emplace_back(values[v], run.at(source.drawing.key).get<double>());
  }
  return points;
}

void AddSweeps(const Source& source, bool with_tau, Chart* chart) {
  for (size_t row = 0; row < source.rows().size(); ++row) {
    if (!source.Draws(row)) continue;
    const std::string name = RowName(source.rows()[row]);
    if (Sweeps(source.rows()[row])) {
      chart->series.push_back({name, Style::kLine, SweepOf(source, row)});
      continue;
    }
    const Json* run = source.Find(row);
    if (run == nullptr || !run->contains(source.drawing.key)) continue;
    chart->series.push_back(
        {name, Style::kLevel, {{0, run->at(source.drawing.key)}}});
    if (!with_tau) continue;
    chart->series.push_back(HistogramSeries(absl::StrCat(name, ", users' τ"),
                                            run->at("tau_u_histogram")));
  }
}

// The papers number the groups from the tail to the head; results are from the
// head to the tail.
void AddBars(const Source& source, Chart* chart) {
  for (size_t row = 0; row < source.rows().size(); ++row) {
    const Json* run = source.Draws(row) ? source.Find(row) : nullptr;
    if (run == nullptr || !run->contains(source.drawing.key)) continue;
    std::vector<double> groups = run->at(source.drawing.key);
    std::reverse(groups.begin(), groups.end());
    ChartSeries series = {RowName(source.rows()[row]), Style::kLine, {}};
    chart->categories.clear();
    for (size_t g = 0; g < groups.size(); ++g) {
      chart->categories.push_back(absl::StrCat(g + 1));
      series.points.emplace_back(g + 1.0, groups[g]);
    }
    chart->series.push_back(std::move(series));
  }
}

void AddEpochs(const Source& source, Chart* chart) {
  for (size_t row = 0; row < source.rows().size(); ++row) {
    const Json* run = source.Draws(row) ? source.Find(row) : nullptr;
    if (run == nullptr) continue;
    ChartSeries series = {RowName(source.rows()[row]), Style::kLine, {}};
    for (const auto& epoch : run->at("curve")) {
      if (!epoch.contains(source.drawing.key)) continue;
      series.points.emplace_back(epoch.at("epoch").get<double>(),
                                 epoch.at(source.drawing.key).get<double>());
    }
    chart->series.push_back(std::move(series));
  }
}

void AddGroupEpochs(const Source& source, Chart* chart) {
  const Json* run = source.Find(0);
  if (run == nullptr || run->at("curve").empty()) return;
  const Json& curve = run->at("curve");
  const size_t groups = curve.front().at(source.drawing.key).size();
  for (size_t g = 0; g < groups; ++g) {
    ChartSeries series = {absl::StrCat("group ", groups - g), Style::kLine, {}};
    for (const auto& epoch : curve) {
      series.points.emplace_back(epoch.at("epoch").get<double>(),
                                 epoch.at(source.drawing.key)[g].get<double>());
    }
    chart->series.push_back(std::move(series));
  }
}

void AddNoiseGroups(const Source& source, Chart* chart) {
  const Json* run = source.Find(0);
  if (run == nullptr || !run->contains(source.drawing.key)) return;
  const Json& groups = run->at(source.drawing.key);
  for (size_t g = 0; g < groups.size(); ++g) {
    const double noise = run->at("noise_groups")[g];
    chart->series.push_back(HistogramSeries(absl::StrCat("noise ", noise),
                                            groups[g].at("histogram")));
  }
}

// One curve a data set, divided by its best.
void AddRelative(const LabTableResults& results, const LabDrawing& drawing,
                 Chart* chart) {
  for (size_t data = 0; data < results.data.size(); ++data) {
    Points points = SweepOf({results, drawing, data}, 0);
    double best = 0;
    for (const auto& [x, y] : points) best = std::max(best, y);
    if (!(best > 0)) continue;
    for (auto& [x, y] : points) y /= best;
    chart->series.push_back(
        {results.data[data].name, Style::kLine, std::move(points)});
  }
}

Chart Draw(const Source& source) {
  Chart chart;
  switch (source.drawing.kind) {
    case Kind::kSweep:
    case Kind::kSweepAndTau:
      AddSweeps(source, source.drawing.kind == Kind::kSweepAndTau, &chart);
      break;
    case Kind::kByPopularity:
      AddBars(source, &chart);
      break;
    case Kind::kByEpoch:
      AddEpochs(source, &chart);
      break;
    case Kind::kByEpochAndPopularity:
      AddGroupEpochs(source, &chart);
      break;
    case Kind::kTauByNoiseGroup:
      AddNoiseGroups(source, &chart);
      break;
    case Kind::kRelativeSweep:
      AddRelative(source.results, source.drawing, &chart);
      break;
  }
  return chart;
}

}  // namespace

std::vector<Chart> TableCharts(const LabTableResults& results) {
  std::vector<Chart> charts;
  for (const LabDrawing& drawing : results.table->drawings) {
    const bool together = drawing.kind == Kind::kRelativeSweep;
    const size_t count = together ? std::min<size_t>(1, results.data.size())
                                  : results.data.size();
    for (size_t data = 0; data < count; ++data) {
      Chart chart = Draw({results, drawing, data});
      const std::string& name = results.data[data].name;
      chart.file = absl::StrCat(results.table->name, "-", drawing.name,
                                together ? "" : absl::StrCat("-", name));
      chart.title =
          together ? drawing.title : absl::StrCat(drawing.title, ", ", name);
      chart.x_label = drawing.x_label;
      chart.y_label = drawing.y_label;
      chart.log_x = drawing.log_x;
      if (HasPoints(chart)) charts.push_back(std::move(chart));
    }
  }
  return charts;
}

}  // namespace taud::cli
