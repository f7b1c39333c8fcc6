#ifndef TAUD_SERVER_LIFECYCLE_SNAPSHOT_RECORDS_H_
#define TAUD_SERVER_LIFECYCLE_SNAPSHOT_RECORDS_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "model/types.h"
#include "taud/v1/model_service.pb.h"

namespace taud::server {

// What is known of snapshots besides what is in them: the gate's verdict, the
// name it is kept under, how good it was live, whether it turned out bad. One
// file beside the snapshots, replaced at each change that must last.
//
// Any thread reads, and waits for no disk; one thread at a time changes it. A
// damaged file is put aside and logged: names and verdicts are lost then,
// snapshots are not.
class SnapshotRecords {
 public:
  static constexpr size_t kMaxKept = 100;

  // `path`: of the file; Load reads it.
  explicit SnapshotRecords(std::string path) : path_(std::move(path)) {}
  void Load();

  // Of SnapshotInfo only verdict, kept_as, quality and bad are filled in. The
  // default for a version that nothing is known of.
  v1::SnapshotInfo Of(model::SnapshotVersion version) const;
  // Versions kept under a name; and those that are bad.
  std::vector<model::SnapshotVersion> Kept() const;
  std::vector<model::SnapshotVersion> Bad() const;
  // 0: none has the name.
  model::SnapshotVersion Named(absl::string_view name) const;

  // In memory; on disk with the next Write.
  void SetVerdict(model::SnapshotVersion version, const v1::Verdict& verdict);
  void SetQuality(model::SnapshotVersion version,
                  const v1::LiveFigures& quality);
  void SetBad(model::SnapshotVersion version, bool bad);
  // What is known of one holds for the other, too: an erasure made it of that.
  void Copy(model::SnapshotVersion from, model::SnapshotVersion to);

  // INVALID_ARGUMENT names what is wrong with the name; ALREADY_EXISTS,
  // RESOURCE_EXHAUSTED. Written at once; on error as it was.
  absl::Status Keep(model::SnapshotVersion version, const std::string& name);
  // NOT_FOUND if it is not kept.
  absl::Status Release(model::SnapshotVersion version);

  // Writes what is known of `versions`, those on disk, and forgets the rest,
  // but for the newest few, which may be saved yet.
  absl::Status Write(const std::vector<model::SnapshotVersion>& versions);

 private:
  // In memory and on disk, or in neither.
  absl::Status Rename(model::SnapshotVersion version, const std::string& from,
                      const std::string& to);
  absl::Status WriteAll() const;

  const std::string path_;
  mutable absl::Mutex mutex_;
  std::map<model::SnapshotVersion, v1::SnapshotInfo> records_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace taud::server

#endif  // TAUD_SERVER_LIFECYCLE_SNAPSHOT_RECORDS_H_
