// What is done with versions that have served or lie on disk: roll back, take
// back, keep, release, read.

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/lifecycle/publisher.h"
#include "server/observe/logging.h"
#include "server/rpc/errors.h"

namespace taud::server {
namespace {

// Two versions that turn out bad within so short a time: something is wrong
// with what is learnt, and a third would be no better.
constexpr absl::Duration kTakenBackAgain = absl::Hours(1);

}  // namespace

absl::Status Publisher::Rollback(model::SnapshotVersion version, Done done) {
  // Shared, so that it can be called off if the task is not taken.
  const auto answer = std::make_shared<PublisherInbox::Answer>(std::move(done));
  absl::Status status = inbox_.AddBounded("Rollback", [this, version, answer] {
    (*answer)(Guarded([this, version] { return RollbackNow(version); }));
  });
  if (!status.ok()) answer->Dismiss();
  return status;
}

absl::StatusOr<Published> Publisher::RollbackNow(
    model::SnapshotVersion version) {
  if (version == 0) {
    const model::SnapshotVersion serving =
        Move([](VersionLifecycle* lifecycle) { return lifecycle->serving(); });
    version = shelf_.NewestBefore(serving);
    if (version == 0) {
      return absl::NotFoundError(
          "no saved snapshot is older than the serving one");
    }
  }
  AwaitRoom();
  const model::SnapshotVersion before =
      Move([](VersionLifecycle* lifecycle) { return lifecycle->serving(); });
  auto model = LoadModel(version);
  if (!model.ok()) return model.status();
  // First on disk: what is answered must hold after a crash, too.
  absl::Status status = Pin(version);
  if (!status.ok()) return status;
  const Published published{version, (*model)->snapshot->trained_through,
                            records_.Of(version).verdict()};
  status = Swap(*std::move(model));
  if (!status.ok()) return status;
  saved_version_ = version;
  on_swap_(SwapKind::kChosen);
  decisions_.Add(v1::Decision::KIND_ROLLED_BACK, version, before,
                 "asked for; it serves until Publish");
  return published;
}

absl::Status Publisher::TakeBack(std::shared_ptr<const ServingModel> model,
                                 model::SnapshotVersion bad, std::string why) {
  return inbox_.Add(
      [this, model = std::move(model), bad, why = std::move(why)]() mutable {
        const absl::Status status =
            Guarded([&] { return TakeBackNow(std::move(model), bad, why); });
        if (status.ok()) return;
        Log(LogLevel::kError, "a version that turned out bad still serves",
            {{"version", absl::StrCat(bad)},
             {"error", std::string(status.message())}});
      });
}

absl::Status Publisher::TakeBackNow(std::shared_ptr<const ServingModel> model,
                                    model::SnapshotVersion bad,
                                    const std::string& why) {
  const std::shared_ptr<const ServingModel> serving = slot_->Get();
  if (serving == nullptr || serving->snapshot->version != bad) {
    return absl::OkStatus();
  }
  const model::SnapshotVersion version = model->snapshot->version;
  if (version < erased_through_) {
    return absl::FailedPreconditionError(
        "the version before has what was erased since");
  }
  absl::Status status = Move([&](VersionLifecycle* lifecycle) {
    absl::Status moved = lifecycle->Want(version);
    if (moved.ok()) moved = lifecycle->Load(version);
    return moved.ok() ? lifecycle->Loaded() : moved;
  });
  if (!status.ok()) return status;
  records_.SetBad(bad, true);
  const bool again = options_.steady_now() - last_taken_back_ < kTakenBackAgain;
  last_taken_back_ = options_.steady_now();
  // On disk first: after a crash the newest one there that is not bad serves.
  status = shelf_.Has(version) ? shelf_.WriteRecords() : Save(*model->snapshot);
  if (again && status.ok()) status = Pin(version);
  if (!status.ok()) {
    Log(LogLevel::kError, "the version that is taken back to is not on disk",
        {{"version", absl::StrCat(version)},
         {"error", std::string(status.message())}});
  }
  retired_.Forget(model);
  status = Swap(std::move(model));
  if (!status.ok()) return status;
  if (shelf_.Has(version)) saved_version_ = version;
  {
    absl::MutexLock lock(&mutex_);
    ++stats_.taken_back;
    ++stats_.swaps;
  }
  on_swap_(SwapKind::kChosen);
  decisions_.Add(
      v1::Decision::KIND_ROLLED_BACK_AUTOMATICALLY, version, bad,
      absl::StrCat(why, again ? "; the second time within an hour: it serves "
                                "until Publish"
                              : "; the next that passes the gate follows"));
  return absl::OkStatus();
}

absl::Status Publisher::Keep(model::SnapshotVersion version, std::string name,
                             KeepDone done) {
  return AnswerLater("KeepSnapshot", std::move(done),
                     [this, version, name = std::move(name)] {
                       return KeepNow(version, name);
                     });
}

absl::Status Publisher::Release(model::SnapshotVersion version,
                                std::string name, KeepDone done) {
  return AnswerLater("ReleaseSnapshot", std::move(done),
                     [this, version, name = std::move(name)] {
                       return ReleaseNow(version, name);
                     });
}

absl::Status Publisher::AnswerLater(
    absl::string_view call, KeepDone done,
    std::function<absl::StatusOr<model::SnapshotVersion>()> work) {
  const auto answer = std::make_shared<
      model::AnswerOnce<absl::StatusOr<model::SnapshotVersion>>>(
      std::move(done));
  absl::Status status = inbox_.AddBounded(
      call, [answer, work = std::move(work)] { (*answer)(Guarded(work)); });
  if (!status.ok()) answer->Dismiss();
  return status;
}

absl::StatusOr<std::shared_ptr<const model::Snapshot>> Publisher::Read(
    model::SnapshotVersion version) const {
  const std::shared_ptr<const ServingModel> serving = slot_->Get();
  if (version == 0 && serving == nullptr) {
    return absl::UnavailableError("nothing serves yet");
  }
  if (serving != nullptr &&
      (version == 0 || version == serving->snapshot->version)) {
    return serving->snapshot;
  }
  auto loaded = shelf_.Load(version);
  if (absl::IsNotFound(loaded.status())) {
    return absl::NotFoundError(
        absl::StrCat("no snapshot ", version, " is on disk"));
  }
  if (!loaded.ok()) return loaded.status();
  return std::shared_ptr<const model::Snapshot>(*std::move(loaded));
}

void Publisher::Note(v1::Decision::Kind kind, std::string text) {
  // Stopping: it is too late to be read.
  inbox_
      .Add([this, kind, text = std::move(text)] {
        const model::SnapshotVersion serving = Move(
            [](VersionLifecycle* lifecycle) { return lifecycle->serving(); });
        decisions_.Add(kind, serving, 0, text);
      })
      .IgnoreError();
}

absl::StatusOr<model::SnapshotVersion> Publisher::KeepNow(
    model::SnapshotVersion version, const std::string& name) {
  const std::shared_ptr<const ServingModel> serving = slot_->Get();
  if (version == 0 && serving != nullptr) version = serving->snapshot->version;
  if (version == 0) return absl::NotFoundError("version: nothing serves yet");
  const bool serves =
      serving != nullptr && serving->snapshot->version == version;
  absl::Status status;
  if (!shelf_.Has(version) && serves) status = Save(*serving->snapshot);
  if (!status.ok()) return status;
  if (!shelf_.Has(version)) {
    return absl::NotFoundError(
        absl::StrCat("version: no snapshot ", version, " is on disk"));
  }
  if (records_.Named(name) == version) return version;
  status = records_.Keep(version, name);
  if (!status.ok()) return status;
  decisions_.Add(v1::Decision::KIND_KEPT, version, 0,
                 absl::StrCat("as ", name));
  return version;
}

absl::StatusOr<model::SnapshotVersion> Publisher::ReleaseNow(
    model::SnapshotVersion version, const std::string& name) {
  if (version == 0) version = records_.Named(name);
  if (version == 0) {
    return absl::NotFoundError("name: no snapshot is kept under this name");
  }
  absl::Status status = records_.Release(version);
  if (!status.ok()) return status;
  decisions_.Add(v1::Decision::KIND_RELEASED, version, 0, "asked for");
  return version;
}

}  // namespace taud::server
