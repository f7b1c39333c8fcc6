#include "server/daemon.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "server/api/daemon_context.h"
#include "server/api/history_keeper.h"
#include "server/api/status_report.h"
#include "server/door.h"
#include "server/front.h"
#include "server/lifecycle/backup_place.h"
#include "server/lifecycle/drain.h"
#include "server/observe/grpc_log.h"
#include "server/observe/logging.h"
#include "server/part_options.h"
#include "server/rpc/acceptor.h"
#include "server/rpc/answer_deadlines.h"
#include "store/files/data_directory.h"

namespace taud::server {
namespace {

QualityWatch::Swap SwapOf(Publisher::SwapKind kind) {
  switch (kind) {
    case Publisher::SwapKind::kPublished:
      return QualityWatch::Swap::kNext;
    case Publisher::SwapKind::kErasure:
      return QualityWatch::Swap::kErasure;
    case Publisher::SwapKind::kChosen:
      break;
  }
  return QualityWatch::Swap::kChosen;
}

}  // namespace

class Daemon::Impl {
 public:
  explicit Impl(const config::v1::Config& config)
      : config_(config),
        rates_(config.serving().requests_per_client()),
        memory_(static_cast<size_t>(config.serving().max_request_memory_mib())
                << 20),
        answers_(absl::Seconds(config.server().answer_seconds()),
                 [this] { metrics_.CountRefused(Refusal::kAnswerTime); }) {}
  ~Impl() { Drain(); }

  absl::Status Start() {
    context_.started_ms = absl::ToUnixMillis(absl::Now());
    TakeGrpcLog();
    const size_t descriptors = RaiseDescriptorLimit();
    metrics_.SetInsecure(config_.server().insecure());
    if (config_.server().insecure()) {
      Log(LogLevel::kWarning,
          "server.insecure: it may listen beyond the loopback without tls and "
          "auth; only a proxy that checks tokens and speaks TLS should reach "
          "it",
          {{"grpc_address", config_.server().grpc_address()},
           {"http_address", config_.server().http_address()}});
    }
    auto door = Door::Open(config_, &metrics_);
    if (!door.ok()) return door.status();
    door_ = *std::move(door);
    front_ = std::make_unique<Front>(&config_, &context_);
    absl::Status status = CheckBackupRoot(config_.store().backup_root());
    if (status.ok()) status = OpenStore();
    if (status.ok()) status = MakeParts();
    if (status.ok()) status = front_->Listen(*door_, descriptors);
    if (!status.ok()) return status;
    history_->Start();
    return absl::OkStatus();
  }

  absl::Status Run() {
    absl::Status status = ReadLog();
    if (!status.ok()) return status;
    trainer_->Start();
    upkeep_->Start();
    quality_->Start();
    return absl::OkStatus();
  }

  absl::Status RunSynthetic(const SyntheticWorld& world) {
    absl::Status status = ReadLog();
    if (!status.ok()) return status;
    if (state_.interactions.size() > 0 || state_.items.size() > 0) {
      return absl::FailedPreconditionError(
          absl::StrCat("--synthetic: ", config_.store().data_dir(),
                       " is not empty; give it a new --data-dir"));
    }
    if (world.dim != static_cast<size_t>(config_.trainer().dim())) {
      return absl::FailedPreconditionError(
          absl::StrCat("--synthetic: dim=", world.dim, ", but trainer.dim is ",
                       config_.trainer().dim()));
    }
    status = FillStore(world, store_.get());
    if (!status.ok()) return status;
    synthetic_ = std::make_unique<SyntheticSnapshots>(
        world, state_.interactions.last_sequence(), publisher_.get());
    quality_->Start();
    return absl::OkStatus();
  }

