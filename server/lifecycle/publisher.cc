#include "server/lifecycle/publisher.h"

#include <sys/resource.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "model/sync_point.h"
#include "server/lifecycle/gate.h"
#include "server/observe/logging.h"
#include "server/rpc/errors.h"
#include "store/files/free_space.h"
#include "store/files/version_reservation.h"

namespace taud::server {
namespace {

// How often retired models are looked at while some are still in use.
constexpr absl::Duration kRetiredInterval = absl::Milliseconds(200);

// Of the publisher's thread: between the searchers (0) and the trainer (10).
constexpr int kNice = 5;

// Calls of Publish, or of Rollback, that may wait at a time.
constexpr size_t kMaxWaiting = 64;

absl::Status TooManyWait(absl::string_view what) {
  return absl::ResourceExhaustedError(
      absl::StrCat(kMaxWaiting, " calls of ", what,
                   " wait for their turn already; try again later"));
}

}  // namespace

Publisher::Publisher(const Options& options, const model::State* state,
                     ServingSlot* slot, std::function<void()> on_swap)
    : options_(options),
      state_(state),
      slot_(slot),
      on_swap_(std::move(on_swap)),
      builder_(options.index) {}

Publisher::~Publisher() { Stop(); }

absl::StatusOr<std::shared_ptr<const model::Snapshot>> Publisher::Restore(
    model::Sequence log_end) {
  RefreshSaved();
  std::vector<store::SnapshotInfo> saved = Saved();
  auto reserved = store::LastReservedVersion(options_.directory);
  if (!reserved.ok()) return reserved.status();
  last_version_ = *reserved;
  if (!saved.empty()) {
    last_version_ = std::max(last_version_, saved.back().version);
  }
  reserved_through_ = *reserved;
  auto pinned = store::ReadPinned(options_.directory);
  if (!pinned.ok()) return pinned.status();
  for (const store::SnapshotInfo& info : saved) {
    if (info.trained_through <= log_end) continue;
    return absl::DataLossError(absl::StrCat(
        "snapshot ", info.version, " was trained through interaction ",
        info.trained_through, ", but the log ends at ", log_end,
        ": acknowledged interactions are missing from it. Restore the data "
        "directory from a backup; or, to go on without them, remove ",
        options_.directory, " and the checkpoints beside it"));
  }
  std::vector<model::SnapshotVersion> candidates;
  if (*pinned != 0) candidates.push_back(*pinned);
  for (auto info = saved.rbegin(); info != saved.rend(); ++info) {
    candidates.push_back(info->version);
  }
  for (const model::SnapshotVersion version : candidates) {
    auto model = LoadModel(version);
    if (model.ok()) {
      {
        absl::MutexLock lock(&mutex_);
        pinned_ = version == *pinned ? version : 0;
      }
      saved_version_ = version;
      slot_->Swap(*model);
      {
        absl::MutexLock lock(&mutex_);
        stats_.last_swap_ms = absl::ToUnixMillis(absl::Now());
        stats_.live = 1;
      }
      on_swap_();
      return (*model)->snapshot;
    }
    Log(LogLevel::kWarning, "snapshot on disk passed over",
        {{"version", absl::StrCat(version)},
         {"error", std::string(model.status().message())}});
  }
  return std::shared_ptr<const model::Snapshot>();
}

absl::StatusOr<std::shared_ptr<const ServingModel>> Publisher::LoadModel(
    model::SnapshotVersion version) {
  auto loaded = store::LoadSnapshot(options_.directory, version);
  if (!loaded.ok()) return loaded.status();
  // Of an erasure that a kill interrupted.
  model::ForgetRows(state_->users.Erased(), state_->items.Erased(),
                    loaded->get());
  absl::Status status = CheckGate(**loaded, nullptr, options_.dim);
  if (!status.ok()) return status;
  // The log is the truth: a snapshot beyond it belongs to another one.
  if ((*loaded)->users.rows > state_->users.size() ||
      (*loaded)->items.rows > state_->items.size()) {
    return absl::DataLossError("it has more rows than the log has ids");
  }
  return BuildServingModel(*std::move(loaded), &builder_);
}

void Publisher::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Publisher::Offer(std::unique_ptr<model::Snapshot> snapshot) {
  // A superseded snapshot is freed after the lock was given back.
  std::unique_ptr<model::Snapshot> superseded = std::move(snapshot);
  absl::MutexLock lock(&mutex_);
  if (stopped_) return;
  if (offered_) ++stats_.superseded;
  superseded.swap(next_.snapshot);
  offered_ = true;
  std::move(waiters_.begin(), waiters_.end(),
            std::back_inserter(next_.waiters));
  waiters_.clear();
}

absl::Status Publisher::PublishNow(const std::function<absl::Status()>& request,
                                   Done done) {
  // The wait begins before the request: the trainer may be quicker than we.
  uint64_t id = 0;
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return absl::UnavailableError("the server is draining");
    if (waiters_.size() + next_.waiters.size() >= kMaxWaiting) {
      return TooManyWait("Publish");
    }
    id = ++last_waiter_;
    waiters_.push_back({id, std::move(done)});
  }
  absl::Status status = request();
  if (status.ok()) return status;
  absl::MutexLock lock(&mutex_);
  const auto it =
      std::find_if(waiters_.begin(), waiters_.end(),
                   [id](const Waiter& waiter) { return waiter.id == id; });
  // Gone: a snapshot came by itself meanwhile and answers the wait.
  if (it == waiters_.end()) return absl::OkStatus();
  waiters_.erase(it);
  return status;
}

