#include "server/daemon.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "device/device.h"
#include "grpc/health/v1/health.pb.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/health_check_service_interface.h"
#include "server/api/catalog_service.h"
#include "server/api/daemon_context.h"
#include "server/api/history_keeper.h"
#include "server/api/http_server.h"
#include "server/api/ingestion_service.h"
#include "server/api/model_service.h"
#include "server/api/recommendation_service.h"
#include "server/api/status_report.h"
#include "server/door.h"
#include "server/lifecycle/backup_place.h"
#include "server/lifecycle/drain.h"
#include "server/observe/grpc_log.h"
#include "server/observe/logging.h"
#include "server/rpc/acceptor.h"
#include "server/rpc/answer_deadlines.h"
#include "server/rpc/transport.h"
#include "store/files/data_directory.h"

namespace taud::server {
namespace {

trainer::OnlineTrainerOptions TrainerOptions(
    const config::v1::Trainer& config) {
  trainer::OnlineTrainerOptions options;
  options.dim = config.dim();
  options.device = config.device();
  options.threads =
      config.threads() > 0
          ? config.threads()
          : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  options.batch_rows = config.batch_rows();
  options.negatives = config.negatives();
  options.learning_rate = config.learning_rate();
  options.neighbours = config.neighbours();
  options.publish_interval = absl::Milliseconds(config.publish_interval_ms());
  options.seed = static_cast<uint64_t>(config.seed());
  options.deterministic = config.schedule() == "deterministic";
  return options;
}

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr int64_t kHourMs = 60 * 60 * 1000;
// Descriptors that connections leave to files and pages.
constexpr size_t kMostReserve = 1024;

uint64_t Mebibytes(int32_t count) {
  return static_cast<uint64_t>(count) * kMiB;
}

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
    descriptors_ = RaiseDescriptorLimit();
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
    absl::Status status = CheckBackupRoot(config_.store().backup_root());
    if (status.ok()) status = OpenStore();
    if (status.ok()) status = MakeParts();
    if (status.ok()) status = Listen();
    return status;
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
    UpdateHealth();
    return absl::OkStatus();
  }

  void Drain() {
    if (context_.phase.exchange(Phase::kDraining) == Phase::kDraining) return;
    const absl::Time deadline =
        absl::Now() + absl::Seconds(config_.server().drain_seconds());
    if (server_ != nullptr) {
      Log(LogLevel::kInfo, "draining",
          {{"seconds", absl::StrCat(config_.server().drain_seconds())}});
    }
    RunDrain(StepsOfDrain(), deadline);
    if (server_ != nullptr) Log(LogLevel::kInfo, "stopped");
  }

