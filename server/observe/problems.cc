#include "server/observe/problems.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"

namespace taud::server {
namespace {

using v1::Problem;

// So many rejections one after another are no accident.
constexpr uint64_t kManyRejections = 3;
// The first model of what was sent takes no longer, if all is well.
constexpr int64_t kFirstModelMs = 120'000;
// With less than so many times store.min_free_mib left, the disk is filling.
constexpr uint64_t kFillingTimes = 4;
// A request that holds a snapshot longer is no usual one.
constexpr double kHeldTooLong = 60;
// Fewer events say nothing of the model beside popularity.
constexpr uint64_t kEnoughEvents = 500;
// A queue as full as this makes its callers wait.
constexpr double kFullShare = 0.98;

std::string Ago(double seconds) {
  if (seconds < 120) return absl::StrFormat("%.0f s", std::max(0.0, seconds));
  if (seconds < 7200) return absl::StrFormat("%.0f min", seconds / 60);
  if (seconds < 172800) return absl::StrFormat("%.0f h", seconds / 3600);
  return absl::StrFormat("%.0f days", seconds / 86400);
}

// "since 2026-11-21 04:11:00 UTC (4 min)", or nothing if nobody knows.
std::string Since(int64_t since_ms, int64_t now_ms) {
  if (since_ms <= 0) return "";
  return absl::StrCat(
      " since ",
      absl::FormatTime("%Y-%m-%d %H:%M:%S", absl::FromUnixMillis(since_ms),
                       absl::UTCTimeZone()),
      " UTC (", Ago(static_cast<double>(now_ms - since_ms) / 1000), ")");
}

std::string Because(const std::string& why) {
  return why.empty() ? "" : absl::StrCat(": ", why);
}

std::string Rejections(uint64_t count) {
  if (count == 1) return "the last snapshot";
  return absl::StrCat(count, " snapshots one after another");
}

std::string Mebibytes(uint64_t bytes) {
  return absl::StrCat(bytes >> 20, " MiB");
}

// Gathers them. Each Add… looks at one kind of trouble.
class Finder {
 public:
  Finder(const v1::Status& status, const Conditions& conditions)
      : status_(status), conditions_(conditions) {}

  std::vector<Problem> Find() {
    AddService();
    AddWrites();
    AddLearning();
    AddSaving();
    AddVersions();
    AddDisk();
    const Trouble& audit = conditions_.audit;
    if (audit.since_ms != 0) {
      Add(Problem::SEVERITY_CRITICAL, "audit_not_written",
          absl::StrCat("The audit log cannot be written", Since(audit.since_ms),
                       Because(audit.why),
                       ". Calls that it must tell of are refused: erasures, "
                       "items and users, and operating. It is tried again "
                       "every second."));
    }
    const Trouble& files = conditions_.files;
    if (files.since_ms != 0) {
      Add(Problem::SEVERITY_WARNING, "file_not_read",
          absl::StrCat("A file has changed and cannot be read",
                       Since(files.since_ms), Because(files.why),
                       ". What was read before counts on; it is read again "
                       "when it changes."));
    }
    if (conditions_.insecure) {
      Add(Problem::SEVERITY_INFO, "insecure",
          "server.insecure is set: whoever reaches the addresses may do "
          "everything. Only a proxy that checks tokens and speaks TLS should.");
    }
    std::stable_sort(found_.begin(), found_.end(),
                     [](const Problem& a, const Problem& b) {
                       return a.severity() > b.severity();
                     });
    return std::move(found_);
  }

 private:
  void Add(Problem::Severity severity, const char* code, std::string text) {
    Problem problem;
    problem.set_severity(severity);
    problem.set_code(code);
    problem.set_text(std::move(text));
    found_.push_back(std::move(problem));
  }
  std::string Since(int64_t since_ms) const {
    return server::Since(since_ms, status_.now_ms());
  }