void Publisher::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
  std::vector<Waiter> waiters;
  {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
    waiters.swap(waiters_);
  }
  for (Waiter& waiter : waiters) {
    waiter.done(absl::UnavailableError("the server is draining"));
  }
  const std::shared_ptr<const ServingModel> serving = slot_->Get();
  if (serving != nullptr && serving->snapshot->version != saved_version_) {
    try {
      Save(*serving->snapshot).IgnoreError();
    } catch (...) {
      Log(LogLevel::kError, "snapshot not saved",
          {{"error", std::string(CaughtStatus().message())}});
    }
  }
}

void Publisher::Run() {
  // On Linux this is the calling thread's own niceness. Building an index must
  // not take the processor from the requests that the old one answers.
  setpriority(PRIO_PROCESS, 0, kNice);
  while (true) {
    Offered offered;
    std::vector<std::function<void()>> tasks;
    {
      absl::MutexLock lock(&mutex_);
      const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return offered_ || stopping_ || !tasks_.empty();
      };
      alarm_.Await(&mutex_, absl::Condition(&ready),
                   retired_.empty() ? absl::InfiniteFuture()
                                    : model::SteadyNow() + kRetiredInterval);
      if (!offered_ && stopping_ && tasks_.empty()) return;
      tasks.swap(tasks_);
      if (offered_) {
        offered = std::move(next_);
        next_ = Offered{};
        offered_ = false;
      }
    }
    // Neither throws: each catches what its work throws.
    for (const auto& task : tasks) task();
    if (offered.snapshot != nullptr) Process(std::move(offered));
    FreeRetired();
  }
}

void Publisher::Process(Offered offered) {
  if (IsBehind(*offered.snapshot)) {
    // Good, and yet a step back. Training catches up; who waits, waits on,
    // ahead of those who came since.
    absl::MutexLock lock(&mutex_);
    ++stats_.held_back;
    waiters_.insert(waiters_.begin(),
                    std::make_move_iterator(offered.waiters.begin()),
                    std::make_move_iterator(offered.waiters.end()));
    return;
  }
  // Only somebody who asks for it ends a rollback.
  if (pinned() != 0 && offered.waiters.empty()) {
    absl::MutexLock lock(&mutex_);
    ++stats_.held_back;
    return;
  }
  absl::StatusOr<Published> published = absl::UnknownError("");
  try {
    published =
        PublishOffered(std::move(offered.snapshot), !offered.waiters.empty());
  } catch (...) {
    published = CaughtStatus();
  }
  if (!published.ok()) {
    const std::string reason(published.status().message());
    Log(LogLevel::kError, "snapshot rejected, the old one goes on serving",
        {{"reason", reason}});
    absl::MutexLock lock(&mutex_);
    ++stats_.rejected;
    stats_.last_rejection = reason;
  }
  for (Waiter& waiter : offered.waiters) waiter.done(published);
}