  // Of the parts there are.
  DrainSteps StepsOfDrain() {
    DrainSteps steps;
    if (server_ != nullptr) {
      steps.say_not_serving = [this] { UpdateHealth(); };
      steps.call_off_backup = [this] { upkeep_->CallOffBackup(); };
      steps.end_streams = [this] {
        ingestion_->Drain();
        model_service_->Drain();
      };
      steps.finish_calls = [this](absl::Time deadline) {
        acceptor_->Stop();
        server_->Shutdown(absl::ToChronoTime(deadline));
        server_->Wait();
        queues_->Stop();
      };
    }
    steps.stop_watching = [this] {
      synthetic_.reset();
      if (quality_ != nullptr) quality_->Stop();
    };
    steps.stop_pages = [this] {
      if (http_ != nullptr) http_->Stop();
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

  int grpc_port() const { return acceptor_->port(); }
  int http_port() const { return http_->port(); }

 private:
  store::IdBounds IdBounds() const {
    return {static_cast<size_t>(config_.store().max_users()),
            static_cast<size_t>(config_.store().max_items())};
  }

  absl::Status OpenStore() {
    const std::string& data_dir = config_.store().data_dir();
    absl::Status status = store::CheckDataDirectory(data_dir);
    if (!status.ok()) return status;
    store::EventStore::Options options;
    options.directory = store::LogIn(data_dir);
    options.max_queued = static_cast<size_t>(config_.ingestion().max_queue());
    options.max_queued_bytes = Mebibytes(config_.ingestion().max_queue_mib());
    options.dedup_window_ms = config_.ingestion().dedup_hours() * kHourMs;
    options.min_free_bytes = Mebibytes(config_.store().min_free_mib());
    options.ids = IdBounds();
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
    QualityWatch::Options options;
    options.evaluation_share = config_.quality().evaluation_percent() / 100;
    options.automatic_rollback = config_.quality().automatic_rollback();
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
    quality_ =
        std::make_unique<QualityWatch>(options, &state_, std::move(callbacks));
  }

  absl::Status MakePublisher() {
    Publisher::Options publisher;
    publisher.shelf.directory = store::SnapshotsIn(config_.store().data_dir());
    publisher.shelf.keep =
        static_cast<size_t>(config_.store().keep_snapshots());
    publisher.shelf.keep_hourly =
        static_cast<size_t>(config_.store().keep_hourly_snapshots());
    publisher.shelf.keep_daily =
        static_cast<size_t>(config_.store().keep_daily_snapshots());
    publisher.shelf.max_bytes = Mebibytes(config_.store().max_snapshot_mib());
    publisher.shelf.min_free_bytes = Mebibytes(config_.store().min_free_mib());
    publisher.save_interval =
        absl::Seconds(config_.store().snapshot_save_seconds());
    publisher.dim = static_cast<size_t>(config_.trainer().dim());
    const auto kind = index::ParseIndexKind(config_.serving().index());
    if (!kind.ok()) return kind.status();
    publisher.index.kind = *kind;
    const auto device =
        device::ParseWish("serving.device", config_.serving().device());
    if (!device.ok()) return device.status();
    const auto place = device::Resolve("serving.device", *device);
    if (!place.ok()) return place.status();
    publisher.index.device = *device;
    publisher.index.on_gpu_error = [this](const absl::Status& error) {
      context_.index_gpu_errors.fetch_add(1);
      Log(LogLevel::kWarning, "searching on the GPU failed; the CPU answers",
          {{"error", std::string(error.message())}});
    };
    publisher.index.min_recall = config_.serving().min_recall();
    publisher.index.publish_seconds =
        config_.trainer().publish_interval_ms() / 1000.0;
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
    trainer::OnlineTrainerOptions options = TrainerOptions(config_.trainer());
    options.checkpoint_interval =
        absl::Seconds(config_.store().checkpoint_seconds());
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
    Batcher::Options batcher;
    batcher.threads = config_.serving().threads();
    batcher.max_batch = static_cast<size_t>(config_.serving().max_batch());
    batcher.max_queue = static_cast<size_t>(config_.serving().max_queue());
    batcher.max_wait = absl::Milliseconds(config_.serving().max_wait_ms());
    batcher.max_delay = absl::Microseconds(config_.serving().max_delay_us());
    batcher.observer = [lists = quality_->lists()](
                           const std::shared_ptr<const ServingModel>& model,
                           const RecommendTask& task,
                           const Recommendation& answer) {
      lists->Offer(*model, task, answer);
    };
    batcher_ = std::make_unique<Batcher>(batcher, &state_, &slot_);
  }

  void MakeUpkeep() {
    Upkeep::Options upkeep;
    upkeep.data_dir = config_.store().data_dir();
    upkeep.keep_checkpoints =
        static_cast<size_t>(config_.store().keep_checkpoints());
    upkeep.min_free_bytes = Mebibytes(config_.store().min_free_mib());
    upkeep.retention.max_age_ms =
        config_.store().retain_log_days() * 24 * kHourMs;
    upkeep.retention.max_bytes = Mebibytes(config_.store().retain_log_mib());
    upkeep.watched = [this] {
      UpdateHealth();
      call_log_.SayLeftOut();
    };
    upkeep_ = std::make_unique<Upkeep>(upkeep, &state_, store_.get(),
                                       publisher_.get(), trainer_.get());
  }

  void MakeHistory() {
    HistoryKeeper::Options history;
    history.path = store::HistoryIn(config_.store().data_dir());
    history.min_free_bytes = Mebibytes(config_.store().min_free_mib());
    history_ = std::make_unique<HistoryKeeper>(
        history, [this] { return ReportStatus(context_); }, &figures_);
    context_.history = history_.get();
    context_.calls.figures = &figures_;
  }

  // What the services and pages may ask of.
  void FillContext() {
    context_.upkeep = upkeep_.get();
    context_.backup_root = config_.store().backup_root();
    context_.data_dir =
        std::filesystem::absolute(config_.store().data_dir()).string();
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
    context_.open_metrics = config_.auth().open_metrics();
    context_.insecure = config_.server().insecure();
    context_.ready_before_history = config_.serving().ready_before_history();
    context_.min_free_bytes = Mebibytes(config_.store().min_free_mib());
    context_.max_queued =
        static_cast<uint64_t>(config_.ingestion().max_queue());
    context_.max_queued_bytes = Mebibytes(config_.ingestion().max_queue_mib());
    context_.calls.memory = &memory_;
    context_.calls.answers = &answers_;
    context_.calls.max_message_bytes =
        static_cast<size_t>(config_.server().max_message_bytes());
    context_.calls.max_response_bytes =
        static_cast<size_t>(config_.server().max_response_bytes());
    context_.calls.paths = {context_.data_dir, config_.store().data_dir()};
    context_.id_bounds = IdBounds();
    context_.max_catalogue_bytes =
        Mebibytes(config_.store().max_catalogue_mib());
    context_.calls.default_deadline =
        absl::Milliseconds(config_.serving().default_deadline_ms());
  }

  absl::Status Listen() {
    auto http = HttpServer::Bind(
        config_.server().http_address(), config_.server().http_hosts(),
        config_.server().http_cors_origins(), &context_);
    if (!http.ok()) return http.status();
    http_ = *std::move(http);

    ingestion_ = std::make_unique<IngestionServiceImpl>(
        &context_,
        static_cast<size_t>(config_.ingestion().max_unacknowledged()));
    store::EventStore::Listener listener;
    listener.room = [this] { ingestion_->WakeWaiting(); };
    listener.erasure_found = [this] { upkeep_->Notify(); };
    store_->SetListener(std::move(listener));
    recommendation_ = std::make_unique<RecommendationServiceImpl>(&context_);
    catalog_ = std::make_unique<CatalogServiceImpl>(&context_);
    model_service_ = std::make_unique<ModelServiceImpl>(&context_);

    absl::Status bound = BindGrpc();
    if (!bound.ok()) return bound;
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    // Named, so that it is linked in: reflection describes what it finds.
    grpc::health::v1::HealthCheckRequest::descriptor();
    grpc::ServerBuilder builder;
    ConfigureConnections(config_.server(), &builder);
    auto connections = builder.experimental().AddExternalConnectionAcceptor(
        grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
        door_->grpc_credentials());
    for (grpc::Service* service :
         {static_cast<grpc::Service*>(recommendation_.get()),
          static_cast<grpc::Service*>(ingestion_.get()),
          static_cast<grpc::Service*>(catalog_.get()),
          static_cast<grpc::Service*>(model_service_.get())}) {
      builder.RegisterService(service);
    }
    queues_ = std::make_unique<CallQueues>(CallQueueCount(), &builder);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) {
      return absl::InternalError("gRPC could not make a server");
    }
    recommendation_->Serve(queues_.get());
    acceptor_->Start(std::move(connections));
    history_->Start();
    http_->Start(server_->InProcessChannel(grpc::ChannelArguments()),
                 door_->tls());
    {
      absl::MutexLock lock(&health_mutex_);
      health_ = server_->GetHealthCheckService();
    }
    UpdateHealth();
    return absl::OkStatus();
  }

  absl::Status BindGrpc() {
    Acceptor::Options options;
    options.max_connections =
        static_cast<size_t>(config_.server().max_connections());
    options.max_per_host =
        static_cast<size_t>(config_.server().max_connections_per_host());
    options.descriptors = descriptors_;
    options.reserve = std::min(kMostReserve, descriptors_ / 4);
    options.refused = [this](Refusal why) { metrics_.CountRefused(why); };
    auto acceptor =
        Acceptor::Listen(config_.server().grpc_address(), std::move(options));
    if (!acceptor.ok()) {
      return absl::UnavailableError(absl::StrCat(
          "cannot listen on ", config_.server().grpc_address(),
          " (server.grpc_address): ", acceptor.status().message(),
          ": the address is in use or not of this host; "
          "stop the other program or choose another with --grpc-address"));
    }
    acceptor_ = *std::move(acceptor);
    return absl::OkStatus();
  }

  // Something else serves, or nothing does. The publisher's thread.
  void OnSwap() {
    UpdateHealth();
    const std::shared_ptr<const ServingModel> model = slot_.Get();
    if (model == nullptr) return;
    metrics_.NoteServable(model->snapshot->trained_through);
  }

  // Says of each service whether it answers. Any thread.
  void UpdateHealth() {
    absl::MutexLock lock(&health_mutex_);
    if (health_ == nullptr) return;
    const ServiceHealth health = HealthOf(StandingOf(context_));
    health_->SetServingStatus("taud.v1.RecommendationService",
                              health.recommendation);
    health_->SetServingStatus("taud.v1.IngestionService", health.ingestion);
    health_->SetServingStatus("taud.v1.CatalogService", health.catalog);
    health_->SetServingStatus("taud.v1.ModelService", health.model);
    health_->SetServingStatus("", health.whole);
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

  absl::Mutex health_mutex_;
  grpc::HealthCheckServiceInterface* health_ ABSL_GUARDED_BY(health_mutex_) =
      nullptr;

  // Each uses those before it; destroyed in the opposite order.
  std::unique_ptr<store::EventStore> store_;
  std::unique_ptr<QualityWatch> quality_;
  std::unique_ptr<Publisher> publisher_;
  std::unique_ptr<trainer::OnlineTrainer> trainer_;
  std::unique_ptr<Upkeep> upkeep_;
  std::unique_ptr<SyntheticSnapshots> synthetic_;
  std::unique_ptr<Batcher> batcher_;
  std::unique_ptr<HistoryKeeper> history_;
  std::unique_ptr<IngestionServiceImpl> ingestion_;
  std::unique_ptr<RecommendationServiceImpl> recommendation_;
  std::unique_ptr<CatalogServiceImpl> catalog_;
  std::unique_ptr<ModelServiceImpl> model_service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<CallQueues> queues_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<Acceptor> acceptor_;
  size_t descriptors_ = 0;  // that the process may have
  bool warm_ = false;       // training begins from a snapshot
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
