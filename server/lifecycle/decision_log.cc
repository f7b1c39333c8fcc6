#include "server/lifecycle/decision_log.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "server/lifecycle/message_file.h"
#include "server/observe/logging.h"

namespace taud::server {
namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{16} << 20;

// "rolled back automatically"
std::string InWords(v1::Decision::Kind kind) {
  std::string name = v1::Decision::Kind_Name(kind);
  absl::StrReplaceAll({{"KIND_", ""}, {"_", " "}}, &name);
  return absl::AsciiStrToLower(name);
}

}  // namespace

void DecisionLog::Load() {
  v1::ListDecisionsResponse saved;
  LoadMessageFile(path_, kMaxFileBytes, "earlier decisions are lost", &saved);
  absl::MutexLock lock(&mutex_);
  decisions_.assign(saved.decisions().begin(), saved.decisions().end());
}

void DecisionLog::Add(v1::Decision::Kind kind, model::SnapshotVersion version,
                      model::SnapshotVersion from, const std::string& text) {
  const bool grave = kind == v1::Decision::KIND_REJECTED ||
                     kind == v1::Decision::KIND_FORCED ||
                     kind == v1::Decision::KIND_ROLLED_BACK ||
                     kind == v1::Decision::KIND_ROLLED_BACK_AUTOMATICALLY;
  Log(grave ? LogLevel::kWarning : LogLevel::kInfo,
      absl::StrCat("decided: ", InWords(kind)),
      {{"version", absl::StrCat(version)},
       {"from_version", absl::StrCat(from)},
       {"why", text}});
  if (observer_) observer_(kind);
  v1::Decision decision;
  decision.set_kind(kind);
  decision.set_time_ms(absl::ToUnixMillis(now_()));
  decision.set_version(version);
  decision.set_from_version(from);
  decision.set_text(text);
  v1::ListDecisionsResponse all;
  {
    absl::MutexLock lock(&mutex_);
    decisions_.push_back(std::move(decision));
    while (decisions_.size() > kMost) decisions_.pop_front();
    for (const v1::Decision& one : decisions_) *all.add_decisions() = one;
  }
  const absl::Status written = ReplaceMessageFile(path_, all);
  if (written.ok()) return;
  Log(LogLevel::kError, "decisions cannot be written",
      {{"error", std::string(written.message())}});
}

std::vector<v1::Decision> DecisionLog::Newest(size_t limit) const {
  absl::MutexLock lock(&mutex_);
  std::vector<v1::Decision> newest;
  for (auto it = decisions_.rbegin();
       it != decisions_.rend() && newest.size() < limit; ++it) {
    newest.push_back(*it);
  }
  return newest;
}

}  // namespace taud::server
