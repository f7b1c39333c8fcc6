#include "server/api/history_keeper.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/observe/logging.h"
#include "server/rpc/errors.h"
#include "store/files/errno_status.h"
#include "store/files/free_space.h"
#include "store/files/synced_file.h"

namespace taud::server {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
// Twice what a full one needs.
constexpr uint64_t kMaxFileBytes = uint64_t{1} << 19;

double Seconds(absl::Time time) {
  return absl::ToDoubleSeconds(time - absl::UnixEpoch());
}

uint64_t SumOf(const LatencyCounts::Counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0});
}

double Count(uint64_t value) { return static_cast<double>(value); }

// Beside it, synced, renamed.
absl::Status WriteWhole(const std::string& path, const std::string& bytes) {
  const std::string temporary = absl::StrCat(path, ".tmp");
  store::SyncedFile file(temporary);
  file.Write(bytes);
  const auto written = file.Finish();
  if (!written.ok()) return written.status();
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    return store::ErrnoStatus(errno, "rename", temporary);
  }
  return store::SyncDirectory(
      std::filesystem::path(path).parent_path().string());
}

void FillLearning(const v1::TrainerStatus& trainer, Sample* sample) {
  Sample& s = *sample;
  s[Figure::kBacklog] = Count(trainer.backlog());
  s[Figure::kLearntPerSecond] = trainer.positives_per_second();
  const bool learns = trainer.steps() > 0;
  s[Figure::kLoss] = learns ? trainer.loss() : kUnknown;
  s[Figure::kGradientNorm] = learns ? trainer.gradient_norm() : kUnknown;
  s[Figure::kTau0] = learns ? trainer.tau0() : kUnknown;
  s[Figure::kTauUserP10] = learns ? trainer.tau_user_p10() : kUnknown;
  s[Figure::kTauUserP50] = learns ? trainer.tau_user_p50() : kUnknown;
  s[Figure::kTauUserP90] = learns ? trainer.tau_user_p90() : kUnknown;
}

void FillQuality(const v1::LiveFigures& quality, Sample* sample) {
  Sample& s = *sample;
  const bool known = quality.events() > 0;
  s[Figure::kHitRate] = known ? quality.hit_rate_10().value() : kUnknown;
  s[Figure::kHitRateLow] = known ? quality.hit_rate_10().low() : kUnknown;
  s[Figure::kHitRateHigh] = known ? quality.hit_rate_10().high() : kUnknown;
  s[Figure::kPopularityHitRate] =
      known ? quality.popularity_hit_rate_10() : kUnknown;
  s[Figure::kNdcg] = known ? quality.ndcg_10() : kUnknown;
}

}  // namespace

void Sampler::Watch(double seconds, const v1::Status& status) {
  lags_.See(seconds, status.log().last_sequence());
}

Sample Sampler::Take(double seconds, const v1::Status& status) {
  Watch(seconds, status);
  Totals now;
  now.seconds = seconds;
  now.answers = calls_->answers.Copy();
  now.acks = calls_->acks.Copy();
  now.failed = calls_->failed_answers.load(std::memory_order_relaxed);
  now.appended = status.log().appended();

  Sample sample;
  sample.figures.fill(kUnknown);
  sample.time_ms = status.now_ms();
  if (!first_) FillRates(now, &sample);
  FillLearning(status.trainer(), &sample);
  FillQuality(status.quality(), &sample);
  sample[Figure::kTrainLag] =
      lags_.Lag(seconds, status.trainer().trained_through());
  sample[Figure::kServeLag] =
      lags_.Lag(seconds, status.serving().snapshot_trained_through());
  sample[Figure::kSnapshotVersion] = Count(status.serving().snapshot_version());
  sample[Figure::kUsers] = Count(status.log().users());
  sample[Figure::kItems] = Count(status.log().items());
  sample[Figure::kResidentBytes] = Count(status.serving().resident_bytes());
  const uint64_t capacity = status.storage().capacity_bytes();
  sample[Figure::kFreeBytes] =
      capacity > 0 ? Count(status.storage().free_bytes()) : kUnknown;
  first_ = false;
  before_ = now;
  return sample;
}