  absl::Status ReadLog() {
    const absl::Time start = absl::Now();
    absl::Time last_report = start;
    absl::Status status = store_->Replay([&](uint64_t read, uint64_t of) {
      context_.log_read_percent = ReadPercent(read, of);
      if (absl::Now() - last_report < absl::Seconds(1)) return;
      last_report = absl::Now();
      Log(LogLevel::kInfo, "reading the log",
          {{"events", absl::StrCat(read)}, {"of", absl::StrCat(of)}});
    });
    if (!status.ok()) return status;
    Log(LogLevel::kInfo, "log read",
        {{"events", absl::StrCat(state_.interactions.size())},
         {"users", absl::StrCat(state_.users.size())},
         {"items", absl::StrCat(state_.items.size())},
         {"seconds",
          absl::StrCat(absl::ToDoubleSeconds(absl::Now() - start))}});
    auto resumed = upkeep_->ResumeTraining();
    if (!resumed.ok()) return resumed.status();
    if (!*resumed && warm_) upkeep_->SetResumedFrom("snapshot");
    context_.log_read_percent = 100;
    context_.phase = Phase::kServing;
    front_->UpdateHealth();
    return absl::OkStatus();
  }

  void Drain() {
    if (context_.phase.exchange(Phase::kDraining) == Phase::kDraining) return;
    const absl::Time deadline =
        absl::Now() + absl::Seconds(config_.server().drain_seconds());
    if (Listens()) {
      Log(LogLevel::kInfo, "draining",
          {{"seconds", absl::StrCat(config_.server().drain_seconds())}});
    }
    RunDrain(StepsOfDrain(), deadline);
    if (Listens()) Log(LogLevel::kInfo, "stopped");
  }

  // Of the parts there are.
  DrainSteps StepsOfDrain() {
    DrainSteps steps;
    if (Listens()) {
      steps.say_not_serving = [this] { front_->UpdateHealth(); };
      steps.call_off_backup = [this] { upkeep_->CallOffBackup(); };
      steps.end_streams = [this] { front_->EndStreams(); };
      steps.finish_calls = [this](absl::Time by) { front_->FinishCalls(by); };
    }
    steps.stop_watching = [this] {
      synthetic_.reset();
      if (quality_ != nullptr) quality_->Stop();
    };
    steps.stop_pages = [this] {
      if (front_ != nullptr) front_->StopPages();
      if (history_ != nullptr) history_->Stop();
    };
    if (trainer_ != nullptr) {
      steps.publish_last = [this](absl::Time by) { PublishLast(by); };
      steps.stop_learning = [this] { trainer_->Stop(); };
    }
    if (upkeep_ != nullptr) {
      steps.save_training = [this] {
        upkeep_->Stop(trainer_->StateWhenStopped());
      };
    }
    if (publisher_ != nullptr) {
      steps.stop_publishing = [this] { publisher_->Stop(); };
    }
    if (batcher_ != nullptr) {
      steps.stop_searching = [this] { batcher_->Stop(); };
    }
    if (store_ != nullptr) steps.close_log = [this] { store_->Close(); };
    return steps;
  }

  std::string Summary() const {
    const std::shared_ptr<const ServingModel> serving = slot_.Get();
    const std::string refusing = store_->stats().refusing;
    return absl::StrCat(
        serving == nullptr
            ? "no snapshot yet"
            : absl::StrCat("serving snapshot ", serving->snapshot->version),
        publisher_->pinned() != 0 ? ", pinned" : "", "; trained through ",
        trainer_->status().trained_through, " of ",
        state_.interactions.last_sequence(), " interactions",
        refusing.empty() ? "" : absl::StrCat("; refuses writes: ", refusing));
  }

  int grpc_port() const { return front_->grpc_port(); }
  int http_port() const { return front_->http_port(); }

 private:
  bool Listens() const { return front_ != nullptr && front_->listening(); }

  absl::Status OpenStore() {
    const std::string& data_dir = config_.store().data_dir();
    absl::Status status = store::CheckDataDirectory(data_dir);
    if (!status.ok()) return status;
    store::EventStore::Options options = StoreOptions(config_);
    options.format_found = [data_dir](int format, bool has_data) {
      return store::MarkOpenedDirectory(data_dir, format, has_data);
    };
    auto store = store::EventStore::Open(options, &state_);
    if (!store.ok()) return store.status();
    store_ = *std::move(store);
    return absl::OkStatus();
  }

