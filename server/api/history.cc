#include "server/api/history.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "store/files/crc32c.h"

namespace taud::server {
namespace {

constexpr int64_t kMinuteMs = 60000;
constexpr char kMagic[] = "taud history 1\n";

int64_t MinuteOf(const Sample& sample) { return sample.time_ms / kMinuteMs; }

void AppendBytes(const void* data, size_t size, std::string* to) {
  to->append(static_cast<const char*>(data), size);
}

// What a file of these figures begins with: other figures are another file.
std::string FileHead() {
  std::string head = kMagic;
  for (const FigureRule& rule : kFigureRules) {
    absl::StrAppend(&head, rule.name, "\n");
  }
  return head;
}

double ThinFigure(const std::deque<Sample>& samples, size_t f) {
  double sum = 0;
  double most = -std::numeric_limits<double>::infinity();
  double last = std::numeric_limits<double>::quiet_NaN();
  size_t known = 0;
  for (const Sample& sample : samples) {
    const double value = sample.figures[f];
    if (std::isnan(value)) continue;
    sum += value;
    most = std::max(most, value);
    last = value;
    ++known;
  }
  if (known == 0) return last;
  switch (kFigureRules[f].thinning) {
    case Thinning::kMean:
      return sum / static_cast<double>(known);
    case Thinning::kMost:
      return most;
    case Thinning::kLast:
      break;
  }
  return last;
}

}  // namespace

const std::array<FigureRule, kNumFigures> kFigureRules = {{
    {"hit_rate", Thinning::kMean},
    {"hit_rate_low", Thinning::kMean},
    {"hit_rate_high", Thinning::kMean},
    {"popularity_hit_rate", Thinning::kMean},
    {"ndcg", Thinning::kMean},
    {"answers_per_second", Thinning::kMean},
    {"errors_per_second", Thinning::kMean},
    {"answer_p50_seconds", Thinning::kMean},
    {"answer_p99_seconds", Thinning::kMost},
    {"interactions_per_second", Thinning::kMean},
    {"ack_p50_seconds", Thinning::kMean},
    {"ack_p99_seconds", Thinning::kMost},
    {"train_lag_seconds", Thinning::kMost},
    {"serve_lag_seconds", Thinning::kMost},
    {"backlog", Thinning::kMost},
    {"learnt_per_second", Thinning::kMean},
    {"loss", Thinning::kMean},
    {"gradient_norm", Thinning::kMean},
    {"tau0", Thinning::kMean},
    {"tau_user_p10", Thinning::kMean},
    {"tau_user_p50", Thinning::kMean},
    {"tau_user_p90", Thinning::kMean},
    {"snapshot_version", Thinning::kLast},
    {"users", Thinning::kLast},
    {"items", Thinning::kLast},
    {"resident_bytes", Thinning::kMost},
    {"free_bytes", Thinning::kLast},
}};

Sample Thin(const std::deque<Sample>& samples) {
  Sample thin;
  thin.time_ms = samples.back().time_ms;
  for (size_t f = 0; f < kNumFigures; ++f) {
    thin.figures[f] = ThinFigure(samples, f);
  }
  return thin;
}

void History::Add(const Sample& sample) {
  const std::deque<Sample>& newest = fine_.empty() ? coarse_ : fine_;
  if (!newest.empty() && sample.time_ms <= newest.back().time_ms) return;
  fine_.push_back(sample);
  while (fine_.size() > kFine) ThinOldest();
}

void History::ThinOldest() {
  const int64_t minute = MinuteOf(fine_.front());
  std::deque<Sample> together;
  while (!fine_.empty() && MinuteOf(fine_.front()) == minute) {
    together.push_back(fine_.front());
    fine_.pop_front();
  }
  coarse_.push_back(Thin(together));
  if (coarse_.size() > kCoarse) coarse_.pop_front();
}

std::string History::Json(int64_t since_ms) const {
  std::string json = "{\"figures\":[";
  for (size_t f = 0; f < kNumFigures; ++f) {
    absl::StrAppend(&json, f == 0 ? "\"" : ",\"", kFigureRules[f].name, "\"");
  }
  json += "],\"samples\":[";
  bool first = true;
  for (const std::deque<Sample>* samples : {&coarse_, &fine_}) {
    for (const Sample& sample : *samples) {
      if (sample.time_ms <= since_ms) continue;
      absl::StrAppend(&json, first ? "[" : ",[", sample.time_ms);
      first = false;
      for (const double value : sample.figures) {
        if (std::isfinite(value)) {
          absl::StrAppendFormat(&json, ",%.7g", value);
        } else {
          json += ",null";
        }
      }
      json += "]";
    }
  }
  json += "]}";
  return json;
}

std::string History::Encode() const {
  std::string bytes = FileHead();
  for (const std::deque<Sample>* samples : {&coarse_, &fine_}) {
    const uint64_t count = samples->size();
    AppendBytes(&count, sizeof(count), &bytes);
    for (const Sample& sample : *samples) {
      AppendBytes(&sample.time_ms, sizeof(sample.time_ms), &bytes);
      AppendBytes(sample.figures.data(), sizeof(sample.figures), &bytes);
    }
  }
  const uint32_t crc = store::ComputeCrc32c(bytes.data(), bytes.size());
  AppendBytes(&crc, sizeof(crc), &bytes);
  return bytes;
}

absl::StatusOr<History> History::Decode(absl::string_view bytes) {
  const std::string head = FileHead();
  uint32_t crc = 0;
  if (!absl::StartsWith(bytes, head) ||
      bytes.size() < head.size() + sizeof(crc)) {
    return absl::DataLossError("it is no history of these figures");
  }
  const absl::string_view body = bytes.substr(0, bytes.size() - sizeof(crc));
  std::memcpy(&crc, bytes.data() + body.size(), sizeof(crc));
  if (crc != store::ComputeCrc32c(body.data(), body.size())) {
    return absl::DataLossError("its checksum is wrong");
  }
  constexpr size_t kRow = sizeof(int64_t) + sizeof(Sample::figures);
  absl::string_view rest = body.substr(head.size());
  History history;
  for (std::deque<Sample>* samples : {&history.coarse_, &history.fine_}) {
    const size_t most = samples == &history.coarse_ ? kCoarse : kFine;
    uint64_t count = 0;
    if (rest.size() < sizeof(count))
      return absl::DataLossError("it is cut off");
    std::memcpy(&count, rest.data(), sizeof(count));
    rest.remove_prefix(sizeof(count));
    if (count > most || rest.size() < count * kRow) {
      return absl::DataLossError("it is cut off");
    }
    for (uint64_t i = 0; i < count; ++i) {
      Sample& sample = samples->emplace_back();
      std::memcpy(&sample.time_ms, rest.data(), sizeof(sample.time_ms));
      std::memcpy(sample.figures.data(), rest.data() + sizeof(sample.time_ms),
                  sizeof(sample.figures));
      rest.remove_prefix(kRow);
    }
  }
  return history;
}

void LagClock::See(double seconds, uint64_t last) {
  if (!sightings_.empty() && last <= sightings_.back().last) return;
  sightings_.push_back({seconds, last});
  if (sightings_.size() > kMost) sightings_.pop_front();
}

double LagClock::Lag(double seconds, uint64_t through) const {
  const auto oldest = std::upper_bound(
      sightings_.begin(), sightings_.end(), through,
      [](uint64_t value, const Sighting& s) { return value < s.last; });
  return oldest == sightings_.end() ? 0 : seconds - oldest->seconds;
}

}  // namespace taud::server
