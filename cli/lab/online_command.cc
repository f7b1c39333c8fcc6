// tauctl lab online

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "cli/files/field_values.h"
#include "cli/files/interaction_reader.h"
#include "cli/lab/chart.h"
#include "cli/lab/commands.h"
#include "cli/lab/report.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "lab/prequential.h"
#include "lab/simulator.h"
#include "model/types.h"
#include "nlohmann/json.hpp"

namespace taud::cli {
namespace {

struct OnlineFlags {
  std::string data;
  std::string kind;  // of every interaction; empty: as the file says
  std::string scenario;
  std::string draw;  // file to draw into, without ending; empty: nowhere
  size_t interactions = 100'000;
  uint32_t users = 1000, items = 2000;
  lab::PrequentialOptions options;
};

struct Stream {
  std::vector<lab::StreamPair> pairs;
  size_t change = 0;  // where the scenario's event begins; 0: nowhere
};

// The positives of a file by time, ids as dense numbers.
absl::StatusOr<Stream> ReadStream(const OnlineFlags& flags) {
  const std::string& path = flags.data;
  ReadOptions options;
  if (!flags.kind.empty()) {
    auto parsed = ParseKind(flags.kind);
    if (!parsed.ok()) return parsed.status();
    options.kind = *parsed;
  }
  auto reader = InteractionReader::Open(path, options);
  if (!reader.ok()) return reader.status();
  struct Timed {
    int64_t time_ms;
    lab::StreamPair pair;
  };
  std::vector<Timed> events;
  absl::flat_hash_map<std::string, uint32_t> users;
  absl::flat_hash_map<std::string, uint32_t> items;
  const auto number = [](const std::string& id, auto* numbers) {
    return numbers->emplace(id, static_cast<uint32_t>(numbers->size()))
        .first->second;
  };
  FileInteraction interaction;
  BadLine bad;
  while (true) {
    const auto outcome = (*reader)->Next(&interaction, &bad);
    if (outcome == InteractionReader::Outcome::kEnd) break;
    if (outcome != InteractionReader::Outcome::kInteraction) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", bad.line, ": ", bad.reason));
    }
    if (!model::IsPositive(interaction.kind)) continue;
    if (interaction.time_ms == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", interaction.line,
                       ": no time; a replay needs one for each interaction"));
    }
    events.push_back({interaction.time_ms,
                      {number(interaction.user, &users),
                       number(interaction.item, &items), true}});
  }
  std::stable_sort(
      events.begin(), events.end(),
      [](const Timed& a, const Timed& b) { return a.time_ms < b.time_ms; });
  Stream stream;
  for (const Timed& event : events) stream.pairs.push_back(event.pair);
  return stream;
}

// drift: half-way every user's taste changes at once. spam: from half-way on,
// for a tenth of the stream, every other interaction is of an account that
// pushes one unpopular item.
Stream Simulate(const OnlineFlags& flags) {
  lab::Simulator::Options options;
  options.users = flags.users;
  options.items = flags.items;
  options.genres = std::min<uint32_t>(12, flags.items);
  options.seed = flags.options.seed;
  lab::Simulator simulator(options);
  Stream stream;
  const size_t half = flags.interactions / 2;
  const size_t spam_end = half + flags.interactions / 10;
  if (flags.scenario != "calm") stream.change = half;
  uint32_t spammer = flags.users;
  while (stream.pairs.size() < flags.interactions) {
    const size_t at = stream.pairs.size();
    if (flags.scenario == "drift" && at == half) simulator.Drift();
    if (flags.scenario == "spam" && at >= half && at < spam_end &&
        at % 2 == 0) {
      stream.pairs.push_back({spammer++, flags.items - 1, false});
      continue;
    }
    const lab::Simulator::Event event = simulator.Next();
    stream.pairs.push_back({event.user, event.item, true});
  }
  return stream;
}

nlohmann::ordered_json ToJson(const lab::PrequentialWindow& window) {
  nlohmann::ordered_json json;
  json["interactions"] = window.end;
  json["tested"] = window.tested;
  for (int ranker = 0; ranker < lab::kRankers; ++ranker) {
    json["hit_rate"][lab::RankerName(ranker)] = window.hit_rate[ranker];
    json["ndcg"][lab::RankerName(ranker)] = window.ndcg[ranker];
  }
  return json;
}