  absl::Status MakeParts() {
    MakeQualityWatch();
    absl::Status status = MakePublisher();
    if (!status.ok()) return status;
    auto restored = publisher_->Restore(store_->log_end());
    if (!restored.ok()) return restored.status();
    status = MakeTrainer(*restored);
    if (!status.ok()) return status;
    MakeBatcher();
    MakeUpkeep();
    FillContext();
    MakeHistory();
    publisher_->Start();
    return absl::OkStatus();
  }

  void MakeQualityWatch() {
    QualityWatch::Callbacks callbacks;
    callbacks.on_fall = [this](std::shared_ptr<const ServingModel> good,
                               model::SnapshotVersion bad, std::string why) {
      // Draining: it is too late to matter.
      publisher_->TakeBack(std::move(good), bad, std::move(why)).IgnoreError();
    };
    callbacks.on_figures = [this](model::SnapshotVersion version,
                                  const v1::LiveFigures& figures) {
      publisher_->records()->SetQuality(version, figures);
    };
    callbacks.on_error = [](const absl::Status& error) {
      Log(LogLevel::kError, "live quality was not looked at",
          {{"error", std::string(error.message())}});
    };
    quality_ = std::make_unique<QualityWatch>(QualityOptions(config_), &state_,
                                              std::move(callbacks));
  }

  absl::Status MakePublisher() {
    auto options = PublisherOptions(config_);
    if (!options.ok()) return options.status();
    Publisher::Options& publisher = *options;
    publisher.index.on_gpu_error = [this](const absl::Status& error) {
      context_.index_gpu_errors.fetch_add(1);
      Log(LogLevel::kWarning, "searching on the GPU failed; the CPU answers",
          {{"error", std::string(error.message())}});
    };
    publisher.compared_with = [this] { return quality_->reference(); };
    publisher.on_decision = [this](v1::Decision::Kind decided) {
      metrics_.CountDecision(decided);
    };
    publisher_ = std::make_unique<Publisher>(
        publisher, &state_, &slot_, [this](Publisher::SwapKind how) {
          quality_->OnSwap(slot_.Get(), SwapOf(how));
          OnSwap();
        });
    return absl::OkStatus();
  }

  // It goes on from `restored`; null: there is nothing to go on from.
  absl::Status MakeTrainer(
      const std::shared_ptr<const model::Snapshot>& restored) {
    trainer::OnlineTrainerOptions options = TrainerOptions(config_);
    options.on_gpu_error = [](const std::string& error) {
      Log(LogLevel::kWarning, "learning on the GPU failed; the CPU goes on",
          {{"error", error}});
    };
    auto trainer = trainer::OnlineTrainer::Create(
        options, &state_.interactions,
        [this](std::unique_ptr<model::Snapshot> snapshot) {
          metrics_.NoteTrained(snapshot->trained_through);
          publisher_->Offer(std::move(snapshot));
        });
    if (!trainer.ok()) return trainer.status();
    trainer_ = *std::move(trainer);
    trainer_->SetCheckpoint(
        [this](std::unique_ptr<model::TrainingState> state) {
          upkeep_->OfferCheckpoint(std::move(state));
        });
    warm_ = restored != nullptr;
    if (restored == nullptr) return absl::OkStatus();
    absl::Status status = trainer_->WarmStart(*restored);
    if (!status.ok()) return status;
    Log(LogLevel::kInfo, "snapshot restored",
        {{"version", absl::StrCat(restored->version)},
         {"trained_through", absl::StrCat(restored->trained_through)}});
    return absl::OkStatus();
  }

  void MakeBatcher() {
    Batcher::Options batcher = BatcherOptions(config_);
    batcher.observer = [lists = quality_->lists()](
                           const std::shared_ptr<const ServingModel>& model,
                           const RecommendTask& task,
                           const Recommendation& answer) {
      lists->Offer(*model, task, answer);
    };
    batcher_ = std::make_unique<Batcher>(batcher, &state_, &slot_);
  }

  void MakeUpkeep() {
    Upkeep::Options upkeep = UpkeepOptions(config_);
    upkeep.watched = [this] {
      front_->UpdateHealth();
      call_log_.SayLeftOut();
    };
    upkeep_ = std::make_unique<Upkeep>(upkeep, &state_, store_.get(),
                                       publisher_.get(), trainer_.get());
  }

