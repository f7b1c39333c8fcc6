#ifndef TAUD_SERVER_PART_OPTIONS_H_
#define TAUD_SERVER_PART_OPTIONS_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "server/api/daemon_context.h"
#include "server/api/history_keeper.h"
#include "server/lifecycle/publisher.h"
#include "server/lifecycle/upkeep.h"
#include "server/quality/quality_watch.h"
#include "server/rpc/acceptor.h"
#include "server/serving/batcher.h"
#include "store/log/event_store.h"
#include "taud/config/v1/config.pb.h"
#include "trainer/online/trainer_options.h"

namespace taud::server {

// What each part of the daemon is given of the configuration: units become
// types, and what is said once is told to every part that asks. Plain functions
// of the configuration, but for PublisherOptions, which asks for the devices
// that there are. Callbacks are left to who puts the parts together.

store::EventStore::Options StoreOptions(const config::v1::Config& config);
QualityWatch::Options QualityOptions(const config::v1::Config& config);
// INVALID_ARGUMENT or UNAVAILABLE, naming serving.index or serving.device.
absl::StatusOr<Publisher::Options> PublisherOptions(
    const config::v1::Config& config);
trainer::OnlineTrainerOptions TrainerOptions(const config::v1::Config& config);
Batcher::Options BatcherOptions(const config::v1::Config& config);
Upkeep::Options UpkeepOptions(const config::v1::Config& config);
HistoryKeeper::Options HistoryOptions(const config::v1::Config& config);
// `descriptors`: that the process may have.
Acceptor::Options AcceptorOptions(const config::v1::Config& config,
                                  size_t descriptors);
// What is constant in the context, but for the parts.
void SetConstants(const config::v1::Config& config, DaemonContext* context);

}  // namespace taud::server

#endif  // TAUD_SERVER_PART_OPTIONS_H_
