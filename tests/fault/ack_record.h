#ifndef TAUD_TESTS_FAULT_ACK_RECORD_H_
#define TAUD_TESTS_FAULT_ACK_RECORD_H_

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "taud/v1/ingestion_service.pb.h"

namespace taud::fault {

// What a client was promised, kept apart from the daemon: which interactions
// were acknowledged, with which sequence, which users were erased; and whether
// a data directory keeps these promises. Thread-safe.
class AckRecord {
 public:
  explicit AckRecord(uint64_t seed) : random_(seed) {}

  // A name that was never given, made of letters that compression leaves as
  // they are.
  std::string NewName();
  uint32_t Below(uint32_t n);

  // Interactions with new event ids, of users that nobody has asked to erase,
  // noted as tried.
  std::vector<v1::Interaction> NewBatch(size_t size);
  // A batch that was tried and not acknowledged, to be tried again, or nothing.
  std::vector<v1::Interaction> UnacknowledgedBatch();
  void Acknowledged(const std::vector<v1::Interaction>& batch,
                    const std::vector<uint64_t>& sequences);
  // The same when only the batch's greatest sequence is known.
  void AcknowledgedWhole(const std::vector<v1::Interaction>& batch);

  // A user with interactions, never used again, or "".
  std::string ChooseUserToErase();
  // `sequence` as in the receipt: what the name does later is somebody new's.
  void Erased(const std::string& user, const std::string& erasure_id,
              uint64_t sequence);
  // Erasures that were acknowledged and not yet seen complete.
  std::vector<std::string> OpenErasures() const;
  void Complete(const std::string& erasure_id);

  struct Verdict {
    uint64_t acknowledged = 0;
    uint64_t in_log = 0;
    uint64_t erased_users = 0;
    std::vector<std::string> lost, duplicated, wrong, returned;
    bool good() const {
      return lost.empty() && duplicated.empty() && wrong.empty() &&
             returned.empty();
    }
    std::string ToString() const;
  };
  // Reads the log of a directory that no taud holds. With `bytes`, also looks
  // into every file for what was erased completely.
  Verdict Check(const std::string& data_dir, bool bytes) const;

  uint64_t acknowledged() const;

 private:
  struct Tried {
    std::string user, item;
    bool acknowledged = false;
    uint64_t sequence = 0;  // 0: not known
  };
  struct Erasure {
    std::string user;
    uint64_t sequence = 0;
    bool complete = false;
  };

  std::string NewNameLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  std::mt19937_64 random_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> users_ ABSL_GUARDED_BY(mutex_);      // to be used
  std::set<std::string> leaving_ ABSL_GUARDED_BY(mutex_);       // erasure tried
  std::map<std::string, Tried> tried_ ABSL_GUARDED_BY(mutex_);  // by event id
  std::vector<std::vector<v1::Interaction>> open_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Erasure> erasures_ ABSL_GUARDED_BY(mutex_);  // by id
  uint64_t acknowledged_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace taud::fault

#endif  // TAUD_TESTS_FAULT_ACK_RECORD_H_