  void MakeHistory() {
    history_ = std::make_unique<HistoryKeeper>(
        HistoryOptions(config_), [this] { return ReportStatus(context_); },
        &figures_);
    context_.history = history_.get();
    context_.calls.figures = &figures_;
  }

  // What the services and pages may ask of.
  void FillContext() {
    SetConstants(config_, &context_);
    context_.upkeep = upkeep_.get();
    context_.state = &state_;
    context_.store = store_.get();
    context_.trainer = trainer_.get();
    context_.slot = &slot_;
    context_.publisher = publisher_.get();
    context_.batcher = batcher_.get();
    context_.quality = quality_.get();
    metrics_.SetQuality([this] { return ReportQuality(context_); });
    context_.metrics = &metrics_;
    context_.rates = &rates_;
    context_.calls.metrics = &metrics_;
    context_.calls.log = &call_log_;
    context_.calls.gate = door_->gate();
    context_.calls.audit = door_->audit();
    context_.files = door_->files();
    context_.calls.memory = &memory_;
    context_.calls.answers = &answers_;
  }

  // Something else serves, or nothing does. The publisher's thread.
  void OnSwap() {
    front_->UpdateHealth();
    const std::shared_ptr<const ServingModel> model = slot_.Get();
    if (model == nullptr) return;
    metrics_.NoteServable(model->snapshot->trained_through);
  }

  // A last snapshot of what was learnt; Publisher::Stop saves it.
  void PublishLast(absl::Time deadline) {
    LastSnapshot last;
    last.pinned = publisher_->pinned() != 0;
    const std::shared_ptr<const ServingModel> serving = slot_.Get();
    if (serving != nullptr) last.serving = serving->snapshot->trained_through;
    last.trained = trainer_->status().trained_through;
    if (!WantsLastSnapshot(last)) return;
    auto published = std::make_shared<absl::Notification>();
    const absl::Status status = publisher_->PublishNow(
        [this] { return trainer_->RequestPublish(); },
        [published](const absl::StatusOr<Published>&) { published->Notify(); });
    if (!status.ok()) return;  // nothing learnt, nothing to lose
    published->WaitForNotificationWithDeadline(
        WaitForLastUntil(deadline, absl::Now()));
  }

  const config::v1::Config config_;
  model::State state_;
  ServingSlot slot_;
  Metrics metrics_;
  CallLog call_log_;
  ClientRates rates_;
  MemoryBudget memory_;
  CallFigures figures_;
  DaemonContext context_;
  AnswerDeadlines answers_;
  std::unique_ptr<Door> door_;

  // Each uses those before it; destroyed in the opposite order.
  std::unique_ptr<store::EventStore> store_;
  std::unique_ptr<QualityWatch> quality_;
  std::unique_ptr<Publisher> publisher_;
  std::unique_ptr<trainer::OnlineTrainer> trainer_;
  std::unique_ptr<Upkeep> upkeep_;
  std::unique_ptr<SyntheticSnapshots> synthetic_;
  std::unique_ptr<Batcher> batcher_;
  std::unique_ptr<HistoryKeeper> history_;
  std::unique_ptr<Front> front_;  // made before all that tell it
  bool warm_ = false;             // training begins from a snapshot
};

Daemon::Daemon(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Daemon::~Daemon() = default;

absl::StatusOr<std::unique_ptr<Daemon>> Daemon::Start(
    const config::v1::Config& config) {
  auto impl = std::make_unique<Impl>(config);
  absl::Status status = impl->Start();
  if (!status.ok()) return status;
  return std::unique_ptr<Daemon>(new Daemon(std::move(impl)));
}

absl::Status Daemon::Run() { return impl_->Run(); }
absl::Status Daemon::RunSynthetic(const SyntheticWorld& world) {
  return impl_->RunSynthetic(world);
}
void Daemon::Drain() { impl_->Drain(); }
std::string Daemon::Summary() const { return impl_->Summary(); }
int Daemon::grpc_port() const { return impl_->grpc_port(); }
int Daemon::http_port() const { return impl_->http_port(); }

}  // namespace taud::server
