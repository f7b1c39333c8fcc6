#include "server/audit/audit_log.h"

#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "server/observe/logging.h"
#include "server/rpc/errors.h"

namespace taud::server {
namespace {

constexpr size_t kBatchBytes = size_t{1} << 20;

AuditEntry Notice(AuditEvent event, uint64_t count) {
  AuditEntry entry;
  entry.time = absl::Now();
  entry.event = event;
  entry.count = count;
  return entry;
}

// REQUIRES: 0 < share.
bool Chosen(double share) {
  thread_local std::mt19937_64 random(std::random_device{}());
  return std::uniform_real_distribution<double>()(random) < share;
}

// What throws, for want of memory, ends neither the thread nor what comes next.
template <typename Work>
void WithoutThrowing(const Work& work) {
  try {
    work();
  } catch (...) {
  }
}

}  // namespace

AuditLog::AuditLog(Options options, Counted counted)
    : options_(std::move(options)),
      counted_(std::move(counted)),
      file_(options_.file) {}

absl::StatusOr<std::unique_ptr<AuditLog>> AuditLog::Open(Options options,
                                                         Counted counted) {
  std::unique_ptr<AuditLog> log(
      new AuditLog(std::move(options), std::move(counted)));
  absl::Status status = log->file_.Append(
      AuditLine(Notice(AuditEvent::kStarted, 0), ""), /*sync=*/true);
  if (!status.ok()) return status;
  log->thread_ = std::thread([own = log.get()] { own->Run(); });
  return log;
}

AuditLog::~AuditLog() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void AuditLog::SetIdKey(std::string key) {
  absl::MutexLock lock(&mutex_);
  id_key_ = std::move(key);
}

AuditPlace AuditLog::Take() {
  if (places_->fetch_add(1) >= options_.max_waiting) {
    places_->fetch_sub(1);
    return nullptr;
  }
  return AuditPlace(places_.get(),
                    [places = places_](const void*) { places->fetch_sub(1); });
}

absl::Status AuditLog::Refusal(absl::string_view why) const {
  return absl::UnavailableError(absl::StrCat(
      "nothing was done: this call must be recorded, and the audit log cannot "
      "be written: ",
      absl::StrReplaceAll(why, {{options_.file.path, "audit.file"}})));
}

absl::StatusOr<AuditPlace> AuditLog::Enter() {
  bool behind = false;
  {
    absl::MutexLock lock(&mutex_);
    if (trouble_.since_ms != 0) {
      return Refusal(trouble_.why);
    }
    behind = waiting_bytes_ >= options_.max_waiting_bytes;
  }
  AuditPlace place = behind ? nullptr : Take();
  if (place == nullptr) {
    return absl::UnavailableError(
        "nothing was done: this call must be recorded, and the audit log "
        "(audit.file) has fallen behind; retry after a pause");
  }
  return place;
}

AuditPlace AuditLog::Sample() {
  if (options_.sample_share <= 0 || !Chosen(options_.sample_share)) {
    return nullptr;
  }
  auto place = Enter();
  return place.ok() ? *std::move(place) : nullptr;
}

void AuditLog::Add(const AuditEntry& entry, AuditPlace place, Done done) {
  std::string key;
  {
    absl::MutexLock lock(&mutex_);
    key = id_key_;
  }
  Line line = {AuditLine(entry, key), std::move(place), std::move(done)};
  absl::MutexLock lock(&mutex_);
  const size_t bytes = line.text.size();
  waiting_.push_back(std::move(line));
  waiting_bytes_ += bytes;
}

void AuditLog::Begin(const AuditEntry& entry, AuditPlace place, Done act) {
  Add(entry, std::move(place),
      [this, act = std::move(act)](const absl::Status& written) {
        act(written.ok() ? written : Refusal(written.message()));
      });
}

void AuditLog::End(const AuditEntry& entry, AuditPlace place, Done done) {
  Add(entry, std::move(place), std::move(done));
}

void AuditLog::Refused(AuditEntry entry) {
  const auto left_out = refusals_.Take(model::SteadyNow());
  if (!left_out.has_value()) return;
  AuditPlace place = Take();
  if (place == nullptr) return;
  entry.event = AuditEvent::kRefused;
  entry.count = *left_out;
  Add(entry, std::move(place), nullptr);
}

Trouble AuditLog::trouble() const {
  absl::MutexLock lock(&mutex_);
  return trouble_;
}

void AuditLog::Run() {
  const auto due = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !waiting_.empty();
  };
  while (true) {
    std::list<Line> lines;
    {
      absl::MutexLock lock(&mutex_);
      alarm_.Await(&mutex_, absl::Condition(&due),
                   trouble_.since_ms == 0
                       ? absl::InfiniteFuture()
                       : model::SteadyNow() + options_.retry);
      if (stopping_ && waiting_.empty()) return;
      lines = TakeWaiting();
    }
    if (lines.empty()) {
      Probe();
      continue;
    }
    const absl::Status status = Write(lines);
    if (!status.ok()) lost_ += lines.size();
    WithoutThrowing([&] { Note(status); });
    WithoutThrowing([&] { counted_(lines.size(), status.ok()); });
    for (Line& line : lines) {
      line.place.reset();
      if (line.done) WithoutThrowing([&] { line.done(status); });
    }
  }
}

std::list<AuditLog::Line> AuditLog::TakeWaiting() {
  size_t bytes = 0;
  auto end = waiting_.begin();
  for (; end != waiting_.end() && bytes < kBatchBytes; ++end) {
    bytes += end->text.size();
  }
  // Moves no line and needs no memory: each must be answered.
  std::list<Line> lines;
  lines.splice(lines.end(), waiting_, waiting_.begin(), end);
  waiting_bytes_ -= bytes;
  return lines;
}

absl::Status AuditLog::Write(const std::list<Line>& lines) {
  try {
    std::string text;
    bool sync = false;
    if (lost_ > 0) text = AuditLine(Notice(AuditEvent::kLost, lost_), "");
    for (const Line& line : lines) {
      text += line.text;
      sync = sync || line.done != nullptr;
    }
    absl::Status status = file_.Append(text, sync);
    if (status.ok()) lost_ = 0;
    return status;
  } catch (...) {  // without memory
    return CaughtStatus();
  }
}

void AuditLog::Probe() {
  try {
    absl::Status status = file_.Append(
        AuditLine(Notice(AuditEvent::kLost, lost_), ""), /*sync=*/true);
    if (status.ok()) lost_ = 0;
    Note(status);
  } catch (...) {  // without memory: again after a while
  }
}

void AuditLog::Note(const absl::Status& status) {
  bool changed = false;
  {
    absl::MutexLock lock(&mutex_);
    changed = status.ok() != (trouble_.since_ms == 0);
    if (status.ok()) {
      trouble_ = Trouble();
    } else {
      if (changed) trouble_.since_ms = absl::ToUnixMillis(absl::Now());
      trouble_.why = std::string(status.message());
    }
  }
  if (!changed) return;
  if (status.ok()) {
    Log(LogLevel::kInfo, "the audit log is written again");
  } else {
    Log(LogLevel::kError,
        "the audit log cannot be written; calls that it tells of are refused",
        {{"error", std::string(status.message())}});
  }
}

}  // namespace taud::server
