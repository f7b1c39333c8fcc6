#include "server/api/model_service.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "grpcpp/alarm.h"
#include "model/answer_once.h"
#include "model/steady_clock.h"
#include "server/admission/message_bytes.h"
#include "server/api/call.h"
#include "server/api/status_report.h"
#include "server/lifecycle/backup_place.h"
#include "server/quality/snapshot_diff.h"
#include "server/rpc/errors.h"

namespace taud::server {
namespace {

constexpr int32_t kDefaultIntervalMs = 1000;
constexpr int32_t kMinIntervalMs = 100;
constexpr int32_t kMaxIntervalMs = 60000;

constexpr int32_t kDefaultDecisions = 50;

absl::StatusOr<absl::Duration> IntervalOf(const grpc::ByteBuffer& bytes) {
  v1::WatchStatusRequest request;
  absl::Status status = ParseRequest(bytes, &request);
  if (!status.ok()) return status;
  const int32_t ms =
      request.interval_ms() == 0 ? kDefaultIntervalMs : request.interval_ms();
  if (ms < kMinIntervalMs || ms > kMaxIntervalMs) {
    return FieldError("interval_ms",
                      absl::StrCat(ms, " is not allowed; ", kMinIntervalMs,
                                   " to ", kMaxIntervalMs));
  }
  return absl::Milliseconds(ms);
}

absl::Status InField(const char* field, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat(field, ": ", status.message()));
}

absl::StatusOr<v1::SnapshotDiff> Diff(const DaemonContext& context,
                                      model::SnapshotVersion from,
                                      model::SnapshotVersion to) {
  if (from == 0) return FieldError("from", "a version is needed");
  const auto before = context.publisher->Read(from);
  if (!before.ok()) return InField("from", before.status());
  const auto now = context.publisher->Read(to);
  if (!now.ok()) return InField("to", now.status());
  return DiffSnapshots(**before, **now, context.state->items);
}

absl::Status NoSuchSnapshot(model::SnapshotVersion version) {
  return absl::NotFoundError(absl::StrCat(
      "version: no snapshot ", version,
      " is on disk; ListSnapshots (`tauctl snapshots`) names those "
      "that are"));
}

}  // namespace

