// tauctl ingest

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "cli/client/event_sender.h"
#include "cli/commands/await_learned.h"
#include "cli/commands/commands.h"
#include "cli/commands/ingest_outcome.h"
#include "cli/files/bad_lines.h"
#include "cli/files/field_values.h"
#include "cli/files/ingest_progress.h"
#include "cli/files/interaction_reader.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "nlohmann/json.hpp"

namespace taud::cli {
namespace {

constexpr absl::Duration kNoteInterval = absl::Seconds(1);

struct IngestFlags {
  std::string file;
  std::string format = "auto";
  std::string kind;
  std::vector<std::string> columns;
  std::string time_unit;
  std::optional<double> positive_from;
  size_t batch = 1000;
  double retry_seconds = 30;
  uint64_t max_bad = 0;
  bool resume = false;
  bool strict = false;
  double wait_seconds = 0;  // 0: do not wait
};

struct Ingestion {
  std::string name;  // of the file, for people
  std::unique_ptr<InteractionReader> reader;
  std::unique_ptr<EventSender> sender;
  std::unique_ptr<BadLines> bad_lines;
  absl::Mutex bad_lines_mutex;  // the sender's thread reports, too
  uint64_t unreadable = 0;      // lines of the file
  uint64_t skipped = 0;         // acknowledged before, by an earlier run
  uint64_t dislikes = 0;
  uint64_t others = 0;
};

absl::StatusOr<ReadOptions> OptionsOf(const IngestFlags& flags) {
  ReadOptions options;
  const auto format = ParseFormatName(flags.format);
  if (!format.ok()) return format.status();
  options.format = *format;
  if (!flags.kind.empty()) {
    const auto kind = ParseKind(flags.kind);
    if (!kind.ok()) return kind.status();
    options.kind = *kind;
  }
  if (!flags.time_unit.empty()) {
    const auto unit = ParseTimeUnit(flags.time_unit);
    if (!unit.ok()) return unit.status();
    options.time_unit = *unit;
  }
  auto columns = ParseColumnChoice(flags.columns);
  if (!columns.ok()) return columns.status();
  options.columns = *std::move(columns);
  options.positive_from = flags.positive_from;
  return options;
}

// The options that decide what the interactions of the file are.
std::string ReadingOf(const IngestFlags& flags) {
  std::string text = absl::StrCat("--format ", flags.format);
  if (!flags.kind.empty()) absl::StrAppend(&text, " --kind ", flags.kind);
  for (const std::string& columns : flags.columns) {
    absl::StrAppend(&text, " --columns ", columns);
  }
  if (!flags.time_unit.empty()) {
    absl::StrAppend(&text, " --time-unit ", flags.time_unit);
  }
  if (flags.positive_from.has_value()) {
    absl::StrAppend(&text, " --positive-from ", *flags.positive_from);
  }
  return text;
}

// Whether it can be read only once: standard input, a pipe. Then there is no
// second look at it, and no note.
bool IsStream(const IngestFlags& flags) {
  std::error_code none;
  return flags.file == "-" || absl::StartsWith(flags.file, "/dev/") ||
         !std::filesystem::is_regular_file(flags.file, none);
}

v1::Interaction ToInteraction(FileInteraction from) {
  v1::Interaction to;
  to.set_user_id(std::move(from.user));
  to.set_item_id(std::move(from.item));
  to.set_event_id(std::move(from.event_id));
  to.set_time_ms(from.time_ms);
  to.set_weight(from.weight);
  to.set_kind(static_cast<v1::InteractionKind>(from.kind));
  return to;
}

// Of this ingestion alone: the same file sent once more is sent once more.
std::string NewStreamId() {
  std::random_device random;
  return absl::StrCat("tauctl-", absl::Hex(random(), absl::kZeroPad8),
                      absl::Hex(random(), absl::kZeroPad8));
}

// Notes what was acknowledged, now and then. That the note cannot be written
// is said once and does not stop anything. A stream has none.
class Note {
 public:
  Note(const IngestFlags& flags, IngestNote note)
      : file_(flags.file), note_(std::move(note)), writable_(!IsStream(flags)) {
    // The stream's id at once: it finds what a kill leaves unnoted.
    Write();
  }

  void Update(const EventSender::Totals& totals) {
    if (absl::Now() - last_ < kNoteInterval) return;
    Set(totals);
    Write();
  }

  void Close(const EventSender::Totals& totals, bool finished) {
    Set(totals);
    note_.finished = finished;
    Write();
  }

 private:
  void Set(const EventSender::Totals& totals) {
    note_.interactions = std::max(note_.interactions, totals.position);
    note_.stored = std::max(note_.stored, totals.stored);
  }

  void Write() {
    if (!writable_) return;
    last_ = absl::Now();
    const absl::Status status = SaveIngestProgress(file_, note_);
    if (status.ok()) return;
    writable_ = false;
    std::cerr << Inert(status.message()) << "\n";
  }

