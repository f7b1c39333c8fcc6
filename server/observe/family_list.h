#ifndef TAUD_SERVER_OBSERVE_FAMILY_LIST_H_
#define TAUD_SERVER_OBSERVE_FAMILY_LIST_H_

#include <string>
#include <utility>
#include <vector>

#include "prometheus/client_metric.h"
#include "prometheus/metric_family.h"

namespace taud::server {

// Metrics that are read from a message when Prometheus asks, put together one
// by one. Those of one name stand one behind the other; the first one's help
// counts. Plain data, one thread's.
class FamilyList {
 public:
  using Labels = std::vector<prometheus::ClientMetric::Label>;

  // A value that goes up and down, and one that only grows.
  void Gauge(const char* name, const char* help, double value,
             Labels labels = {}) {
    Add(prometheus::MetricType::Gauge, name, help, std::move(labels))
        .gauge.value = value;
  }
  void Counter(const char* name, const char* help, double value,
               Labels labels = {}) {
    Add(prometheus::MetricType::Counter, name, help, std::move(labels))
        .counter.value = value;
  }
  void Histogram(const char* name, const char* help,
                 prometheus::ClientMetric::Histogram histogram) {
    Add(prometheus::MetricType::Histogram, name, help, {}).histogram =
        std::move(histogram);
  }

  std::vector<prometheus::MetricFamily> Take() { return std::move(families_); }

 private:
  prometheus::ClientMetric& Add(prometheus::MetricType type,
                                const std::string& name, const char* help,
                                Labels labels) {
    if (families_.empty() || families_.back().name != name) {
      families_.push_back({name, help, type, {}});
    }
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    families_.back().metric.push_back(std::move(metric));
    return families_.back().metric.back();
  }

  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_OBSERVE_FAMILY_LIST_H_
