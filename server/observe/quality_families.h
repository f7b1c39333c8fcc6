#ifndef TAUD_SERVER_OBSERVE_QUALITY_FAMILIES_H_
#define TAUD_SERVER_OBSERVE_QUALITY_FAMILIES_H_

#include <vector>

#include "prometheus/metric_family.h"
#include "taud/v1/model_service.pb.h"

namespace taud::server {

// How good the model is, as Prometheus reads it. Parts that are not known have
// no series; an estimate of no events has none either. Pure; docs/metrics.md
// lists them.
std::vector<prometheus::MetricFamily> QualityFamilies(
    const v1::Quality& quality);

}  // namespace taud::server

#endif  // TAUD_SERVER_OBSERVE_QUALITY_FAMILIES_H_