absl::StatusOr<Publisher::Published> Publisher::PublishOffered(
    std::unique_ptr<model::Snapshot> snapshot, bool asked_for) {
  AwaitRoom();
  auto model = Build(std::move(snapshot));
  if (!model.ok()) return model.status();
  const model::Snapshot& next = *(*model)->snapshot;
  const bool ends_rollback = pinned() != 0;
  if (ends_rollback) {
    // On disk first: after a crash the newest one there serves, which was the
    // one that was rolled back from.
    absl::Status status = Save(next);
    if (status.ok()) status = Pin(0);
    if (!status.ok()) return status;
  }
  TAUD_SYNC_POINT("publisher/swap");
  Swap(*model);
  {
    absl::MutexLock lock(&mutex_);
    ++stats_.swaps;
  }
  on_swap_();
  Log(LogLevel::kDebug, "snapshot serves",
      {{"version", absl::StrCat(next.version)},
       {"trained_through", absl::StrCat(next.trained_through)},
       {"build_seconds", absl::StrCat((*model)->build_seconds)}});
  const bool due = options_.steady_now() - last_save_ >= options_.save_interval;
  // It serves all the same if it cannot be saved.
  if (!ends_rollback && (due || asked_for)) Save(next).IgnoreError();
  return Published{next.version, next.trained_through};
}

bool Publisher::IsBehind(const model::Snapshot& snapshot) const {
  const std::shared_ptr<const ServingModel> serving = slot_->Get();
  return serving != nullptr &&
         snapshot.trained_through < serving->snapshot->trained_through;
}

absl::StatusOr<std::shared_ptr<const ServingModel>> Publisher::Build(
    std::unique_ptr<model::Snapshot> snapshot) {
  // It may have been made before something was erased.
  model::ForgetRows(state_->users.Erased(), state_->items.Erased(),
                    snapshot.get());
  const std::shared_ptr<const ServingModel> serving = slot_->Get();
  absl::Status status = CheckGate(
      *snapshot, serving == nullptr ? nullptr : serving->snapshot.get(),
      options_.dim);
  if (!status.ok()) return status;
  auto version = NextVersion();
  if (!version.ok()) return version.status();
  snapshot->version = *version;
  return BuildServingModel(std::move(snapshot), &builder_);
}

// A version that a client has seen must never name another snapshot, not even
// after a crash: numbers are reserved on disk before they are used.
absl::StatusOr<model::SnapshotVersion> Publisher::NextVersion() {
  if (last_version_ >= reserved_through_) {
    auto reserved = store::ReserveVersions(options_.directory, last_version_);
    if (!reserved.ok()) return reserved.status();
    reserved_through_ = *reserved;
  }
  return ++last_version_;
}

void Publisher::Swap(std::shared_ptr<const ServingModel> next) {
  std::shared_ptr<const ServingModel> old = slot_->Swap(std::move(next));
  if (old != nullptr)
    retired_.push_back({std::move(old), options_.steady_now()});
  absl::MutexLock lock(&mutex_);
  stats_.last_swap_ms = absl::ToUnixMillis(absl::Now());
  stats_.live = 1 + retired_.size();
}

absl::Status Publisher::Rollback(model::SnapshotVersion version, Done done) {
  absl::MutexLock lock(&mutex_);
  if (stopping_) return absl::UnavailableError("the server is draining");
  if (tasks_.size() >= kMaxWaiting) return TooManyWait("Rollback");
  tasks_.push_back([this, version, done = std::move(done)] {
    absl::StatusOr<Published> published = absl::UnknownError("");
    try {
      published = RollbackNow(version);
    } catch (...) {
      published = CaughtStatus();
    }
    done(std::move(published));
  });
  return absl::OkStatus();
}

