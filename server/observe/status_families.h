#ifndef TAUD_SERVER_OBSERVE_STATUS_FAMILIES_H_
#define TAUD_SERVER_OBSERVE_STATUS_FAMILIES_H_

#include <cstdint>
#include <vector>

#include "prometheus/metric_family.h"
#include "taud/v1/model_service.pb.h"

namespace taud::server {

// Interactions that were acknowledged and that the serving snapshot has not
// learnt; while nothing serves, those that wait to be learnt.
uint64_t SnapshotLag(const v1::Status& status);

// A status as Prometheus reads it. What there is none of yet (a snapshot, a
// checkpoint) has no series of its time. Pure; docs/metrics.md lists them.
std::vector<prometheus::MetricFamily> StatusFamilies(const v1::Status& status);

}  // namespace taud::server

#endif  // TAUD_SERVER_OBSERVE_STATUS_FAMILIES_H_
