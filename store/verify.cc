#include "store/verify.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/snapshot.h"
#include "model/state.h"
#include "store/files/backup.h"
#include "store/files/checkpoint_files.h"
#include "store/files/data_directory.h"
#include "store/files/snapshot_files.h"
#include "store/files/version_reservation.h"
#include "store/log/event_db.h"

namespace taud::store {
namespace {

constexpr char kRestore[] = "restore the data directory from a backup";
constexpr size_t kIdsPerLook = 64;

// Whether a taud holds the directory: its lock is the kernel's.
absl::Status CheckUnused(const std::string& data_dir) {
  const std::string path = absl::StrCat(LogIn(data_dir), "/taud.lock");
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return absl::OkStatus();
  const bool held = flock(fd, LOCK_SH | LOCK_NB) != 0;
  close(fd);
  if (!held) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "a taud is using ", data_dir,
      "; stop it, or make a backup (tauctl backup) and look at that"));
}

absl::Status CheckExists(const std::string& data_dir) {
  std::error_code error;
  if (std::filesystem::is_directory(LogIn(data_dir), error)) {
    return absl::OkStatus();
  }
  return absl::NotFoundError(
      absl::StrCat(data_dir, " is no data directory of taud: it has no log/"));
}

class Verifier {
 public:
  Verifier(const std::string& data_dir,
           const std::function<void(const std::string&)>& step)
      : data_dir_(data_dir), step_(step) {}

  VerifyReport Run() {
    CheckBackup();
    Step("format");
    Note(CheckDataDirectory(data_dir_), kRestore);
    CheckLog();
    CheckSnapshots();
    CheckCheckpoints();
    return std::move(report_);
  }

 private:
  void Step(const std::string& what) {
    if (step_) step_(what);
  }
  bool Note(const absl::Status& status, const std::string& remedy) {
    if (status.ok()) return true;
    report_.problems.push_back({std::string(status.message()), remedy});
    return false;
  }
  bool NoteText(const std::string& what, const std::string& remedy) {
    report_.problems.push_back({what, remedy});
    return false;
  }

  void CheckBackup() {
    const auto manifest = ReadBackupManifest(data_dir_);
    if (absl::IsNotFound(manifest.status())) return;
    report_.backup = true;
    Step("files of the backup");
    if (!Note(manifest.status(), "use another backup")) return;
    Note(CheckBackupFiles(data_dir_, *manifest, nullptr), "use another backup");
  }

  void CheckLog() {
    Step("log: opening");
    auto db = EventDb::OpenReadOnly(LogIn(data_dir_));
    if (!Note(db.status(), kRestore)) return;
    Step("log: checksums");
    if (!Note((*db)->VerifyChecksums(), kRestore)) return;
    Step("log: names and items");
    bool good = Note((*db)->LoadNames(Family::kUsers, &state_.users), kRestore);
    good =
        Note((*db)->LoadNames(Family::kItems, &state_.items), kRestore) && good;
    if (!good) return;
    names_known_ = true;
    report_.users = state_.users.size() - state_.users.Erased().size();
    report_.items = state_.items.size() - state_.items.Erased().size();
    Note((*db)->LoadCatalogue(state_.items.size(), &state_.catalogue),
         kRestore);
    Note(
        (*db)->LoadUserProperties(state_.users.size(), &state_.user_properties),
        kRestore);
    Note((*db)->LoadErasures().status(), kRestore);
    const auto last = (*db)->LastSequence();
    if (!Note(last.status(), kRestore)) return;
    report_.last_sequence = *last;
    CheckMark();
    Step("log: events and their ids");
    CheckEvents(**db);
  }

  void CheckMark() {
    std::error_code error;
    if (std::filesystem::exists(FormatFileIn(data_dir_), error)) return;
    NoteText(absl::StrCat(FormatFileIn(data_dir_), " is missing"),
             absl::StrCat("write the number ", kDataFormat, " into it"));
  }

  void CheckEvents(const EventDb& db) {
    std::vector<std::string> ids;
    std::vector<model::Sequence> sequences;
    model::Sequence newest = 0;
    absl::Status broken;
    const auto look_up = [&] {
      std::vector<std::string_view> views(ids.begin(), ids.end());
      const auto known = db.FindIds(views, {}, INT64_MIN);
      if (!known.ok()) broken = known.status();
      for (size_t i = 0; broken.ok() && i < ids.size(); ++i) {
        // Missing: it has expired. Of a later event: it came again.
        const model::Sequence of = known->sequences[i];
        if (of == 0 || of >= sequences[i]) continue;
        broken = absl::DataLossError(
            absl::StrCat(LogIn(data_dir_), ": the event id of sequence ",
                         sequences[i], " belongs to sequence ", of));
      }
      ids.clear();
      sequences.clear();
    };
    const absl::Status read = db.ForEachEvent(
        0, state_.users.size(), state_.items.size(),
        [&](const model::Interaction& event, std::string_view event_id) {
          ++report_.events;
          newest = event.sequence;
          if (event_id.empty()) return;
          ids.emplace_back(event_id);
          sequences.push_back(event.sequence);
          if (ids.size() == kIdsPerLook && broken.ok()) look_up();
        });
    if (broken.ok()) look_up();
    Note(read, kRestore);
    Note(broken, kRestore);
    if (newest > report_.last_sequence) {
      NoteText(
          absl::StrCat(LogIn(data_dir_), " has an event of sequence ", newest,
                       ", the last one given is ", report_.last_sequence),
          kRestore);
    }
  }

