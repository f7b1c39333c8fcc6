#ifndef TAUD_TESTS_SERVER_OBSERVE_FAMILY_TEXT_H_
#define TAUD_TESTS_SERVER_OBSERVE_FAMILY_TEXT_H_

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "prometheus/metric_family.h"
#include "prometheus/text_serializer.h"

namespace taud::server {

// The lines that Prometheus would read, without help.
inline std::vector<std::string> FamilyText(
    const std::vector<prometheus::MetricFamily>& families) {
  std::vector<std::string> lines;
  const std::string text = prometheus::TextSerializer().Serialize(families);
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (line.empty() || absl::StartsWith(line, "# HELP")) continue;
    lines.emplace_back(line);
  }
  return lines;
}

}  // namespace taud::server

#endif  // TAUD_TESTS_SERVER_OBSERVE_FAMILY_TEXT_H_