  bool HasNothingToLearn() const {
    const v1::TrainerStatus& trainer = status_.trainer();
    return status_.log().interactions() == 0 ||
           (trainer.state() == "waiting" && trainer.pairs() == 0 &&
            trainer.backlog() == 0);
  }

  // Nothing was rejected, and it has not been at it for long.
  bool MakesFirstModel() const {
    const std::string& state = status_.trainer().state();
    return state == "training" &&
           status_.serving().rejected_in_a_row() == 0 &&
           status_.now_ms() - conditions_.trainer_since_ms < kFirstModelMs;
  }

  void AddService() {
    const bool draining = status_.phase() == "DRAINING";
    if (status_.phase() == "STARTING" && status_.log().read_percent() < 100 &&
        status_.serving().snapshot_version() > 0) {
      Add(Problem::SEVERITY_WARNING, "history_incomplete",
          absl::StrCat("The log is still being read, ",
                       status_.log().read_percent(),
                       " %: answers may have items that the user has had, and "
                       "say history_incomplete. It ends by itself."));
    } else if (status_.ready() && !draining) {
      return;
    } else if (draining) {
      Add(Problem::SEVERITY_WARNING, "nothing_serves",
          "taud is stopping and takes no new calls; start it again, or wait "
          "for its successor.");
    } else if (status_.phase() != "STARTING" && HasNothingToLearn()) {
      Add(Problem::SEVERITY_INFO, "nothing_serves",
          "Nothing serves yet: there are no positive interactions to learn "
          "from. Send some (`tauctl ingest FILE`, `tauctl simulate`).");
    } else if (status_.phase() != "STARTING" && MakesFirstModel()) {
      Add(Problem::SEVERITY_INFO, "nothing_serves",
          "Nothing serves yet: the first model is being made of what was sent, "
          "which takes seconds.");
    } else {
      Add(Problem::SEVERITY_CRITICAL, "nothing_serves",
          absl::StrCat(
              "No recommendations are answered", Since(status_.started_ms()),
              status_.phase() == "STARTING"
                  ? ": the log is being read, and no snapshot was on disk. "
                    "Wait; the log says how far it is."
                  : ": there is no snapshot yet. The first one follows from "
                    "what was sent; if it does not, see `trainer` of the "
                    "status."));
    }
  }

  void AddWrites() {
    const v1::LogStatus& log = status_.log();
    if (!log.refusing().empty()) {
      Add(Problem::SEVERITY_CRITICAL, "writes_refused",
          absl::StrCat("Interactions and items are refused",
                       Since(conditions_.refusing_since_ms), ": ",
                       log.refusing(),
                       ". It is looked at every few seconds, and goes by "
                       "itself when the cause does."));
      return;
    }
    const auto full = [](uint64_t used, uint64_t limit) {
      return limit > 0 && static_cast<double>(used) >=
                              kFullShare * static_cast<double>(limit);
    };
    if (full(log.queued(), conditions_.max_queued) ||
        full(log.queued_bytes(), conditions_.max_queued_bytes)) {
      Add(Problem::SEVERITY_WARNING, "writes_refused",
          absl::StrCat("The queue of the log is full: ", log.queued(),
                       " interactions wait, streams are held and batches "
                       "refused with RESOURCE_EXHAUSTED. The disk is slower "
                       "than what is sent: send less, or see "
                       "ingestion.max_queue."));
    }
  }

  void AddLearning() {
    const v1::TrainerStatus& trainer = status_.trainer();
    const std::string since = Since(conditions_.trainer_since_ms);
    if (trainer.state() == "failed") {
      Add(Problem::SEVERITY_WARNING, "learning_failed",
          absl::StrCat("Learning has ended with an error", since,
                       Because(trainer.error()),
                       ". What was learnt serves on, and interactions are "
                       "taken. Restart taud; if it fails again, report it."));
    } else if (trainer.state() == "paused") {
      Add(Problem::SEVERITY_INFO, "learning_paused",
          absl::StrCat("Learning is paused", since, ", ", trainer.backlog(),
                       " interactions wait. `tauctl resume` goes on."));
    }
  }

