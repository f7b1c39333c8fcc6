#include "server/lifecycle/publisher.h"

#include <sys/resource.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "model/hand_over.h"
#include "model/sync_point.h"
#include "server/observe/logging.h"
#include "server/quality/gate.h"
#include "server/quality/servable.h"
#include "server/rpc/errors.h"

namespace taud::server {
namespace {

// How often retired models are looked at while some are still in use.
constexpr absl::Duration kRetiredInterval = absl::Milliseconds(200);

// Of the publisher's thread: between the searchers (0) and the trainer (10).
constexpr int kNice = 5;

}  // namespace

Publisher::Publisher(const Options& options, const model::State* state,
                     ServingSlot* slot, std::function<void(SwapKind)> on_swap)
    : options_(options),
      state_(state),
      slot_(slot),
      on_swap_(std::move(on_swap)),
      records_(absl::StrCat(options.shelf.directory, "/records.json")),
      decisions_(absl::StrCat(options.shelf.directory, "/decisions.json"),
                 options.on_decision),
      shelf_(options.shelf, state, &records_),
      builder_(options.index) {}

Publisher::~Publisher() { Stop(); }

absl::StatusOr<std::shared_ptr<const model::Snapshot>> Publisher::Restore(
    model::Sequence log_end) {
  records_.Load();
  decisions_.Load();
  absl::Status status = shelf_.Open(log_end);
  if (!status.ok()) return status;
  auto pinned = shelf_.ReadPin();
  if (!pinned.ok()) return pinned.status();
  const std::vector<store::SnapshotInfo> saved = Saved();
  std::vector<model::SnapshotVersion> candidates;
  std::vector<model::SnapshotVersion> bad;
  if (*pinned != 0) candidates.push_back(*pinned);
  for (auto info = saved.rbegin(); info != saved.rend(); ++info) {
    (records_.Of(info->version).bad() ? bad : candidates)
        .push_back(info->version);
  }
  // Better a bad one than none.
  candidates.insert(candidates.end(), bad.begin(), bad.end());
  for (const model::SnapshotVersion version : candidates) {
    auto snapshot = RestoreVersion(version, version == *pinned);
    if (snapshot.ok()) return snapshot;
    Abandon();
    Log(LogLevel::kWarning, "snapshot on disk passed over",
        {{"version", absl::StrCat(version)},
         {"error", std::string(snapshot.status().message())}});
  }
  return std::shared_ptr<const model::Snapshot>();
}

absl::StatusOr<std::shared_ptr<const model::Snapshot>>
Publisher::RestoreVersion(model::SnapshotVersion version, bool pinned) {
  auto model = LoadModel(version);
  if (!model.ok()) return model.status();
  auto snapshot = (*model)->snapshot;
  Move([&](VersionLifecycle* lifecycle) {
    lifecycle->Pin(pinned ? version : 0);
  });
  saved_version_ = version;
  absl::Status status = Swap(*std::move(model));
  if (!status.ok()) return status;
  on_swap_(SwapKind::kChosen);
  return snapshot;
}

absl::StatusOr<std::shared_ptr<const ServingModel>> Publisher::LoadModel(
    model::SnapshotVersion version) {
  absl::Status status = Move([&](VersionLifecycle* lifecycle) {
    absl::Status moved = lifecycle->Want(version);
    return moved.ok() ? lifecycle->Load(version) : moved;
  });
  if (!status.ok()) return status;
  auto loaded = shelf_.Load(version);
  if (!loaded.ok()) return loaded.status();
  status = CheckServable(**loaded, nullptr, options_.dim);
  if (!status.ok()) return status;
  return MakeReady(*std::move(loaded));
}

absl::StatusOr<std::shared_ptr<const ServingModel>> Publisher::MakeReady(
    std::unique_ptr<model::Snapshot> snapshot) {
  auto model = BuildServingModel(std::move(snapshot), &builder_);
  if (!model.ok()) return model;
  absl::Status status =
      Move([](VersionLifecycle* lifecycle) { return lifecycle->Loaded(); });
  if (!status.ok()) return status;
  return model;
}

void Publisher::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Publisher::Offer(std::unique_ptr<model::Snapshot> snapshot) {
  if (!inbox_.Offer(std::move(snapshot))) return;
  absl::MutexLock lock(&mutex_);
  ++stats_.superseded;
}

absl::Status Publisher::PublishNow(const std::function<absl::Status()>& request,
                                   Done done, bool force) {
  // The wait begins before the request: the trainer may be quicker than we.
  const auto id = inbox_.Wait(std::move(done), force);
  if (!id.ok()) return id.status();
  absl::Status status = request();
  // If it fails, and a snapshot came by itself meanwhile, that is the answer.
  if (status.ok() || !inbox_.GiveUp(*id)) return absl::OkStatus();
  return status;
}

void Publisher::Stop() {
  inbox_.Stop();
  if (thread_.joinable()) thread_.join();
  for (PublisherInbox::Waiter& waiter : inbox_.Close()) {
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
  bool more = true;
  while (more) {
    try {
      more = RunOnce();
    } catch (...) {
      // Whoever waited for what was under way has its answer: AnswerOnce's.
      Log(LogLevel::kError, "the publisher goes on after an error",
          {{"error", std::string(CaughtStatus().message())}});
    }
    // What did not come about is not under way any more.
    Abandon();
  }
}

bool Publisher::RunOnce() {
  auto work =
      inbox_.Take(retired_.empty() ? absl::InfiniteFuture()
                                   : model::SteadyNow() + kRetiredInterval);
  if (!work.has_value()) return false;
  for (PublisherInbox::Task& task : work->tasks) {
    task();
    Abandon();
  }
  if (work->offered.snapshot != nullptr) Process(std::move(work->offered));
  FreeRetired();
  return true;
}

void Publisher::Process(PublisherInbox::Offered offered) {
  const bool asked_for = !offered.waiters.empty();
  const std::shared_ptr<const ServingModel> serving = slot_->Get();
  std::optional<model::Sequence> serving_through;
  if (serving != nullptr) {
    serving_through = serving->snapshot->trained_through;
  }
  const OfferVerdict verdict = JudgeOffer(offered.snapshot->trained_through,
                                          serving_through, pinned(), asked_for);
  if (verdict != OfferVerdict::kTake) {
    inbox_.WaitOn(std::move(offered.waiters));
    absl::MutexLock lock(&mutex_);
    ++stats_.held_back;
    return;
  }
  const bool force = std::any_of(
      offered.waiters.begin(), offered.waiters.end(),
      [](const PublisherInbox::Waiter& waiter) { return waiter.force; });
  const absl::StatusOr<Published> published = Guarded([&] {
    return PublishOffered(std::move(offered.snapshot), asked_for, force);
  });
  if (!published.ok()) NoteRejection(published.status());
  for (PublisherInbox::Waiter& waiter : offered.waiters) waiter.done(published);
}

absl::StatusOr<Published> Publisher::PublishOffered(
    std::unique_ptr<model::Snapshot> snapshot, bool asked_for, bool force) {
  absl::Status status =
      Move([](VersionLifecycle* lifecycle) { return lifecycle->Want(0); });
  if (!status.ok()) return status;
  AwaitRoom();
  auto model = Build(std::move(snapshot));
  if (!model.ok()) return model.status();
  const model::Snapshot& next = *(*model)->snapshot;
  const auto verdict = AskGate(**model, force);
  if (!verdict.ok()) {
    // Aside, so that it can be looked at; of a run of them the first is enough.
    // It is not what serves, so that what Save remembers stays as it is.
    if (asked_for || stats().rejected_in_a_row == 0) {
      shelf_.Save(next, pinned()).IgnoreError();
    }
    return verdict.status();
  }
  const model::SnapshotVersion before =
      Move([](VersionLifecycle* lifecycle) { return lifecycle->serving(); });
  const bool ends_rollback = pinned() != 0;
  if (ends_rollback) {
    // On disk first: after a crash the newest one there serves, which was the
    // one that was rolled back from.
    status = Save(next);
    if (status.ok()) status = Pin(0);
    if (!status.ok()) return status;
  }
  TAUD_SYNC_POINT("publisher/swap");
  status = Swap(*model);
  if (!status.ok()) return status;
  {
    absl::MutexLock lock(&mutex_);
    ++stats_.swaps;
    stats_.rejected_in_a_row = 0;
  }
  on_swap_(SwapKind::kPublished);
  if (verdict->forced()) {
    decisions_.Add(v1::Decision::KIND_FORCED, next.version, before,
                   absl::StrCat("the gate: ", Failures(*verdict)));
  } else if (asked_for) {
    decisions_.Add(v1::Decision::KIND_PUBLISHED, next.version, before,
                   "asked for; it passed the gate");
  }
  Log(LogLevel::kDebug, "snapshot serves",
      {{"version", absl::StrCat(next.version)},
       {"trained_through", absl::StrCat(next.trained_through)},
       {"build_seconds", absl::StrCat((*model)->build_seconds)}});
  const bool due = options_.steady_now() - last_save_ >= options_.save_interval;
  // It serves all the same if it cannot be saved.
  if (!ends_rollback && (due || asked_for)) Save(next).IgnoreError();
  return Published{next.version, next.trained_through, *verdict};
}

absl::StatusOr<v1::Verdict> Publisher::AskGate(const ServingModel& next,
                                               bool force) {
  const absl::Time start = options_.steady_now();
  const std::shared_ptr<const ServingModel> serving = slot_->Get();
  const auto facts = MeasureForGate(next, serving.get(), *state_);
  if (!facts.ok()) return facts.status();
  v1::Verdict verdict = Judge(*facts, hits_);
  verdict.set_forced(force && !verdict.passed());
  verdict.set_decided_ms(absl::ToUnixMillis(absl::Now()));
  verdict.set_seconds(absl::ToDoubleSeconds(options_.steady_now() - start));
  const model::SnapshotVersion version = next.snapshot->version;
  records_.SetVerdict(version, verdict);
  if (verdict.passed() && facts->comparison.has_value()) {
    hits_.Note(*facts->comparison);
  }
  if (verdict.passed() || verdict.forced()) return verdict;
  records_.SetBad(version, true);
  return absl::FailedPreconditionError(
      absl::StrCat("gate: ", Failures(verdict)));
}

void Publisher::NoteRejection(const absl::Status& why) {
  const std::string reason(why.message());
  Log(LogLevel::kError, "snapshot rejected, the old one goes on serving",
      {{"reason", reason}});
  uint64_t in_a_row = 0;
  {
    absl::MutexLock lock(&mutex_);
    ++stats_.rejected;
    in_a_row = ++stats_.rejected_in_a_row;
    stats_.last_rejection = reason;
  }
  // Of a long run not each: the first, the third, where it becomes an alert,
  // and every hundredth.
  if (in_a_row != 1 && in_a_row != 3 && in_a_row % 100 != 0) return;
  const model::SnapshotVersion serving =
      Move([](VersionLifecycle* lifecycle) { return lifecycle->serving(); });
  decisions_.Add(
      v1::Decision::KIND_REJECTED, 0, serving,
      absl::StrCat(reason, in_a_row > 1 ? absl::StrCat(" (", in_a_row,
                                                       " one after another)")
                                        : ""));
}

absl::StatusOr<std::shared_ptr<const ServingModel>> Publisher::Build(
    std::unique_ptr<model::Snapshot> snapshot) {
  // It may have been made before something was erased.
  if (snapshot->created_ms > erased_ms_) erased_histories_.clear();
  model::ForgetHistories(erased_histories_, snapshot.get());
  model::ForgetRows(state_->users.Erased(), state_->items.Erased(),
                    snapshot.get());
  const std::shared_ptr<const ServingModel> serving = slot_->Get();
  absl::Status status = CheckServable(
      *snapshot, serving == nullptr ? nullptr : serving->snapshot.get(),
      options_.dim);
  if (!status.ok()) return status;
  auto version = shelf_.NextVersion();
  if (!version.ok()) return version.status();
  snapshot->version = *version;
  status = Move(
      [&](VersionLifecycle* lifecycle) { return lifecycle->Load(*version); });
  if (!status.ok()) return status;
  return MakeReady(std::move(snapshot));
}

absl::Status Publisher::Swap(std::shared_ptr<const ServingModel> next) {
  // First the move, which can be refused; then nothing can fail.
  absl::Status status = Move([&](VersionLifecycle* lifecycle) {
    return next != nullptr ? lifecycle->Serve() : lifecycle->ServeNothing();
  });
  if (!status.ok()) return status;
  std::shared_ptr<const ServingModel> old = slot_->Swap(std::move(next));
  if (old != nullptr) retired_.Add(std::move(old), options_.steady_now());
  absl::MutexLock lock(&mutex_);
  stats_.last_swap_ms = absl::ToUnixMillis(absl::Now());
  stats_.live = 1 + retired_.size();
  return status;
}

absl::Status Publisher::Pin(model::SnapshotVersion version) {
  absl::Status status = shelf_.WritePin(version);
  if (!status.ok()) return status;
  Move([&](VersionLifecycle* lifecycle) { lifecycle->Pin(version); });
  return absl::OkStatus();
}

model::SnapshotVersion Publisher::pinned() const {
  absl::MutexLock lock(&mutex_);
  return lifecycle_.pinned();
}

absl::StatusOr<model::SnapshotVersion> Publisher::Erase(
    const std::vector<model::UserIndex>& users,
    const std::vector<model::ItemIndex>& items,
    const model::ItemLists& histories) {
  absl::StatusOr<model::SnapshotVersion> version = absl::UnknownError("");
  absl::Status status = RunQuietly([&] {
    version = EraseNow(users, items, histories);
    return version.status();
  });
  if (!status.ok()) return status;
  return version;
}

absl::StatusOr<model::SnapshotVersion> Publisher::EraseNow(
    const std::vector<model::UserIndex>& users,
    const std::vector<model::ItemIndex>& items,
    const model::ItemLists& histories) {
  erased_ms_ = absl::ToUnixMillis(absl::Now());
  erased_histories_.insert(erased_histories_.end(), histories.begin(),
                           histories.end());
  const std::shared_ptr<const ServingModel> serving = slot_->Get();
  if (serving != nullptr) {
    auto snapshot = std::make_unique<model::Snapshot>(*serving->snapshot);
    const bool lists = model::ForgetHistories(histories, snapshot.get());
    if (model::ForgetRows(users, items, snapshot.get()) || lists) {
      absl::Status status = ServeErased(std::move(snapshot));
      if (!status.ok()) return status;
    }
  }
  TAUD_SYNC_POINT("erasure/serving");
  absl::Status status = shelf_.Erase(users, items, histories, pinned());
  if (!status.ok()) return status;
  const std::shared_ptr<const ServingModel> now = slot_->Get();
  return now == nullptr ? 0 : now->snapshot->version;
}

absl::Status Publisher::ServeErased(std::unique_ptr<model::Snapshot> snapshot) {
  const model::SnapshotVersion before = snapshot->version;
  auto version = shelf_.NextVersion();
  if (!version.ok()) return version.status();
  snapshot->version = *version;
  records_.Copy(before, *version);
  erased_through_ = *version;
  // Nothing may be left to recommend from.
  const bool serves = CheckServable(*snapshot, nullptr, options_.dim).ok();
  std::shared_ptr<const ServingModel> next;
  if (serves) {
    absl::Status status = Move([&](VersionLifecycle* lifecycle) {
      absl::Status moved = lifecycle->Want(*version);
      return moved.ok() ? lifecycle->Load(*version) : moved;
    });
    if (!status.ok()) return status;
    auto model = MakeReady(std::move(snapshot));
    if (!model.ok()) return model.status();
    next = *std::move(model);
  }
  // If the one before is on disk, that is rewritten there, and has the same
  // contents. If it is not, this one is not either.
  if (before == saved_version_) saved_version_ = serves ? *version : 0;
  absl::Status status = Swap(std::move(next));
  if (!status.ok()) return status;
  on_swap_(SwapKind::kErasure);
  absl::MutexLock lock(&mutex_);
  ++stats_.swaps;
  return absl::OkStatus();
}

absl::Status Publisher::RunQuietly(const std::function<absl::Status()>& work) {
  return model::HandOverAndWait([&](auto answer) {
    return inbox_.Add(
        [&work, answer = std::move(answer)] { (*answer)(Guarded(work)); });
  });
}

absl::Status Publisher::Save(const model::Snapshot& snapshot) {
  last_save_ = options_.steady_now();
  absl::Status status = shelf_.Save(snapshot, pinned());
  if (status.ok()) saved_version_ = snapshot.version;
  return status;
}

void Publisher::FreeRetired() {
  retired_.FreeUnused();
  const bool serves = slot_->Get() != nullptr;
  const absl::Duration oldest = retired_.OldestAge(
      options_.steady_now(),
      options_.compared_with ? options_.compared_with() : nullptr);
  absl::MutexLock lock(&mutex_);
  stats_.live = serves + retired_.size();
  stats_.oldest_retired_seconds = absl::ToDoubleSeconds(oldest);
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
    if (inbox_.AwaitStop(model::SteadyNow() + kRetiredInterval)) return;
  }
}

std::vector<store::SnapshotInfo> Publisher::Saved() const {
  return shelf_.Saved();
}

Publisher::Stats Publisher::stats() const {
  const uint64_t save_errors = shelf_.save_errors();
  absl::MutexLock lock(&mutex_);
  Stats stats = stats_;
  stats.save_errors = save_errors;
  return stats;
}

}  // namespace taud::server