absl::StatusOr<Publisher::Published> Publisher::RollbackNow(
    model::SnapshotVersion version) {
  const std::shared_ptr<const ServingModel> serving = slot_->Get();
  if (version == 0) {
    for (const store::SnapshotInfo& info : Saved()) {
      if (serving == nullptr || info.version < serving->snapshot->version) {
        version = info.version;
      }
    }
    if (version == 0) {
      return absl::NotFoundError(
          "no saved snapshot is older than the serving one");
    }
  }
  AwaitRoom();
  auto model = LoadModel(version);
  if (!model.ok()) return model.status();
  // First on disk: what is answered must hold after a crash, too.
  absl::Status status = Pin(version);
  if (!status.ok()) return status;
  const Published published{version, (*model)->snapshot->trained_through};
  Swap(*std::move(model));
  saved_version_ = version;
  on_swap_();
  Log(LogLevel::kWarning, "rolled back: this snapshot serves until Publish",
      {{"version", absl::StrCat(version)}});
  return published;
}

absl::Status Publisher::Pin(model::SnapshotVersion version) {
  absl::Status status = store::WritePinned(options_.directory, version);
  if (!status.ok()) return status;
  absl::MutexLock lock(&mutex_);
  pinned_ = version;
  return absl::OkStatus();
}

model::SnapshotVersion Publisher::pinned() const {
  absl::MutexLock lock(&mutex_);
  return pinned_;
}

absl::StatusOr<model::SnapshotVersion> Publisher::Erase(
    const std::vector<model::UserIndex>& users,
    const std::vector<model::ItemIndex>& items) {
  absl::StatusOr<model::SnapshotVersion> version = absl::UnknownError("");
  absl::Status status = RunQuietly([&] {
    version = EraseNow(users, items);
    return version.status();
  });
  if (!status.ok()) return status;
  return version;
}

absl::StatusOr<model::SnapshotVersion> Publisher::EraseNow(
    const std::vector<model::UserIndex>& users,
    const std::vector<model::ItemIndex>& items) {
  const std::shared_ptr<const ServingModel> serving = slot_->Get();
  if (serving != nullptr) {
    auto snapshot = std::make_unique<model::Snapshot>(*serving->snapshot);
    if (model::ForgetRows(users, items, snapshot.get())) {
      auto version = NextVersion();
      if (!version.ok()) return version.status();
      snapshot->version = *version;
      // Nothing may be left to recommend from.
      const bool serves = CheckGate(*snapshot, nullptr, options_.dim).ok();
      std::shared_ptr<const ServingModel> next;
      if (serves) {
        auto model = BuildServingModel(std::move(snapshot), &builder_);
        if (!model.ok()) return model.status();
        next = *std::move(model);
      }
      // If the one before is on disk, that is rewritten there, and has the same
      // contents. If it is not, this one is not either.
      const bool saved = serving->snapshot->version == saved_version_;
      if (saved) saved_version_ = serves ? *version : 0;
      Swap(std::move(next));
      on_swap_();
      absl::MutexLock lock(&mutex_);
      ++stats_.swaps;
    }
  }
  TAUD_SYNC_POINT("erasure/serving");
  absl::Status status = EraseOnDisk(users, items);
  if (!status.ok()) return status;
  RefreshSaved();
  const std::shared_ptr<const ServingModel> now = slot_->Get();
  return now == nullptr ? 0 : now->snapshot->version;
}

absl::Status Publisher::EraseOnDisk(
    const std::vector<model::UserIndex>& users,
    const std::vector<model::ItemIndex>& items) {
  const auto versions = store::SnapshotVersions(options_.directory);
  if (!versions.ok()) return versions.status();
  // Half-written and half-removed ones hold names, too.
  absl::Status status = store::RemoveTemporarySnapshots(options_.directory);
  for (const model::SnapshotVersion version : *versions) {
    if (!status.ok()) return status;
    auto snapshot = store::LoadSnapshot(options_.directory, version);
    if (!snapshot.ok()) {
      // It would never serve, and cannot be relied on to forget.
      Log(LogLevel::kWarning, "damaged snapshot removed by an erasure",
          {{"version", absl::StrCat(version)},
           {"error", std::string(snapshot.status().message())}});
      status = store::DeleteSnapshot(options_.directory, version);
      continue;
    }
    const auto inside = [](const auto& indices, size_t rows) {
      return std::any_of(indices.begin(), indices.end(),
                         [rows](uint32_t index) { return index < rows; });
    };
    if (!inside(users, (*snapshot)->users.rows) &&
        !inside(items, (*snapshot)->items.rows)) {
      continue;
    }
    // Rewritten even if the row is zero: its name is in the list of ids.
    model::ForgetRows(users, items, snapshot->get());
    status = store::ReplaceSnapshot(options_.directory, **snapshot,
                                    state_->users, state_->items);
    if (absl::IsResourceExhausted(status) && version != versions->back() &&
        version != pinned()) {
      // There is no room to rewrite it. Gone, it makes some for those that
      // follow.
      Log(LogLevel::kWarning, "old snapshot removed by an erasure: no room",
          {{"version", absl::StrCat(version)}});
      status = store::DeleteSnapshot(options_.directory, version);
    }
  }
  return status;
}