  void AddSaving() {
    const Trouble& snapshots = conditions_.snapshots_not_saved;
    if (snapshots.since_ms != 0) {
      Add(Problem::SEVERITY_WARNING, "snapshots_not_saved",
          absl::StrCat("Snapshots cannot be saved", Since(snapshots.since_ms),
                       Because(snapshots.why),
                       ". They serve all the same; after a restart an older "
                       "one would. taud's log names file and cause."));
    }
    const Trouble& checkpoints = conditions_.checkpoints_not_saved;
    if (checkpoints.since_ms != 0) {
      Add(Problem::SEVERITY_WARNING, "checkpoints_not_saved",
          absl::StrCat("Checkpoints cannot be written",
                       Since(checkpoints.since_ms), Because(checkpoints.why),
                       ". A restart would learn again from the last one."));
    }
    const uint64_t waiting = status_.log().pending_erasures();
    if (waiting == 0) return;
    const Trouble& erasure = conditions_.erasure;
    const bool failed = erasure.since_ms != 0;
    Add(failed ? Problem::SEVERITY_WARNING : Problem::SEVERITY_INFO,
        "erasure_pending",
        absl::StrCat(
            "Of ", waiting, waiting == 1 ? " erasure" : " erasures",
            " some copy is still there",
            failed ? absl::StrCat(", because it failed",
                                  Since(erasure.since_ms), Because(erasure.why),
                                  ". It is tried again by itself.")
                   : std::string("; they are being done.")));
  }

  void AddVersions() {
    const v1::ServingStatus& serving = status_.serving();
    // With nothing more to learn no other one follows.
    const bool stands =
        serving.snapshot_version() > 0 &&
        status_.trainer().state() == "idle" && serving.rejected_in_a_row() > 0;
    if (serving.rejected_in_a_row() >= kManyRejections || stands) {
      Add(Problem::SEVERITY_WARNING, "snapshots_rejected",
          absl::StrCat(
              "The gate has rejected ", Rejections(serving.rejected_in_a_row()),
              Because(serving.last_rejection()), ". Version ",
              serving.snapshot_version(), " serves on",
              stands ? ", and there is nothing more to learn, so that no other "
                       "one follows by itself"
                     : ", learning goes on",
              ". `tauctl decisions` tells of each; if the new model is right, "
              "`tauctl publish --force` serves it (docs/operations.md)."));
    }
    const v1::LiveFigures& quality = status_.quality();
    const bool rolled_back =
        serving.automatic_rollbacks() > 0 && serving.pinned_version() != 0;
    if (rolled_back) {
      Add(Problem::SEVERITY_WARNING, "quality_fell",
          absl::StrCat("Live quality fell, and version ",
                       serving.pinned_version(), " was put back",
                       Since(serving.last_swap_ms()),
                       ". `tauctl decisions` says why; `tauctl publish` tries "
                       "a new model."));
    } else if (quality.events() >= kEnoughEvents &&
               quality.hit_rate_10().high() <
                   quality.popularity_hit_rate_10()) {
      Add(Problem::SEVERITY_WARNING, "quality_fell",
          absl::StrFormat(
              "Of what users did next, the model's ten best foretold %.1f %%, "
              "the ten most popular items %.1f %%. Look at what is sent, and "
              "roll back (`tauctl snapshots`, `tauctl rollback`).",
              100 * quality.hit_rate_10().value(),
              100 * quality.popularity_hit_rate_10()));
    }
    if (serving.forced()) {
      Add(Problem::SEVERITY_WARNING, "forced_version",
          absl::StrCat("Version ", serving.snapshot_version(), ", which serves",
                       Since(serving.last_swap_ms()),
                       ", did not pass the gate: it was forced. `tauctl "
                       "rollback` puts an earlier one back."));
    }
    if (serving.pinned_version() != 0 && !rolled_back) {
      Add(Problem::SEVERITY_INFO, "version_pinned",
          absl::StrCat("Version ", serving.pinned_version(), " is pinned",
                       Since(serving.last_swap_ms()),
                       ", and new ones are held back, until `tauctl "
                       "publish`."));
    }
    if (conditions_.oldest_held_seconds > kHeldTooLong) {
      Add(Problem::SEVERITY_WARNING, "snapshots_held",
          absl::StrCat("Requests have held a snapshot that serves no more for ",
                       Ago(conditions_.oldest_held_seconds), "; ",
                       serving.live_snapshots(),
                       " are in memory, and with three a new one waits. A "
                       "client takes very long; deadlines would end it."));
    }
  }

