#include "tests/fault/ack_record.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "store/verify.h"

namespace taud::fault {
namespace {

constexpr size_t kUsers = 60;
constexpr uint32_t kItems = 300;
constexpr size_t kNameBytes = 24;
// Pieces of a name that are looked for: a file may hold a name in parts.
constexpr size_t kPiece = 10;
constexpr size_t kMaxListed = 5;

std::string ItemName(uint32_t item) { return absl::StrCat("item-", item); }

uint64_t PieceKey(const char* bytes) {
  // Of the last eight: what comes before it only makes a chance hit rarer.
  uint64_t key = 0;
  std::memcpy(&key, bytes + kPiece - sizeof(key), sizeof(key));
  return key;
}

void List(const char* what, const std::vector<std::string>& found,
          std::string* text) {
  absl::StrAppend(text, ", ", found.size(), " ", what);
  for (size_t i = 0; i < std::min(found.size(), kMaxListed); ++i) {
    absl::StrAppend(text, i == 0 ? ": " : "; ", found[i]);
  }
}

// Every file under `directory` that has a piece of one of the names.
std::vector<std::string> FindNames(const std::string& directory,
                                   const std::vector<std::string>& names) {
  absl::flat_hash_set<uint64_t> keys;
  absl::flat_hash_set<std::string> pieces;
  for (const std::string& name : names) {
    for (size_t at = 0; at + kPiece <= name.size(); ++at) {
      keys.insert(PieceKey(name.data() + at));
      pieces.insert(name.substr(at, kPiece));
    }
  }
  std::vector<std::string> found;
  if (names.empty()) return found;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    for (size_t at = 0; at + kPiece <= bytes.size(); ++at) {
      if (!keys.contains(PieceKey(bytes.data() + at))) continue;
      const std::string piece = bytes.substr(at, kPiece);
      if (!pieces.contains(piece)) continue;
      found.push_back(
          absl::StrCat("\"", piece, "\" in ", entry.path().string()));
      break;
    }
  }
  return found;
}

}  // namespace

std::string AckRecord::NewName() {
  absl::MutexLock lock(&mutex_);
  return NewNameLocked();
}

