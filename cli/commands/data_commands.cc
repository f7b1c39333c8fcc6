// tauctl verify, tauctl export: what can be done with a data directory or a
// backup without a daemon.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/files/export_lines.h"
#include "cli/terminal/confirm.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "nlohmann/json.hpp"
#include "store/verify.h"

namespace taud::cli {
namespace {

struct ExportFlags {
  std::string directory;
  std::string output;
  std::string format;
  bool yes = false;
};

absl::Status Verify(const Common& common, const std::string& directory) {
  const auto report = store::VerifyDataDirectory(
      directory,
      [](const std::string& step) { std::cerr << Inert(step) << "\n"; });
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
    std::cout << Inert(directory) << ": " << Count(report->events)
              << " interactions of " << Count(report->users) << " users and "
              << Count(report->items) << " items, last sequence "
              << report->last_sequence << "; " << report->snapshots
              << " snapshots, " << report->checkpoints << " checkpoints"
              << (report->backup ? ", as backed up" : "") << "\n";
    for (const store::Problem& problem : report->problems) {
      std::cout << "DAMAGED: " << InertLines(problem.what)
                << "\n  remedy: " << InertLines(problem.remedy) << "\n";
    }
  }
  if (report->problems.empty()) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(directory, " has ", report->problems.size(), " problems"));
}

absl::Status WriteEvents(const ExportFlags& flags, bool csv,
                         std::ostream* out) {
  const auto full = [&flags] {
    return absl::ResourceExhaustedError(absl::StrCat(
        "cannot write ", flags.output, " to its end; is the disk full?"));
  };
  if (csv) *out << kExportHeader;
  Progress progress("interactions");
  uint64_t written = 0;
  absl::Status status = store::ExportEvents(
      flags.directory, [&](const store::ExportedEvent& event) {
        *out << (csv ? ExportCsvLine(event) : ExportJsonLine(event));
        if (++written % 4096 == 0) progress.Update(written, -1);
        return *out ? absl::OkStatus() : full();
      });
  out->flush();
  if (status.ok() && !*out) status = full();
  progress.Finish(written);
  return status;
}

absl::Status Export(const ExportFlags& flags) {
  namespace fs = std::filesystem;
  std::string format = flags.format;
  if (format.empty()) {
    format = absl::EndsWith(flags.output, ".csv") ? "csv" : "jsonl";
  }
  const bool csv = format == "csv";
  if (flags.output == "-") return WriteEvents(flags, csv, &std::cout);
  std::error_code error;
  const bool exists = fs::exists(flags.output, error);
  const bool is_file = fs::is_regular_file(flags.output, error);
  if (is_file && fs::file_size(flags.output, error) > 0) {
    absl::Status meant = Confirm(
        absl::StrCat(flags.output, " exists and is written over"), flags.yes);
    if (!meant.ok()) return meant;
  }
  // Beside it first: a failure leaves the old file. A pipe or a device has no
  // beside.
  const bool beside = is_file || !exists;
  const std::string path =
      beside ? absl::StrCat(flags.output, ".incomplete") : flags.output;
  std::ofstream file(path);
  if (!file) {
    return absl::PermissionDeniedError(absl::StrCat("cannot write ", path));
  }
  absl::Status status = WriteEvents(flags, csv, &file);
  file.close();
  if (!beside) return status;
  if (status.ok()) {
    fs::rename(path, flags.output, error);
    if (!error) return status;
    status = absl::UnavailableError(
        absl::StrCat("cannot write ", flags.output, ": ", error.message()));
  }
  fs::remove(path, error);
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
  command->add_flag("--yes", flags->yes, "Write over an existing file");
  command->callback([flags, result] { *result = Export(*flags); });
}

}  // namespace taud::cli