  const std::string file_;
  IngestNote note_;
  bool writable_;
  absl::Time last_ = absl::Now();
};

absl::Status SendAll(const IngestFlags& flags, Ingestion* ingestion,
                     Progress* progress, Note* note) {
  InteractionReader& reader = *ingestion->reader;
  const auto total = static_cast<double>(reader.total_bytes());
  uint64_t position = 0;
  while (true) {
    FileInteraction interaction;
    BadLine bad;
    switch (reader.Next(&interaction, &bad)) {
      case InteractionReader::Outcome::kEnd:
        return ingestion->sender->Finish();
      case InteractionReader::Outcome::kFailed: {
        const absl::Status status = ingestion->sender->Finish();
        if (!status.ok()) return status;
        return absl::DataLossError(absl::StrCat(
            ingestion->name, ": behind line ", bad.line, ": ", bad.reason));
      }
      case InteractionReader::Outcome::kBadLine: {
        absl::MutexLock lock(&ingestion->bad_lines_mutex);
        ingestion->bad_lines->Add(bad);
        ++ingestion->unreadable;
        if (flags.strict) {
          return absl::InvalidArgumentError(
              absl::StrCat(ingestion->name, ":", bad.line,
                           ": bad line, and --strict is set"));
        }
        break;
      }
      case InteractionReader::Outcome::kInteraction: {
        ++(interaction.kind == model::InteractionKind::kDislike
               ? ingestion->dislikes
               : ingestion->others);
        if (++position <= ingestion->skipped) break;
        const uint64_t line = interaction.line;
        absl::Status status = ingestion->sender->Add(
            ToInteraction(std::move(interaction)), position, line);
        if (!status.ok()) return status;
        if (position % flags.batch == 0) {
          const EventSender::Totals totals = ingestion->sender->totals();
          note->Update(totals);
          progress->Update(
              totals.accepted,
              total == 0 ? -1
                         : static_cast<double>(reader.bytes_read()) / total);
        }
        break;
      }
    }
  }
}

void Print(const Common& common, const Ingestion& ingestion,
           const EventSender::Totals& totals, double seconds) {
  if (common.json) {
    nlohmann::ordered_json json;
    json["accepted"] = totals.accepted;
    json["duplicates"] = totals.duplicates;
    json["rejected"] = totals.rejected;
    json["bad_lines"] = ingestion.unreadable;
    json["skipped"] = ingestion.skipped;
    json["last_sequence"] = totals.last_sequence;
    json["seconds"] = seconds;
    json["reconnects"] = totals.reconnects;
    for (const auto& [what, text] : ingestion.reader->Understood()) {
      json["understood"][what] = text;
    }
    // Names of columns are the file's: nothing in them moves a cursor.
    std::cout << json.dump(-1, ' ', /*ensure_ascii=*/true,
                           nlohmann::json::error_handler_t::replace)
              << "\n";
    return;
  }
  std::cout << Count(totals.accepted) << " interactions acknowledged, "
            << Count(totals.duplicates) << " duplicates, "
            << Count(ingestion.unreadable) << " bad lines, "
            << Count(totals.rejected) << " rejected; last sequence "
            << totals.last_sequence << "\n";
}

// What an earlier run has noted; a new note without one, or if it is not asked
// for.
absl::StatusOr<IngestNote> FindNote(const Common& common,
                                    const IngestFlags& flags) {
  IngestNote note;
  if (IsStream(flags)) {
    if (flags.resume) {
      return absl::InvalidArgumentError(
          "--resume needs a file: a pipe is gone when it was read");
    }
  } else {
    const auto fingerprint = FileFingerprint(flags.file);
    if (!fingerprint.ok()) return fingerprint.status();
    const std::string reading = ReadingOf(flags);
    if (flags.resume) {
      auto loaded = LoadIngestProgress(flags.file);
      if (!loaded.ok()) return loaded.status();
      absl::Status status =
          CheckNote(flags.file, *loaded, *fingerprint, reading);
      if (!status.ok()) return status;
      note = *std::move(loaded);
    }
    note.fingerprint = *fingerprint;
    note.reading = reading;
  }
  if (note.stream_id.empty()) {
    note.stream_id = NewStreamId();
    note.server = common.server;
  }
  return note;
}

void PrintUnderstood(const Ingestion& ingestion) {
  for (const auto& [what, text] : ingestion.reader->Understood()) {
    std::cerr << Inert(absl::StrCat(ingestion.name, ": ", what, ": ", text))
              << "\n";
  }
}

absl::Status Ingest(const Common& common, const IngestFlags& flags) {
  Ingestion ingestion;
  ingestion.name = flags.file == "-" ? "standard input" : flags.file;
  const auto read_options = OptionsOf(flags);
  if (!read_options.ok()) return read_options.status();
  auto reader = InteractionReader::Open(flags.file, *read_options);
  if (!reader.ok()) return reader.status();
  ingestion.reader = *std::move(reader);
  PrintUnderstood(ingestion);
  auto noted = FindNote(common, flags);
  if (!noted.ok()) return noted.status();
  ingestion.bad_lines = std::make_unique<BadLines>(ingestion.name);
  EventSender::Options options;
  options.batch = flags.batch;
  options.retry_seconds = flags.retry_seconds;
  options.stream_id = noted->stream_id;
  ingestion.sender = std::make_unique<EventSender>(
      common, options, [&](uint64_t line, const std::string& reason) {
        absl::MutexLock lock(&ingestion.bad_lines_mutex);
        ingestion.bad_lines->Add(
            {line, absl::StrCat("rejected: ", reason), ""});
      });
  Progress progress("interactions");
  const auto held = ingestion.sender->AskPosition();
  if (!held.ok()) return held.status();
  const auto behind = ResumeBehind(flags.file, *noted, *held, common.server);
  if (!behind.ok()) return behind.status();
  ingestion.skipped = *behind;
  if (noted->finished) {
    std::cerr << Inert(flags.file) << ": all of it was sent before\n";
  } else if (flags.resume) {
    std::cerr << "resuming after " << Count(ingestion.skipped)
              << " interactions\n";
  }
  Note note(flags, *noted);
  const absl::Time start = absl::Now();
  const absl::Status status =
      noted->finished ? absl::OkStatus()
                      : SendAll(flags, &ingestion, &progress, &note);
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  const EventSender::Totals totals = ingestion.sender->totals();
  progress.Finish(totals.accepted);
  absl::MutexLock lock(&ingestion.bad_lines_mutex);
  ingestion.bad_lines->Finish();
  note.Close(totals, status.ok());
  if (!status.ok()) {
    return absl::Status(
        status.code(),
        absl::StrCat(status.message(), "; ", Count(totals.accepted),
                     " interactions were acknowledged",
                     IsStream(flags)
                         ? ""
                         : ", the same command with --resume sends the rest"));
  }
  Print(common, ingestion, totals, seconds);
  if (ingestion.dislikes > 0 && ingestion.others == 0) {
    std::cerr << Inert(ingestion.name)
              << ": WARNING: every interaction is a dislike: nothing can be "
                 "recommended from these. --positive-from says from where on a "
                 "rating is a like\n";
  }
  RowCounts rows;
  rows.taken = totals.accepted + totals.duplicates + ingestion.skipped;
  rows.bad = ingestion.unreadable;
  rows.refused = totals.rejected;
  absl::Status outcome = RowsOutcome(ingestion.name, rows, flags.max_bad);
  if (!outcome.ok() || flags.wait_seconds == 0) return outcome;
  return AwaitLearned(common, totals.last_sequence, flags.wait_seconds);
}

}  // namespace

void AddIngest(CLI::App* app, const Common* common, absl::Status* result) {
  auto flags = std::make_shared<IngestFlags>();
  CLI::App* command = app->add_subcommand(
      "ingest",
      "Sends the interactions of a file: adjacency lists, MovieLens files, "
      "CSV or TSV with a header, JSON Lines, also packed with gzip or zstd");
  command->add_option("file", flags->file, "The file; - is standard input")
      ->required();
  command
      ->add_option("--format", flags->format,
                   "auto, adjacency, u.data, ratings.dat, csv or jsonl")
      ->capture_default_str();
  command->add_option(
      "--columns", flags->columns,
      "Which column is what, where the names do not say it: "
      "user=buyer,item=sku,time=…,kind=…,rating=…,weight=…,event_id=…; an "
      "empty name turns one off. Other columns are then left out");
  command->add_option("--kind", flags->kind,
                      "The kind of every interaction, whatever the file says: "
                      "view, click, like, purchase or dislike");
  command->add_option("--positive-from", flags->positive_from,
                      "From where on a rating is a like; up to half of it, it "
                      "is a dislike. Without it 80 % of a scale that ends at "
                      "1, 5 or 10, by the first lines");
  command->add_option("--time-unit", flags->time_unit,
                      "Of times that are numbers: s, ms, us or ns. Without it "
                      "what the first lines look like");
  command->add_option("--batch", flags->batch, "Interactions in a message")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command
      ->add_option("--retry-seconds", flags->retry_seconds,
                   "How long to try again when the server is gone")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_flag("--resume", flags->resume,
                    "Go on where an interrupted ingestion of the file stopped; "
                    "a finished one sends nothing");
  command
      ->add_option("--max-bad", flags->max_bad,
                   "How many bad or rejected lines are no error")
      ->capture_default_str();
  command->add_flag("--strict", flags->strict, "Stop at the first bad line");
  AddWait(command, &flags->wait_seconds);
  command->callback(
      [common, flags, result] { *result = Ingest(*common, *flags); });
}

}  // namespace taud::cli
