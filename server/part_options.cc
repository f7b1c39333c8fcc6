#include "server/part_options.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "device/device.h"
#include "store/files/data_directory.h"

namespace taud::server {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr int64_t kHourMs = 60 * 60 * 1000;
// Descriptors that connections leave to files and pages.
constexpr size_t kMostReserve = 1024;

uint64_t Mebibytes(int32_t count) {
  return static_cast<uint64_t>(count) * kMiB;
}

store::IdBounds BoundsOf(const config::v1::Config& config) {
  return {static_cast<size_t>(config.store().max_users()),
          static_cast<size_t>(config.store().max_items())};
}

}  // namespace

store::EventStore::Options StoreOptions(const config::v1::Config& config) {
  store::EventStore::Options options;
  options.directory = store::LogIn(config.store().data_dir());
  options.max_queued = static_cast<size_t>(config.ingestion().max_queue());
  options.max_queued_bytes = Mebibytes(config.ingestion().max_queue_mib());
  options.dedup_window_ms = config.ingestion().dedup_hours() * kHourMs;
  options.min_free_bytes = Mebibytes(config.store().min_free_mib());
  options.ids = BoundsOf(config);
  return options;
}

QualityWatch::Options QualityOptions(const config::v1::Config& config) {
  QualityWatch::Options options;
  options.evaluation_share = config.quality().evaluation_percent() / 100;
  options.automatic_rollback = config.quality().automatic_rollback();
  return options;
}

absl::StatusOr<Publisher::Options> PublisherOptions(
    const config::v1::Config& config) {
  Publisher::Options options;
  options.shelf.directory = store::SnapshotsIn(config.store().data_dir());
  options.shelf.keep = static_cast<size_t>(config.store().keep_snapshots());
  options.shelf.keep_hourly =
      static_cast<size_t>(config.store().keep_hourly_snapshots());
  options.shelf.keep_daily =
      static_cast<size_t>(config.store().keep_daily_snapshots());
  options.shelf.max_bytes = Mebibytes(config.store().max_snapshot_mib());
  options.shelf.min_free_bytes = Mebibytes(config.store().min_free_mib());
  options.save_interval = absl::Seconds(config.store().snapshot_save_seconds());
  options.dim = static_cast<size_t>(config.trainer().dim());
  const auto kind = index::ParseIndexKind(config.serving().index());
  if (!kind.ok()) return kind.status();
  options.index.kind = *kind;
  const auto device =
      device::ParseWish("serving.device", config.serving().device());
  if (!device.ok()) return device.status();
  const auto place = device::Resolve("serving.device", *device);
  if (!place.ok()) return place.status();
  options.index.device = *device;
  options.index.min_recall = config.serving().min_recall();
  options.index.publish_seconds =
      config.trainer().publish_interval_ms() / 1000.0;
  return options;
}

trainer::OnlineTrainerOptions TrainerOptions(const config::v1::Config& config) {
  const config::v1::Trainer& trainer = config.trainer();
  trainer::OnlineTrainerOptions options;
  options.dim = trainer.dim();
  options.device = trainer.device();
  options.threads =
      trainer.threads() > 0
          ? trainer.threads()
          : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  options.batch_rows = trainer.batch_rows();
  options.negatives = trainer.negatives();
  options.learning_rate = trainer.learning_rate();
  options.neighbours = trainer.neighbours();
  options.publish_interval = absl::Milliseconds(trainer.publish_interval_ms());
  options.seed = static_cast<uint64_t>(trainer.seed());
  options.deterministic = trainer.schedule() == "deterministic";
  options.checkpoint_interval =
      absl::Seconds(config.store().checkpoint_seconds());
  return options;
}

Batcher::Options BatcherOptions(const config::v1::Config& config) {
  Batcher::Options options;
  options.threads = config.serving().threads();
  options.max_batch = static_cast<size_t>(config.serving().max_batch());
  options.max_queue = static_cast<size_t>(config.serving().max_queue());
  options.max_wait = absl::Milliseconds(config.serving().max_wait_ms());
  options.max_delay = absl::Microseconds(config.serving().max_delay_us());
  return options;
}

Upkeep::Options UpkeepOptions(const config::v1::Config& config) {
  Upkeep::Options options;
  options.data_dir = config.store().data_dir();
  options.keep_checkpoints =
      static_cast<size_t>(config.store().keep_checkpoints());
  options.min_free_bytes = Mebibytes(config.store().min_free_mib());
  options.retention.max_age_ms =
      config.store().retain_log_days() * 24 * kHourMs;
  options.retention.max_bytes = Mebibytes(config.store().retain_log_mib());
  return options;
}

HistoryKeeper::Options HistoryOptions(const config::v1::Config& config) {
  HistoryKeeper::Options options;
  options.path = store::HistoryIn(config.store().data_dir());
  options.min_free_bytes = Mebibytes(config.store().min_free_mib());
  return options;
}

Acceptor::Options AcceptorOptions(const config::v1::Config& config,
                                  size_t descriptors) {
  Acceptor::Options options;
  options.max_connections =
      static_cast<size_t>(config.server().max_connections());
  options.max_per_host =
      static_cast<size_t>(config.server().max_connections_per_host());
  options.max_new_per_host =
      static_cast<size_t>(config.server().max_new_connections_per_host());
  options.descriptors = descriptors;
  options.reserve = std::min(kMostReserve, descriptors / 4);
  return options;
}

void SetConstants(const config::v1::Config& config, DaemonContext* context) {
  context->backup_root = config.store().backup_root();
  context->data_dir =
      std::filesystem::absolute(config.store().data_dir()).string();
  context->open_metrics = config.auth().open_metrics();
  context->insecure = config.server().insecure();
  context->ready_before_history = config.serving().ready_before_history();
  context->min_free_bytes = Mebibytes(config.store().min_free_mib());
  context->max_queued = static_cast<uint64_t>(config.ingestion().max_queue());
  context->max_queued_bytes = Mebibytes(config.ingestion().max_queue_mib());
  context->calls.max_message_bytes =
      static_cast<size_t>(config.server().max_message_bytes());
  context->calls.max_response_bytes =
      static_cast<size_t>(config.server().max_response_bytes());
  context->calls.paths = {context->data_dir, config.store().data_dir()};
  context->id_bounds = BoundsOf(config);
  context->max_catalogue_bytes = Mebibytes(config.store().max_catalogue_mib());
  context->calls.default_deadline =
      absl::Milliseconds(config.serving().default_deadline_ms());
}

}  // namespace taud::server