nlohmann::ordered_json ToJson(const OnlineFlags& flags, const Stream& stream,
                              const lab::PrequentialResult& result) {
  nlohmann::ordered_json json = ToJson(result.total);
  json["k"] = flags.options.k;
  json["source"] = flags.data.empty()
                       ? absl::StrCat("simulator, ", flags.scenario)
                       : flags.data;
  json["recent_weight"] = double{result.weights.recent};
  json["prior_strength"] = double{result.weights.prior};
  json["neighbour_weight"] = double{result.neighbours.weight};
  json["neighbour_power"] = double{result.neighbours.power};
  json["online_seconds"] = result.online_seconds;
  json["nightly_seconds"] = result.nightly_seconds;
  if (stream.change > 0) {
    constexpr size_t kBefore = 5;
    constexpr double kShare = 0.9;
    json["change_at"] = stream.change;
    for (int ranker = 0; ranker < lab::kRankers; ++ranker) {
      json["windows_to_recover"][lab::RankerName(ranker)] =
          lab::RecoveryWindows(result, stream.change, ranker, kBefore, kShare);
    }
  }
  for (size_t length = 0; length < lab::kHistoryLengths.size(); ++length) {
    nlohmann::ordered_json part = ToJson(result.by_history[length]);
    part.erase("interactions");
    part["history_from"] = lab::kHistoryLengths[length];
    json["by_history"].push_back(std::move(part));
  }
  for (const auto& window : result.windows) {
    json["windows"].push_back(ToJson(window));
  }
  return json;
}

void Print(const OnlineFlags& flags, const nlohmann::ordered_json& json) {
  std::vector<std::string> headings = {"interactions", ">tested"};
  for (int ranker = 0; ranker < lab::kRankers; ++ranker) {
    headings.push_back(absl::StrCat(">", lab::RankerName(ranker)));
  }
  Table table(headings);
  const auto add = [&](const std::string& name,
                       const nlohmann::ordered_json& values, const char* key) {
    std::vector<std::string> cells = {name,
                                      Count(values.at("tested").get<size_t>())};
    for (const auto& [ranker, value] : values.at(key).items()) {
      cells.push_back(Fixed(value.get<double>(), 4));
    }
    table.AddRow(cells);
  };
  for (const auto& window : json.at("windows")) {
    add(Count(window.at("interactions").get<size_t>()), window, "hit_rate");
  }
  const auto& parts = json.at("by_history");
  for (size_t n = 0; n < parts.size(); ++n) {
    const auto from = parts[n].at("history_from").get<size_t>();
    std::string name = absl::StrCat("history of ", from);
    if (n + 1 == parts.size()) {
      name += " or more";
    } else if (parts[n + 1].at("history_from").get<size_t>() > from + 1) {
      absl::StrAppend(&name, " to ",
                      parts[n + 1].at("history_from").get<size_t>() - 1);
    }
    add(name, parts[n], "hit_rate");
  }
  add("hit rate of all", json, "hit_rate");
  add("ndcg of all", json, "ndcg");
  std::cout << "hit rate@" << flags.options.k
            << ", each interaction ranked before it is learnt\n"
            << table.ToString();
  if (json.contains("windows_to_recover")) {
    std::cout << "\nwindows after interaction "
              << Count(json.at("change_at").get<size_t>())
              << " until the hit rate is back at 90 % (-1: never):";
    for (const auto& [ranker, count] : json.at("windows_to_recover").items()) {
      std::cout << " " << ranker << " " << count.get<int>();
    }
    std::cout << "\n";
  }
  std::cout << "\nfound at the end: a user's latest items count "
            << Fixed(json.at("recent_weight"), 2)
            << " beside its row, the common taste as "
            << Fixed(json.at("prior_strength"), 0)
            << " interactions, the neighbourhood "
            << Fixed(json.at("neighbour_weight"), 2) << "\nlearning took "
            << Fixed(json.at("online_seconds"), 1) << " s online and "
            << Fixed(json.at("nightly_seconds"), 1)
            << " s in the nightly fits\n";
}

// Hit rate over the stream, a curve a ranker.
Chart Draw(const std::string& file, const nlohmann::ordered_json& json) {
  Chart chart;
  chart.file = file;
  // The file without its folder: a drawing is for others, too.
  const std::filesystem::path source(json.at("source").get<std::string>());
  chart.title = absl::StrCat("Each interaction ranked before it is learnt, ",
                             source.filename().string());
  chart.x_label = "interactions";
  chart.y_label = absl::StrCat("hit rate@", json.at("k").get<size_t>());
  for (int ranker = 0; ranker < lab::kRankers; ++ranker) {
    ChartSeries series = {
        lab::RankerName(ranker), ChartSeries::Style::kLine, {}};
    for (const auto& window : json.at("windows")) {
      series.points.emplace_back(window.at("interactions").get<double>(),
                                 window.at("hit_rate").at(series.name));
    }
    chart.series.push_back(std::move(series));
  }
  return chart;
}