std::string AckRecord::NewNameLocked() {
  constexpr char kLetters[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.";
  std::string name;
  for (size_t i = 0; i < kNameBytes; ++i) name += kLetters[random_() % 64];
  return name;
}

uint32_t AckRecord::Below(uint32_t n) {
  absl::MutexLock lock(&mutex_);
  return static_cast<uint32_t>(random_() % n);
}

std::vector<v1::Interaction> AckRecord::NewBatch(size_t size) {
  absl::MutexLock lock(&mutex_);
  while (users_.size() < kUsers) users_.push_back(NewNameLocked());
  std::vector<v1::Interaction> batch(size);
  for (v1::Interaction& one : batch) {
    one.set_user_id(users_[random_() % users_.size()]);
    one.set_item_id(ItemName(static_cast<uint32_t>(random_() % kItems)));
    one.set_event_id(NewNameLocked());
    Tried& tried = tried_[one.event_id()];
    tried.user = one.user_id();
    tried.item = one.item_id();
  }
  open_.push_back(batch);
  return batch;
}

std::vector<v1::Interaction> AckRecord::UnacknowledgedBatch() {
  absl::MutexLock lock(&mutex_);
  for (const auto& batch : open_) {
    const bool of_leaving = std::any_of(
        batch.begin(), batch.end(),
        [this](const v1::Interaction& one) ABSL_NO_THREAD_SAFETY_ANALYSIS {
          return leaving_.count(one.user_id()) > 0;
        });
    if (!of_leaving) return batch;
  }
  return {};
}

void AckRecord::Acknowledged(const std::vector<v1::Interaction>& batch,
                             const std::vector<uint64_t>& sequences) {
  absl::MutexLock lock(&mutex_);
  for (size_t i = 0; i < batch.size(); ++i) {
    Tried& tried = tried_[batch[i].event_id()];
    if (!tried.acknowledged) ++acknowledged_;
    tried.acknowledged = true;
    if (i < sequences.size()) tried.sequence = sequences[i];
  }
  open_.erase(std::remove_if(open_.begin(), open_.end(),
                             [&](const auto& open) {
                               return open[0].event_id() == batch[0].event_id();
                             }),
              open_.end());
}

void AckRecord::AcknowledgedWhole(const std::vector<v1::Interaction>& batch) {
  Acknowledged(batch, {});
}

std::string AckRecord::ChooseUserToErase() {
  absl::MutexLock lock(&mutex_);
  if (users_.empty()) return "";
  const size_t at = random_() % users_.size();
  const std::string user = users_[at];
  users_.erase(users_.begin() + static_cast<std::ptrdiff_t>(at));
  leaving_.insert(user);
  return user;
}

void AckRecord::Erased(const std::string& user, const std::string& erasure_id,
                       uint64_t sequence) {
  absl::MutexLock lock(&mutex_);
  erasures_[erasure_id] = {user, sequence, false};
}

std::vector<std::string> AckRecord::OpenErasures() const {
  absl::MutexLock lock(&mutex_);
  std::vector<std::string> open;
  for (const auto& [id, erasure] : erasures_) {
    if (!erasure.complete) open.push_back(id);
  }
  return open;
}

void AckRecord::Complete(const std::string& erasure_id) {
  absl::MutexLock lock(&mutex_);
  erasures_[erasure_id].complete = true;
}

uint64_t AckRecord::acknowledged() const {
  absl::MutexLock lock(&mutex_);
  return acknowledged_;
}

AckRecord::Verdict AckRecord::Check(const std::string& data_dir,
                                    bool bytes) const {
  absl::MutexLock lock(&mutex_);
  Verdict verdict;
  verdict.acknowledged = acknowledged_;
  std::map<std::string, uint64_t> erased;  // the receipt's sequence
  std::set<std::string> gone;
  for (const auto& [id, erasure] : erasures_) {
    erased[erasure.user] = erasure.sequence;
    if (erasure.complete) gone.insert(erasure.user);
  }
  verdict.erased_users = erased.size();
  std::map<std::string, uint64_t> found;  // sequence by event id
  const absl::Status status = store::ExportEvents(
      data_dir,
      [&](const store::ExportedEvent& event) ABSL_NO_THREAD_SAFETY_ANALYSIS {
        ++verdict.in_log;
        const std::string id(event.event_id);
        const uint64_t sequence = event.interaction.sequence;
        const std::string where = absl::StrCat(id, " (", sequence, ")");
        if (!found.emplace(id, sequence).second) {
          verdict.duplicated.push_back(where);
        }
        const auto tried = tried_.find(id);
        if (tried == tried_.end() || tried->second.user != event.user_id ||
            tried->second.item != event.item_id ||
            (tried->second.sequence != 0 &&
             tried->second.sequence != sequence)) {
          verdict.wrong.push_back(where);
        }
        const auto erasure = erased.find(std::string(event.user_id));
        if (erasure != erased.end()) {
          // Was on its way when the user was erased: somebody new.
          if (sequence > erasure->second) {
            gone.erase(erasure->first);
          } else {
            verdict.returned.push_back(where);
          }
        }
        return absl::OkStatus();
      });
  if (!status.ok()) verdict.wrong.push_back(status.ToString());
  std::vector<std::string> names(gone.begin(), gone.end());
  for (const auto& [id, tried] : tried_) {
    // What became of a user whose erasure was tried and not acknowledged,
    // nobody was promised.
    if (tried.acknowledged && leaving_.count(tried.user) == 0 &&
        found.count(id) == 0) {
      verdict.lost.push_back(absl::StrCat(id, " (", tried.sequence, ")"));
    }
    if (gone.count(tried.user) > 0) names.push_back(id);
  }
  if (bytes) {
    for (std::string& place : FindNames(data_dir, names)) {
      verdict.returned.push_back(std::move(place));
    }
  }
  return verdict;
}

std::string AckRecord::Verdict::ToString() const {
  std::string text =
      absl::StrCat(acknowledged, " acknowledged, ", in_log, " in the log, ",
                   erased_users, " users erased");
  List("lost", lost, &text);
  List("duplicated", duplicated, &text);
  List("wrong", wrong, &text);
  List("erased and found again", returned, &text);
  return text;
}

}  // namespace taud::fault