  void AddDisk() {
    const v1::StorageStatus& storage = status_.storage();
    const uint64_t enough = kFillingTimes * storage.min_free_bytes();
    // Below the limit itself, writes_refused says so.
    if (storage.capacity_bytes() == 0 || storage.free_bytes() >= enough ||
        absl::StrContains(status_.log().refusing(), "min_free_mib")) {
      return;
    }
    Add(Problem::SEVERITY_WARNING, "disk_filling",
        absl::StrCat("The disk has ", Mebibytes(storage.free_bytes()),
                     " left; below ", Mebibytes(storage.min_free_bytes()),
                     " (store.min_free_mib) nothing is written any more. The "
                     "log takes ",
                     Mebibytes(storage.log_bytes()), ", snapshots ",
                     Mebibytes(storage.snapshot_bytes()), ", checkpoints ",
                     Mebibytes(storage.checkpoint_bytes()),
                     ": free some, or set store.retain_log_mib, "
                     "store.max_snapshot_mib."));
  }

  const v1::Status& status_;
  const Conditions& conditions_;
  std::vector<Problem> found_;
};

std::string Headline(const v1::Status& status) {
  const v1::ServingStatus& serving = status.serving();
  if (serving.snapshot_version() == 0) return "no snapshot serves yet";
  const uint64_t last = status.log().last_sequence();
  const uint64_t through = serving.snapshot_trained_through();
  return absl::StrCat("snapshot ", serving.snapshot_version(), " serves, ",
                      last > through
                          ? absl::StrCat("trained on all but the last ",
                                         last - through, " interactions")
                          : std::string("trained on everything"));
}

}  // namespace

const char* SeverityName(Problem::Severity severity) {
  switch (severity) {
    case Problem::SEVERITY_CRITICAL:
      return "critical";
    case Problem::SEVERITY_WARNING:
      return "warning";
    default:
      return "info";
  }
}

std::vector<Problem> FindProblems(const v1::Status& status,
                                  const Conditions& conditions) {
  return Finder(status, conditions).Find();
}

std::string Summarise(const v1::Status& status) {
  const auto& problems = status.problems();
  std::vector<std::string> parts;
  for (const Problem& problem : problems) {
    parts.push_back(
        absl::StrCat(SeverityName(problem.severity()), ": ",
                     absl::StrReplaceAll(problem.code(), {{"_", " "}})));
  }
  const bool nothing_wrong =
      problems.empty() || problems[0].severity() <= Problem::SEVERITY_INFO;
  if (nothing_wrong) {
    parts.insert(parts.begin(),
                 absl::StrCat("nothing is wrong, ", Headline(status)));
  }
  return absl::StrJoin(parts, "; ");
}

void NoteTrouble(std::string why, int64_t now_ms, Trouble* trouble) {
  if (trouble->since_ms == 0) trouble->since_ms = now_ms;
  trouble->why = std::move(why);
}

void SaveWatch::Observe(uint64_t errors, uint64_t newest,
                        const std::string& why, int64_t now_ms) {
  const bool saved = newest != newest_;
  const bool failed = errors > errors_;
  errors_ = errors;
  newest_ = newest;
  if (saved) {
    trouble_ = Trouble();
  } else if (failed) {
    NoteTrouble(why, now_ms, &trouble_);
  }
}

}  // namespace taud::server