void Sampler::FillRates(const Totals& now, Sample* sample) const {
  const double passed = std::max(now.seconds - before_.seconds, 1e-3);
  Sample& s = *sample;
  s[Figure::kAnswersPerSecond] =
      Count(SumOf(now.answers) - SumOf(before_.answers)) / passed;
  s[Figure::kErrorsPerSecond] = Count(now.failed - before_.failed) / passed;
  s[Figure::kInteractionsPerSecond] =
      Count(now.appended - before_.appended) / passed;
  s[Figure::kAnswerP50] = LatencyQuantile(before_.answers, now.answers, 0.5);
  s[Figure::kAnswerP99] = LatencyQuantile(before_.answers, now.answers, 0.99);
  s[Figure::kAckP50] = LatencyQuantile(before_.acks, now.acks, 0.5);
  s[Figure::kAckP99] = LatencyQuantile(before_.acks, now.acks, 0.99);
}

HistoryKeeper::HistoryKeeper(const Options& options,
                             std::function<v1::Status()> report,
                             const CallFigures* calls)
    : options_(options), report_(std::move(report)), sampler_(calls) {
  const auto bytes = store::ReadSmallFile(options_.path, kMaxFileBytes);
  if (absl::IsNotFound(bytes.status())) return;
  absl::StatusOr<History> history =
      bytes.ok() ? History::Decode(*bytes) : bytes.status();
  if (history.ok()) {
    absl::MutexLock lock(&mutex_);
    history_ = *std::move(history);
    return;
  }
  Log(LogLevel::kWarning, "the history of the dashboard begins anew",
      {{"file", options_.path},
       {"error", std::string(history.status().message())}});
}

HistoryKeeper::~HistoryKeeper() { Stop(); }

void HistoryKeeper::Start() {
  thread_ = std::thread([this] { Run(); });
}

void HistoryKeeper::Stop() {
  if (!thread_.joinable()) return;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void HistoryKeeper::Run() {
  absl::Time save_at = model::SteadyNow() + options_.save_interval;
  for (int count = 1;; ++count) {
    {
      const absl::Time next = model::SteadyNow() + options_.look_interval;
      absl::MutexLock lock(&mutex_);
      if (alarm_.Await(&mutex_, absl::Condition(&stopping_), next)) break;
    }
    try {
      Look(count);
      if (model::SteadyNow() < save_at) continue;
      save_at = model::SteadyNow() + options_.save_interval;
      Save();
    } catch (...) {  // without memory: the next time
      Log(LogLevel::kWarning, "a sample of the history was left out",
          {{"error", std::string(CaughtStatus().message())}});
    }
  }
  try {
    Save();
  } catch (...) {  // without memory: what was saved before stays
  }
}

void HistoryKeeper::Look(int count) {
  const v1::Status status = report_();
  const double seconds = Seconds(model::SteadyNow());
  if (count % options_.looks_per_sample != 0) {
    sampler_.Watch(seconds, status);
    return;
  }
  const Sample sample = sampler_.Take(seconds, status);
  absl::MutexLock lock(&mutex_);
  history_.Add(sample);
}

void HistoryKeeper::Save() {
  std::string bytes;
  {
    absl::MutexLock lock(&mutex_);
    bytes = history_.Encode();
  }
  absl::Status status = store::CheckFreeSpace(
      std::filesystem::path(options_.path).parent_path().string(),
      options_.min_free_bytes);
  if (status.ok()) status = WriteWhole(options_.path, bytes);
  // Said once, not every five minutes.
  if (!status.ok() && saved_.ok()) {
    Log(LogLevel::kWarning, "the history of the dashboard was not saved",
        {{"error", std::string(status.message())}});
  }
  saved_ = std::move(status);
}

std::string HistoryKeeper::Json(int64_t since_ms) const {
  absl::MutexLock lock(&mutex_);
  return history_.Json(since_ms);
}

}  // namespace taud::server