// One call of WatchStatus: write a status, wait for the alarm, again.
// Thread-safe; keeps itself alive until gRPC and the alarm are done with it.
class WatchStream : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  WatchStream(const DaemonContext* context, ModelServiceImpl* service,
              absl::StatusOr<absl::Duration> interval,
              grpc::CallbackServerContext* rpc)
      : context_(context),
        service_(service),
        interval_(std::move(interval)),
        request_id_(RequestId(*rpc)),
        start_(model::SteadyNow()),
        presented_(PresentedIn(context->calls, *rpc)) {
    rpc->AddTrailingMetadata("x-request-id", request_id_);
  }

  void Begin(std::shared_ptr<WatchStream> self) {
    absl::MutexLock lock(&mutex_);
    self_ = std::move(self);
    absl::Status status = Open();
    if (!status.ok()) return End(std::move(status));
    Write();
  }

  void Drain() {
    absl::MutexLock lock(&mutex_);
    End(absl::UnavailableError("the server is draining"));
  }

 private:
  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&mutex_);
    writing_ = false;
    if (!ok) closing_ = absl::CancelledError("the client went away");
    if (closing_.has_value()) return EndNow();
    waiting_ = true;
    alarm_ = std::make_unique<grpc::Alarm>();
    alarm_->Set(absl::ToChronoTime(absl::Now() + *interval_),
                [self = self_](bool) { self->OnAlarm(); });
  }

  void OnAlarm() {
    absl::MutexLock lock(&mutex_);
    waiting_ = false;
    if (closing_.has_value()) return EndNow();
    Write();
  }

  void OnCancel() override {
    absl::MutexLock lock(&mutex_);
    End(absl::CancelledError("the client went away"));
  }

  void OnDone() override {
    std::shared_ptr<WatchStream> self;
    std::unique_ptr<grpc::Alarm> alarm;
    {
      absl::MutexLock lock(&mutex_);
      self.swap(self_);
      alarm.swap(alarm_);
    }
    // An alarm keeps its callback, and that this stream, until it goes.
    alarm.reset();
    service_->Forget(self);
  }

  // Takes a place among the caller's streams.
  absl::Status Open() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto caller =
        AdmitCaller(context_->calls, RpcMethod::kWatchStatus, presented_);
    if (!caller.ok()) return caller.status();
    Cost cost;
    cost.requests = 1;
    absl::Status status = ChargeCaller(context_->calls, *caller, cost);
    if (!status.ok()) return status;
    auto place = OpenStream(context_->calls, *caller);
    if (!place.ok()) return place.status();
    place_ = *std::move(place);
    auto recorded = RecordCall(context_->calls, RpcMethod::kWatchStatus,
                               *caller, presented_, request_id_);
    if (recorded.ok()) recorded_ = *std::move(recorded);
    return recorded.status();
  }

  void Write() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    // Each time: a credential ends while a watch goes on.
    absl::Status status =
        AdmitCaller(context_->calls, RpcMethod::kWatchStatus, presented_)
            .status();
    if (status.ok()) status = interval_.status();
    if (!status.ok()) return End(std::move(status));
    try {
      WriteMessage(ReportStatus(*context_), &outgoing_);
    } catch (...) {
      return End(CaughtStatus());
    }
    writing_ = true;
    StartWrite(&outgoing_);
  }

  // Ends the call when the write or the wait in progress is over.
  void End(absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!closing_.has_value()) closing_ = std::move(status);
    if (waiting_) {
      alarm_->Cancel();  // OnAlarm follows
    } else if (!writing_) {
      EndNow();
    }
  }

  void EndNow() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (finished_) return;
    finished_ = true;
    RecordEnd(context_->calls, &recorded_, closing_->code(), nullptr);
    Finish(EndCall(context_->calls, RpcMethod::kWatchStatus, request_id_,
                   start_, *closing_));
  }

  const DaemonContext* const context_;
  ModelServiceImpl* const service_;
  const absl::StatusOr<absl::Duration> interval_;
  const std::string request_id_;
  const absl::Time start_;
  const Presented presented_;

  absl::Mutex mutex_;
  std::shared_ptr<WatchStream> self_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool waiting_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> closing_ ABSL_GUARDED_BY(mutex_);
  StreamPlace place_ ABSL_GUARDED_BY(mutex_);
  Recorded recorded_ ABSL_GUARDED_BY(mutex_);
  // A new one for each wait: the last one's callback may still be returning.
  std::unique_ptr<grpc::Alarm> alarm_ ABSL_GUARDED_BY(mutex_);
  grpc::ByteBuffer outgoing_;  // gRPC's while writing_
};

ModelServiceImpl::ModelServiceImpl(const DaemonContext* context)
    : context_(context) {}
ModelServiceImpl::~ModelServiceImpl() = default;

