#include "server/publisher.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/gate.h"
#include "server/logging.h"
#include "store/version_reservation.h"

namespace taud::server {
namespace {

// How often retired models are looked at while some are still in use.
constexpr absl::Duration kRetiredInterval = absl::Milliseconds(200);

}  // namespace

Publisher::Publisher(const Options& options, const model::State* state,
                     ServingSlot* slot, std::function<void()> on_swap)
    : options_(options),
      state_(state),
      slot_(slot),
      on_swap_(std::move(on_swap)),
      builder_(options.index) {}

Publisher::~Publisher() { Stop(); }

absl::StatusOr<std::shared_ptr<const model::Snapshot>> Publisher::Restore() {
  RefreshSaved();
  std::vector<store::SnapshotInfo> saved = Saved();
  auto reserved = store::LastReservedVersion(options_.directory);
  if (!reserved.ok()) return reserved.status();
  last_version_ = *reserved;
  if (!saved.empty()) {
    last_version_ = std::max(last_version_, saved.back().version);
  }
  reserved_through_ = *reserved;
  for (auto info = saved.rbegin(); info != saved.rend(); ++info) {
    auto loaded = store::LoadSnapshot(options_.directory, info->version);
    absl::Status status = loaded.status();
    if (status.ok()) status = CheckGate(**loaded, nullptr, options_.dim);
    // The log is the truth: a snapshot beyond it belongs to another one.
    if (status.ok() && ((*loaded)->users.rows > state_->users.size() ||
                        (*loaded)->items.rows > state_->items.size())) {
      status = absl::DataLossError("it has more rows than the log has ids");
    }
    if (status.ok()) {
      auto model = BuildServingModel(*std::move(loaded), &builder_);
      if (!model.ok()) return model.status();
      saved_version_ = info->version;
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
        {{"version", absl::StrCat(info->version)},
         {"error", std::string(status.message())}});
  }
  return std::shared_ptr<const model::Snapshot>();
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
    Save(*serving->snapshot);
  }
}

void Publisher::Run() {
  while (true) {
    Offered offered;
    {
      absl::MutexLock lock(&mutex_);
      const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return offered_ || stopping_;
      };
      mutex_.AwaitWithTimeout(
          absl::Condition(&ready),
          retired_.empty() ? absl::InfiniteDuration() : kRetiredInterval);
      if (!offered_ && stopping_) return;
      if (offered_) {
        offered = std::move(next_);
        next_ = Offered{};
        offered_ = false;
      }
    }
    if (offered.snapshot != nullptr) Process(std::move(offered));
    FreeRetired();
  }
}

void Publisher::Process(Offered offered) {
  AwaitRoom();
  auto model = Serve(std::move(offered.snapshot));
  if (!model.ok()) {
    const std::string reason(model.status().message());
    Log(LogLevel::kError, "snapshot rejected, the old one goes on serving",
        {{"reason", reason}});
    {
      absl::MutexLock lock(&mutex_);
      ++stats_.rejected;
      stats_.last_rejection = reason;
    }
    for (Waiter& waiter : offered.waiters) waiter.done(model.status());
    return;
  }
  const model::Snapshot& snapshot = *(*model)->snapshot;
  {
    absl::MutexLock lock(&mutex_);
    ++stats_.swaps;
    stats_.last_swap_ms = absl::ToUnixMillis(absl::Now());
    stats_.live = 1 + retired_.size();
  }
  on_swap_();
  Log(LogLevel::kDebug, "snapshot serves",
      {{"version", absl::StrCat(snapshot.version)},
       {"trained_through", absl::StrCat(snapshot.trained_through)},
       {"build_seconds", absl::StrCat((*model)->build_seconds)}});
  const bool due = absl::Now() - last_save_ >= options_.save_interval;
  if (due || !offered.waiters.empty()) Save(snapshot);
  for (Waiter& waiter : offered.waiters) {
    waiter.done(Published{snapshot.version, snapshot.trained_through});
  }
}

absl::StatusOr<std::shared_ptr<const ServingModel>> Publisher::Serve(
    std::unique_ptr<model::Snapshot> snapshot) {
  const std::shared_ptr<const ServingModel> serving = slot_->Get();
  absl::Status status = CheckGate(
      *snapshot, serving == nullptr ? nullptr : serving->snapshot.get(),
      options_.dim);
  if (!status.ok()) return status;
  // A version that a client has seen must never name another snapshot, not
  // even after a crash: numbers are reserved on disk before they are used.
  if (last_version_ >= reserved_through_) {
    auto reserved = store::ReserveVersions(options_.directory, last_version_);
    if (!reserved.ok()) return reserved.status();
    reserved_through_ = *reserved;
  }
  snapshot->version = ++last_version_;
  auto model = BuildServingModel(std::move(snapshot), &builder_);
  if (!model.ok()) return model.status();
  std::shared_ptr<const ServingModel> old = slot_->Swap(*model);
  if (old != nullptr) retired_.push_back({std::move(old), absl::Now()});
  return *model;
}

void Publisher::Save(const model::Snapshot& snapshot) {
  last_save_ = absl::Now();
  absl::Status status = store::SaveSnapshot(options_.directory, snapshot,
                                            state_->users, state_->items);
  if (status.ok()) {
    saved_version_ = snapshot.version;
    status = store::PruneSnapshots(options_.directory, options_.keep);
  }
  if (!status.ok()) {
    Log(LogLevel::kError, "snapshot not saved; it serves all the same",
        {{"version", absl::StrCat(snapshot.version)},
         {"error", std::string(status.message())}});
    absl::MutexLock lock(&mutex_);
    ++stats_.save_errors;
  }
  RefreshSaved();
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
      retired_.empty()
          ? 0
          : absl::ToDoubleSeconds(absl::Now() - retired_.front().since);
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
    if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_),
                                kRetiredInterval)) {
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