absl::Status Publisher::RunQuietly(const std::function<absl::Status()>& work) {
  absl::Notification finished;
  absl::Status outcome;
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return absl::UnavailableError("the server is draining");
    tasks_.push_back([&] {
      try {
        outcome = work();
      } catch (...) {
        outcome = CaughtStatus();
      }
      finished.Notify();
    });
  }
  finished.WaitForNotification();
  return outcome;
}

absl::Status Publisher::Save(const model::Snapshot& snapshot) {
  last_save_ = options_.steady_now();
  absl::Status status =
      store::CheckFreeSpace(options_.directory, options_.min_free_bytes);
  if (status.ok()) {
    status = store::SaveSnapshot(options_.directory, snapshot, state_->users,
                                 state_->items);
  }
  absl::Status pruned;
  if (status.ok()) {
    saved_version_ = snapshot.version;
    store::SnapshotRetention retention;
    retention.keep = options_.keep;
    retention.max_bytes = options_.max_bytes;
    retention.pinned = pinned();
    pruned = store::PruneSnapshots(options_.directory, retention);
  }
  for (const absl::Status& failed : {status, pruned}) {
    if (failed.ok()) continue;
    Log(LogLevel::kError,
        status.ok() ? "snapshots not pruned" : "snapshot not saved",
        {{"version", absl::StrCat(snapshot.version)},
         {"error", std::string(failed.message())}});
    absl::MutexLock lock(&mutex_);
    ++stats_.save_errors;
  }
  RefreshSaved();
  return status;
}

void Publisher::RefreshSaved() {
  auto saved = store::ListSnapshots(options_.directory);
  if (!saved.ok()) {
    Log(LogLevel::kError, "snapshots cannot be listed",
        {{"error", std::string(saved.status().message())}});
    return;
  }
  absl::MutexLock lock(&mutex_);
  saved_ = *std::move(saved);
}

void Publisher::FreeRetired() {
  retired_.erase(std::remove_if(retired_.begin(), retired_.end(),
                                [](const Retired& retired) {
                                  return retired.model.use_count() == 1;
                                }),
                 retired_.end());
  const bool serves = slot_->Get() != nullptr;
  absl::MutexLock lock(&mutex_);
  stats_.live = serves + retired_.size();
  stats_.oldest_retired_seconds =
      retired_.empty() ? 0
                       : absl::ToDoubleSeconds(options_.steady_now() -
                                               retired_.front().since);
}

void Publisher::AwaitRoom() {
  bool said = false;
  while (true) {
    FreeRetired();
    // One is about to be built beside them.
    if (retired_.size() + 2 <= kMaxLive) return;
    if (!said) {
      Log(LogLevel::kWarning,
          "a new snapshot waits: requests still hold old ones",
          {{"held", absl::StrCat(retired_.size())}});
      said = true;
    }
    absl::MutexLock lock(&mutex_);
    if (alarm_.Await(&mutex_, absl::Condition(&stopping_),
                     model::SteadyNow() + kRetiredInterval)) {
      return;
    }
  }
}

std::vector<store::SnapshotInfo> Publisher::Saved() const {
  absl::MutexLock lock(&mutex_);
  return saved_;
}

Publisher::Stats Publisher::stats() const {
  absl::MutexLock lock(&mutex_);
  return stats_;
}

}  // namespace taud::server