absl::Status RunOnline(const Common& common, const OnlineFlags& flags) {
  if (flags.data.empty() == flags.scenario.empty()) {
    return absl::InvalidArgumentError(
        "give either --data FILE or --simulate SCENARIO");
  }
  absl::StatusOr<Stream> stream =
      flags.data.empty() ? Simulate(flags) : ReadStream(flags);
  if (!stream.ok()) return stream.status();
  StopExperimentsOnSignals();
  Progress progress("interactions");
  auto result = lab::RunPrequential(
      stream->pairs, flags.options,
      [&](double share, const lab::PrequentialWindow* ended) {
        if (ended != nullptr) {
          progress.Note(absl::StrCat(
              Count(ended->end), " interactions: hit rate@", flags.options.k,
              " online ", Fixed(ended->hit_rate[lab::kOnline], 4),
              ", popularity ", Fixed(ended->hit_rate[lab::kPopularity], 4),
              ", recency ", Fixed(ended->hit_rate[lab::kRecency], 4),
              ", nightly ", Fixed(ended->hit_rate[lab::kNightly], 4)));
        } else {
          progress.Show("replaying", share);
        }
        return !ExperimentsStopped();
      });
  if (!result.ok()) return result.status();
  const nlohmann::ordered_json json = ToJson(flags, *stream, *result);
  if (common.json) {
    std::cout << json.dump() << "\n";
  } else {
    Print(flags, json);
  }
  if (flags.draw.empty()) return absl::OkStatus();
  const std::filesystem::path path(flags.draw);
  return DrawChart(Draw(path.filename().string(), json),
                   path.has_parent_path() ? path.parent_path().string() : ".");
}

}  // namespace

void AddLabOnline(CLI::App* lab, const Common* common, absl::Status* result) {
  auto flags = std::make_shared<OnlineFlags>();
  lab::PrequentialOptions& options = flags->options;
  options.threads =
      std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  CLI::App* online = lab->add_subcommand(
      "online",
      "Replays a stream in time order, test-then-train: the online trainer "
      "against popularity, recency and a model fitted anew every night");
  online->add_option("--data", flags->data,
                     "File of interactions with times, in any layout that "
                     "ingest reads");
  online->add_option("--kind", flags->kind,
                     "Kind of every interaction, whatever the file says");
  online
      ->add_option("--simulate", flags->scenario,
                   "Instead of a file: calm, drift (half-way all tastes "
                   "change), spam (half-way a burst pushes one item)")
      ->check(CLI::IsMember({"calm", "drift", "spam"}));
  online->add_option("--interactions", flags->interactions, "To simulate")
      ->check(CLI::Range(100, 100'000'000))
      ->capture_default_str();
  online->add_option("--users", flags->users, "To simulate")
      ->check(CLI::Range(1u, 10'000'000u))
      ->capture_default_str();
  online->add_option("--items", flags->items, "To simulate")
      ->check(CLI::Range(2u, 10'000'000u))
      ->capture_default_str();
  online->add_option("-k", options.k, "Length of the lists")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  online->add_option("--windows", options.windows, "Parts to report")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  online
      ->add_option("--nights", options.nights,
                   "Fits of the nightly model, evenly over the stream; 0: none")
      ->check(CLI::Range(0, 100'000))
      ->capture_default_str();
  online->add_option("--draw", flags->draw,
                     "Draws the hit rates over time: PATH makes PATH.svg and "
                     "PATH.png");
  online
      ->add_option("--replay", options.replay,
                   "Positives the online model learns from for each that "
                   "arrives")
      ->check(CLI::Range(1.0, 10000.0))
      ->capture_default_str();
  online
      ->add_option("--chunk", options.chunk,
                   "Interactions between two rounds of online learning")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  online
      ->add_option("--neighbours", options.neighbours,
                   "Neighbours that an item's list has, at most; 0: none")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  online->add_option("--dim", options.dim, "Width of the vectors")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  online->add_option("--seed", options.seed, "Seed")->capture_default_str();
  online->add_option("--threads", options.threads, "Threads to learn with")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  online->callback(
      [common, flags, result] { *result = RunOnline(*common, *flags); });
}

}  // namespace taud::cli