  void CheckSnapshots() {
    const std::string root = SnapshotsIn(data_dir_);
    Note(ReadPinned(root).status(), "see above");
    Note(LastReservedVersion(root).status(), "see above");
    const auto versions = SnapshotVersions(root);
    if (!Note(versions.status(), kRestore)) return;
    for (const model::SnapshotVersion version : *versions) {
      Step(absl::StrCat("snapshot ", version));
      const std::string remedy = absl::StrCat(
          "remove it (", root, "/", version,
          "); taud serves the one before, or learns again from the log");
      const auto snapshot = LoadSnapshot(root, version);
      if (!Note(snapshot.status(), remedy)) continue;
      if (CheckAgainstLog(absl::StrCat("snapshot ", version), **snapshot)) {
        ++report_.snapshots;
      }
    }
  }

  bool CheckAgainstLog(const std::string& name,
                       const model::Snapshot& snapshot) {
    if (!names_known_) return true;
    if (snapshot.trained_through > report_.last_sequence) {
      return NoteText(
          absl::StrCat(name, " was trained through sequence ",
                       snapshot.trained_through, ", the log ends at ",
                       report_.last_sequence,
                       ": interactions that were acknowledged are missing"),
          kRestore);
    }
    if (snapshot.users.rows > state_.users.size() ||
        snapshot.items.rows > state_.items.size()) {
      return NoteText(absl::StrCat(name, " has more rows than the log has ids"),
                      kRestore);
    }
    return true;
  }

  void CheckCheckpoints() {
    const std::string root = CheckpointsIn(data_dir_);
    const auto found = ListCheckpoints(root);
    if (!Note(found.status(), kRestore)) return;
    for (const CheckpointInfo& info : *found) {
      Step(absl::StrCat("checkpoint ", info.number));
      const std::string remedy = absl::StrCat(
          "remove it (", info.path,
          "); training goes on from the one before, or from a snapshot");
      const auto state = LoadCheckpoint(root, info.number);
      if (!Note(state.status(), remedy)) continue;
      if (names_known_ && (*state)->absorbed_through > report_.last_sequence) {
        NoteText(absl::StrCat(info.path, " has learnt through sequence ",
                              (*state)->absorbed_through, ", the log ends at ",
                              report_.last_sequence),
                 kRestore);
        continue;
      }
      ++report_.checkpoints;
    }
  }

  const std::string data_dir_;
  const std::function<void(const std::string&)>& step_;
  VerifyReport report_;
  model::State state_;
  bool names_known_ = false;
};

}  // namespace

absl::StatusOr<VerifyReport> VerifyDataDirectory(
    const std::string& data_dir,
    const std::function<void(const std::string&)>& step) {
  absl::Status status = CheckExists(data_dir);
  if (status.ok()) status = CheckUnused(data_dir);
  if (!status.ok()) return status;
  return Verifier(data_dir, step).Run();
}

absl::Status ExportEvents(
    const std::string& data_dir,
    const std::function<absl::Status(const ExportedEvent&)>& visit) {
  absl::Status status = CheckExists(data_dir);
  if (status.ok()) status = CheckUnused(data_dir);
  if (status.ok()) status = CheckDataDirectory(data_dir);
  if (!status.ok()) return status;
  auto db = EventDb::OpenReadOnly(LogIn(data_dir));
  if (!db.ok()) return db.status();
  model::Dictionary users;
  model::Dictionary items;
  status = (*db)->LoadNames(Family::kUsers, &users);
  if (status.ok()) status = (*db)->LoadNames(Family::kItems, &items);
  if (!status.ok()) return status;
  absl::Status visited;
  status = (*db)->ForEachEvent(
      0, users.size(), items.size(),
      [&](const model::Interaction& event, std::string_view event_id) {
        const std::string_view user = users.Name(event.user);
        const std::string_view item = items.Name(event.item);
        if (!visited.ok() || user.empty() || item.empty()) return;
        visited = visit({event, user, item, event_id});
      });
  return status.ok() ? visited : status;
}

}  // namespace taud::store
