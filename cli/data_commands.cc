// tauctl verify, tauctl export: what can be done with a data directory or a
// backup without a daemon.

#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "cli/commands.h"
#include "cli/field_values.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "nlohmann/json.hpp"
#include "store/verify.h"

namespace taud::cli {
namespace {

struct ExportFlags {
  std::string directory;
  std::string output;
  std::string format;
};

absl::Status Verify(const Common& common, const std::string& directory) {
  const auto report = store::VerifyDataDirectory(
      directory, [](const std::string& step) { std::cerr << step << "\n"; });
  if (!report.ok()) return report.status();
  if (common.json) {
    nlohmann::ordered_json json;
    json["good"] = report->problems.empty();
    json["backup"] = report->backup;
    json["interactions"] = report->events;
    json["users"] = report->users;
    json["items"] = report->items;
    json["last_sequence"] = report->last_sequence;
    json["snapshots"] = report->snapshots;
    json["checkpoints"] = report->checkpoints;
    json["problems"] = nlohmann::ordered_json::array();
    for (const store::Problem& problem : report->problems) {
      json["problems"].push_back(
          {{"what", problem.what}, {"remedy", problem.remedy}});
    }
    std::cout << json.dump(2) << "\n";
  } else {
    std::cout << directory << ": " << Count(report->events)
              << " interactions of " << Count(report->users) << " users and "
              << Count(report->items) << " items, last sequence "
              << report->last_sequence << "; " << report->snapshots
              << " snapshots, " << report->checkpoints << " checkpoints"
              << (report->backup ? ", as backed up" : "") << "\n";
    for (const store::Problem& problem : report->problems) {
      std::cout << "DAMAGED: " << problem.what
                << "\n  remedy: " << problem.remedy << "\n";
    }
  }
  if (report->problems.empty()) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(directory, " has ", report->problems.size(), " problems"));
}

// A field of CSV as RFC 4180 has it.
std::string CsvField(std::string_view text) {
  std::string field(text);
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  return absl::StrCat("\"", absl::StrReplaceAll(field, {{"\"", "\"\""}}), "\"");
}

void WriteCsv(const store::ExportedEvent& event, std::ostream* out) {
  const model::Interaction& one = event.interaction;
  *out << CsvField(event.user_id) << ',' << CsvField(event.item_id) << ','
       << one.time_ms << ',' << KindName(one.kind) << ',' << one.weight << ','
       << CsvField(event.event_id) << ',' << one.sequence << '\n';
}

void WriteJsonLine(const store::ExportedEvent& event, std::ostream* out) {
  const model::Interaction& one = event.interaction;
  nlohmann::ordered_json json;
  json["user_id"] = event.user_id;
  json["item_id"] = event.item_id;
  json["time_ms"] = one.time_ms;
  json["kind"] = KindName(one.kind);
  json["weight"] = one.weight;
  if (!event.event_id.empty()) json["event_id"] = event.event_id;
  json["sequence"] = one.sequence;
  *out << json.dump() << '\n';
}

absl::Status Export(const ExportFlags& flags) {
  std::string format = flags.format;
  if (format.empty()) {
    format = absl::EndsWith(flags.output, ".csv") ? "csv" : "jsonl";
  }
  const bool csv = format == "csv";
  std::ofstream file;
  if (flags.output != "-") {
    file.open(flags.output);
    if (!file) {
      return absl::PermissionDeniedError(
          absl::StrCat("cannot write ", flags.output));
    }
  }
  std::ostream& out = flags.output == "-" ? std::cout : file;
  if (csv) out << "user_id,item_id,time_ms,kind,weight,event_id,sequence\n";
  Progress progress("interactions");
  uint64_t written = 0;
  absl::Status status = store::ExportEvents(
      flags.directory, [&](const store::ExportedEvent& event) {
        csv ? WriteCsv(event, &out) : WriteJsonLine(event, &out);
        if (++written % 4096 == 0) progress.Update(written, -1);
        if (out) return absl::OkStatus();
        return absl::ResourceExhaustedError(absl::StrCat(
            "cannot write ", flags.output, " to its end; is the disk full?"));
      });
  out.flush();
  if (status.ok() && !out) {
    status = absl::ResourceExhaustedError(absl::StrCat(
        "cannot write ", flags.output, " to its end; is the disk full?"));
  }
  progress.Finish(written);
  return status;
}

}  // namespace

void AddVerify(CLI::App* app, const Common* common, absl::Status* result) {
  auto directory = std::make_shared<std::string>();
  CLI::App* command = app->add_subcommand(
      "verify",
      "Checks a data directory that no taud uses, or a backup: every checksum "
      "and whether everything agrees");
  command->add_option("directory", *directory, "The directory")->required();
  command->callback(
      [common, directory, result] { *result = Verify(*common, *directory); });
}

void AddExport(CLI::App* app, const Common* common, absl::Status* result) {
  (void)common;
  auto flags = std::make_shared<ExportFlags>();
  CLI::App* command = app->add_subcommand(
      "export",
      "Writes the interactions of a data directory that no taud uses, or of a "
      "backup, as JSON Lines or CSV, as `tauctl ingest` reads them");
  command->add_option("directory", flags->directory, "The directory")
      ->required();
  command->add_option("--output,-o", flags->output, "The file; - is the output")
      ->required();
  command
      ->add_option("--format", flags->format,
                   "jsonl or csv; else by the file's name")
      ->check(CLI::IsMember({"jsonl", "csv"}));
  command->callback([flags, result] { *result = Export(*flags); });
}

}  // namespace taud::cli
