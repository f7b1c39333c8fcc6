// tauctl ingest

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "cli/bad_lines.h"
#include "cli/commands.h"
#include "cli/event_sender.h"
#include "cli/field_values.h"
#include "cli/ingest_progress.h"
#include "cli/interaction_reader.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "nlohmann/json.hpp"

namespace taud::cli {
namespace {

constexpr absl::Duration kNoteInterval = absl::Seconds(1);

struct IngestFlags {
  std::string file;
  std::string format = "auto";
  std::string kind;
  size_t batch = 1000;
  double retry_seconds = 30;
  bool resume = false;
  bool strict = false;
};

struct Ingestion {
  std::unique_ptr<InteractionReader> reader;
  std::unique_ptr<EventSender> sender;
  std::unique_ptr<BadLines> bad_lines;
  absl::Mutex bad_lines_mutex;  // the sender's thread reports, too
  uint64_t unreadable = 0;      // lines of the file
  uint64_t skipped = 0;         // acknowledged before, by an earlier run
};

absl::StatusOr<std::unique_ptr<InteractionReader>> OpenFile(
    const IngestFlags& flags) {
  const auto format = ParseFormatName(flags.format);
  if (!format.ok()) return format.status();
  std::optional<model::InteractionKind> kind;
  if (!flags.kind.empty()) {
    const auto parsed = ParseKind(flags.kind);
    if (!parsed.ok()) return parsed.status();
    kind = *parsed;
  }
  return InteractionReader::Open(flags.file, *format, kind);
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
// is said once and does not stop anything.
class Note {
 public:
  Note(const IngestFlags& flags, std::string stream_id)
      : file_(flags.file), stream_id_(std::move(stream_id)) {
    // The stream's id at once: it finds what a kill leaves unnoted.
    Write(0);
  }

  void Update(uint64_t position, bool now) {
    if (!writable_ || position == 0) return;
    if (!now && absl::Now() - last_ < kNoteInterval) return;
    last_ = absl::Now();
    Write(position);
  }

 private:
  void Write(uint64_t position) {
    const absl::Status status =
        SaveIngestProgress(file_, {position, stream_id_});
    if (status.ok()) return;
    writable_ = false;
    std::cerr << status.message() << "\n";
  }

  const std::string file_;
  const std::string stream_id_;
  bool writable_ = true;
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
      case InteractionReader::Outcome::kBadLine: {
        absl::MutexLock lock(&ingestion->bad_lines_mutex);
        ingestion->bad_lines->Add(bad);
        ++ingestion->unreadable;
        if (flags.strict) {
          return absl::InvalidArgumentError(absl::StrCat(
              flags.file, ":", bad.line, ": bad line, and --strict is set"));
        }
        break;
      }
      case InteractionReader::Outcome::kInteraction: {
        if (++position <= ingestion->skipped) break;
        absl::Status status = ingestion->sender->Add(
            ToInteraction(std::move(interaction)), position);
        if (!status.ok()) return status;
        if (position % flags.batch == 0) {
          const EventSender::Totals totals = ingestion->sender->totals();
          note->Update(totals.position, false);
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
    std::cout << json.dump() << "\n";
    return;
  }
  std::cout << Count(totals.accepted) << " interactions acknowledged, "
            << Count(totals.duplicates) << " duplicates, "
            << Count(ingestion.unreadable) << " bad lines, "
            << Count(totals.rejected) << " rejected; last sequence "
            << totals.last_sequence << "\n";
}

absl::Status Ingest(const Common& common, const IngestFlags& flags) {
  Ingestion ingestion;
  auto reader = OpenFile(flags);
  if (!reader.ok()) return reader.status();
  ingestion.reader = *std::move(reader);
  IngestNote noted;
  if (flags.resume) {
    const auto loaded = LoadIngestProgress(flags.file);
    if (!loaded.ok()) return loaded.status();
    noted = *loaded;
  }
  if (noted.stream_id.empty()) noted.stream_id = NewStreamId();
  ingestion.bad_lines = std::make_unique<BadLines>(flags.file);
  EventSender::Options options;
  options.batch = flags.batch;
  options.retry_seconds = flags.retry_seconds;
  options.stream_id = noted.stream_id;
  ingestion.sender = std::make_unique<EventSender>(
      common, options, [&](uint64_t position, const std::string& reason) {
        absl::MutexLock lock(&ingestion.bad_lines_mutex);
        ingestion.bad_lines->Add(
            {0, absl::StrCat("interaction ", position, ": ", reason), ""});
      });
  Progress progress("interactions");
  const auto held = ingestion.sender->AskPosition();
  if (!held.ok()) return held.status();
  ingestion.skipped = std::max(noted.interactions, *held);
  if (flags.resume) {
    std::cerr << "resuming after " << Count(ingestion.skipped)
              << " interactions\n";
  }
  Note note(flags, noted.stream_id);
  note.Update(ingestion.skipped, true);
  const absl::Time start = absl::Now();
  const absl::Status status = SendAll(flags, &ingestion, &progress, &note);
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  const EventSender::Totals totals = ingestion.sender->totals();
  progress.Finish(totals.accepted);
  absl::MutexLock lock(&ingestion.bad_lines_mutex);
  ingestion.bad_lines->Finish();
  if (!status.ok()) {
    note.Update(totals.position, true);
    return absl::Status(
        status.code(),
        absl::StrCat(status.message(), "; ", Count(totals.accepted),
                     " interactions were acknowledged, the same command with "
                     "--resume sends the rest"));
  }
  RemoveIngestProgress(flags.file);
  Print(common, ingestion, totals, seconds);
  return absl::OkStatus();
}

}  // namespace

void AddIngest(CLI::App* app, const Common* common, absl::Status* result) {
  auto flags = std::make_shared<IngestFlags>();
  CLI::App* command = app->add_subcommand(
      "ingest",
      "Sends the interactions of a file: adjacency lists, MovieLens files, "
      "CSV or TSV with a header, JSON Lines");
  command->add_option("file", flags->file, "The file")->required();
  command
      ->add_option("--format", flags->format,
                   "auto, adjacency, u.data, ratings.dat, csv or jsonl")
      ->capture_default_str();
  command->add_option("--kind", flags->kind,
                      "The kind of every interaction, whatever the file says: "
                      "view, click, like, purchase or dislike. Without it, a "
                      "rating from 4 is a like, up to 2 a dislike");
  command->add_option("--batch", flags->batch, "Interactions in a message")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command
      ->add_option("--retry-seconds", flags->retry_seconds,
                   "How long to try again when the server is gone")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_flag("--resume", flags->resume,
                    "Go on where an interrupted ingestion of the file stopped");
  command->add_flag("--strict", flags->strict, "Stop at the first bad line");
  command->callback(
      [common, flags, result] { *result = Ingest(*common, *flags); });
}

}  // namespace taud::cli