grpc::ServerUnaryReactor* ModelServiceImpl::GetStatus(
    grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* bytes,
    grpc::ByteBuffer* buffer) {
  auto* call =
      new UnaryCall(&context_->calls, RpcMethod::kGetStatus, rpc, buffer);
  Handle(call, [&] {
    v1::GetStatusRequest request;
    if (!call->Parse(*bytes, &request)) return;
    call->Reply(ReportStatus(*context_));
  });
  return call;
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* ModelServiceImpl::WatchStatus(
    grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* bytes) {
  auto stream =
      std::make_shared<WatchStream>(context_, this, IntervalOf(*bytes), rpc);
  bool draining = false;
  {
    absl::MutexLock lock(&mutex_);
    draining = draining_;
    watches_.insert(stream);
  }
  stream->Begin(stream);
  if (draining) stream->Drain();
  return stream.get();
}

grpc::ServerUnaryReactor* ModelServiceImpl::ListSnapshots(
    grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* bytes,
    grpc::ByteBuffer* buffer) {
  auto* call =
      new UnaryCall(&context_->calls, RpcMethod::kListSnapshots, rpc, buffer);
  Handle(call, [&] {
    v1::ListSnapshotsRequest request;
    if (!call->Parse(*bytes, &request)) return;
    call->Reply(ReportSnapshots(*context_));
  });
  return call;
}

grpc::ServerUnaryReactor* ModelServiceImpl::Publish(
    grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* bytes,
    grpc::ByteBuffer* buffer) {
  auto* call =
      new UnaryCall(&context_->calls, RpcMethod::kPublish, rpc, buffer);
  HandleRecorded<v1::PublishRequest>(
      call, *bytes, [this, call](const v1::PublishRequest& request) {
        absl::Status status = context_->publisher->PublishNow(
            [this] { return context_->trainer->RequestPublish(); },
            [call](absl::StatusOr<Published> published) {
              if (!published.ok()) return call->Fail(published.status());
              v1::PublishResponse response;
              response.set_version(published->version);
              response.set_trained_through(published->trained_through);
              *response.mutable_verdict() = published->verdict;
              call->Reply(response);
            },
            request.force());
        if (!status.ok()) call->Fail(std::move(status));
      });
  return call;
}

grpc::ServerUnaryReactor* ModelServiceImpl::Rollback(
    grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* bytes,
    grpc::ByteBuffer* buffer) {
  auto* call =
      new UnaryCall(&context_->calls, RpcMethod::kRollback, rpc, buffer);
  HandleRecorded<v1::RollbackRequest>(
      call, *bytes, [this, call](const v1::RollbackRequest& request) {
        absl::Status status = context_->publisher->Rollback(
            request.version(), [call, version = request.version()](
                                   absl::StatusOr<Published> published) {
              if (absl::IsNotFound(published.status()) && version != 0) {
                return call->Fail(NoSuchSnapshot(version));
              }
              if (!published.ok()) return call->Fail(published.status());
              v1::RollbackResponse response;
              response.set_version(published->version);
              response.set_trained_through(published->trained_through);
              call->Reply(response);
            });
        if (!status.ok()) call->Fail(std::move(status));
      });
  return call;
}

grpc::ServerUnaryReactor* ModelServiceImpl::GetQuality(
    grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* bytes,
    grpc::ByteBuffer* buffer) {
  auto* call =
      new UnaryCall(&context_->calls, RpcMethod::kGetQuality, rpc, buffer);
  Handle(call, [&] {
    v1::GetQualityRequest request;
    if (!call->Parse(*bytes, &request)) return;
    call->Reply(ReportQuality(*context_));
  });
  return call;
}

grpc::ServerUnaryReactor* ModelServiceImpl::ListDecisions(
    grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* bytes,
    grpc::ByteBuffer* buffer) {
  auto* call =
      new UnaryCall(&context_->calls, RpcMethod::kListDecisions, rpc, buffer);
  Handle(call, [&] {
    v1::ListDecisionsRequest request;
    if (!call->Parse(*bytes, &request)) return;
    const int32_t limit =
        request.limit() == 0 ? kDefaultDecisions : request.limit();
    if (limit < 1 || limit > static_cast<int32_t>(DecisionLog::kMost)) {
      call->Fail(FieldError(
          "limit",
          absl::StrCat(limit, " is not allowed; 1 to ", DecisionLog::kMost)));
      return;
    }
    v1::ListDecisionsResponse response;
    for (v1::Decision& decision :
         context_->publisher->decisions().Newest(static_cast<size_t>(limit))) {
      *response.add_decisions() = std::move(decision);
    }
    call->Reply(response);
  });
  return call;
}

grpc::ServerUnaryReactor* ModelServiceImpl::KeepSnapshot(
    grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* bytes,
    grpc::ByteBuffer* buffer) {
  auto* call =
      new UnaryCall(&context_->calls, RpcMethod::kKeepSnapshot, rpc, buffer);
  HandleRecorded<v1::KeepSnapshotRequest>(
      call, *bytes, [this, call](const v1::KeepSnapshotRequest& request) {
        absl::Status status = context_->publisher->Keep(
            request.version(), request.name(), ReplyWithSnapshot(call));
        if (!status.ok()) call->Fail(std::move(status));
      });
  return call;
}

grpc::ServerUnaryReactor* ModelServiceImpl::ReleaseSnapshot(
    grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* bytes,
    grpc::ByteBuffer* buffer) {
  auto* call =
      new UnaryCall(&context_->calls, RpcMethod::kReleaseSnapshot, rpc, buffer);
  HandleRecorded<v1::ReleaseSnapshotRequest>(
      call, *bytes, [this, call](const v1::ReleaseSnapshotRequest& request) {
        absl::Status status = context_->publisher->Release(
            request.version(), request.name(), ReplyWithSnapshot(call));
        if (!status.ok()) call->Fail(std::move(status));
      });
  return call;
}

Publisher::KeepDone ModelServiceImpl::ReplyWithSnapshot(UnaryCall* call) const {
  return [this, call](absl::StatusOr<model::SnapshotVersion> version) {
    if (!version.ok()) return call->Fail(version.status());
    call->Reply(ReportSnapshot(*context_, *version));
  };
}

grpc::ServerUnaryReactor* ModelServiceImpl::DiffSnapshots(
    grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* bytes,
    grpc::ByteBuffer* buffer) {
  auto* call =
      new UnaryCall(&context_->calls, RpcMethod::kDiffSnapshots, rpc, buffer);
  Handle(call, [&] {
    v1::DiffSnapshotsRequest request;
    if (!call->Parse(*bytes, &request)) return;
    // Shared, so that the task can be destroyed without having run.
    const auto answer =
        std::make_shared<model::AnswerOnce<absl::StatusOr<v1::SnapshotDiff>>>(
            [this, call](absl::StatusOr<v1::SnapshotDiff> diff) {
              if (!diff.ok()) return call->Fail(diff.status());
              *diff->mutable_from() =
                  ReportSnapshot(*context_, diff->from().version());
              *diff->mutable_to() =
                  ReportSnapshot(*context_, diff->to().version());
              call->Reply(*diff);
            });
    absl::Status status = context_->quality->RunLater(
        [this, answer, from = request.from(), to = request.to()] {
          absl::StatusOr<v1::SnapshotDiff> diff = absl::UnknownError("");
          try {
            diff = Diff(*context_, from, to);
          } catch (...) {
            diff = CaughtStatus();
          }
          (*answer)(std::move(diff));
        });
    if (!status.ok()) answer->Dismiss();
    if (!status.ok()) call->Fail(std::move(status));
  });
  return call;
}

grpc::ServerUnaryReactor* ModelServiceImpl::Pause(
    grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* bytes,
    grpc::ByteBuffer* buffer) {
  auto* call = new UnaryCall(&context_->calls, RpcMethod::kPause, rpc, buffer);
  HandleRecorded<v1::PauseRequest>(
      call, *bytes, [this, call](const v1::PauseRequest&) {
        context_->trainer->Pause();
        context_->publisher->Note(v1::Decision::KIND_PAUSED,
                                  "learning is paused until Resume");
        call->Reply(v1::PauseResponse());
      });
  return call;
}

grpc::ServerUnaryReactor* ModelServiceImpl::Resume(
    grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* bytes,
    grpc::ByteBuffer* buffer) {
  auto* call = new UnaryCall(&context_->calls, RpcMethod::kResume, rpc, buffer);
  HandleRecorded<v1::ResumeRequest>(
      call, *bytes, [this, call](const v1::ResumeRequest&) {
        context_->trainer->Resume();
        context_->publisher->Note(v1::Decision::KIND_RESUMED,
                                  "learning goes on");
        call->Reply(v1::ResumeResponse());
      });
  return call;
}

grpc::ServerUnaryReactor* ModelServiceImpl::Backup(
    grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* bytes,
    grpc::ByteBuffer* buffer) {
  auto* call = new UnaryCall(&context_->calls, RpcMethod::kBackup, rpc, buffer);
  HandleRecorded<v1::BackupRequest>(
      call, *bytes, [this, call](const v1::BackupRequest& request) {
        const auto place =
            ResolveBackupPlace(request.directory(), context_->backup_root,
                               context_->data_dir, call->peer());
        if (!place.ok()) {
          call->Fail(place.status());
          return;
        }
        absl::Status status = context_->upkeep->Backup(
            *place, [call, directory = request.directory()](
                        absl::StatusOr<store::BackupManifest> made) {
              if (!made.ok()) return call->Fail(made.status());
              v1::BackupResponse response;
              response.set_directory(directory);
              response.set_bytes(made->bytes());
              response.set_files(made->files.size());
              response.set_last_sequence(made->last_sequence);
              call->Reply(response);
            });
        if (!status.ok()) call->Fail(std::move(status));
      });
  return call;
}

void ModelServiceImpl::Drain() {
  std::vector<std::shared_ptr<WatchStream>> watches;
  {
    absl::MutexLock lock(&mutex_);
    draining_ = true;
    watches.assign(watches_.begin(), watches_.end());
  }
  for (const auto& watch : watches) watch->Drain();
}

void ModelServiceImpl::Forget(const std::shared_ptr<WatchStream>& stream) {
  absl::MutexLock lock(&mutex_);
  watches_.erase(stream);
}

}  // namespace taud::server
