#include "server/quality/quality_watch.h"

#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/quality/event_ranking.h"
#include "server/quality/learning_health.h"
#include "server/rpc/errors.h"
#include "trainer/evaluation/evaluation.h"

namespace taud::server {
namespace {

constexpr absl::Duration kInterval = absl::Milliseconds(200);
// Below the trainer's.
constexpr int kNice = 12;
constexpr size_t kMostTasks = 8;
// Events of one look; and what one is taken to cost before any was timed.
constexpr size_t kMostEvents = 64;
constexpr double kFirstGuess = .001;
// Interactions of one look whose users and items are counted.
constexpr size_t kMostNames = 20000;
// Unspent time is kept for so long.
constexpr double kCreditSeconds = 2;
constexpr absl::Duration kDriftInterval = absl::Minutes(1);

absl::Duration ThreadCpuTime() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return absl::DurationFromTimespec(time);
}

bool CanBeEvent(const model::Interaction& one) {
  return !model::Interactions::IsErased(one) && !one.repeated &&
         model::IsPositive(one.kind);
}

std::string Why(const PairedHits& paired) {
  const auto now = static_cast<double>(paired.both + paired.only_current);
  const auto then = static_cast<double>(paired.both + paired.only_reference);
  const auto events = static_cast<double>(paired.events);
  return absl::StrFormat(
      "hit rate at 20 %.4f, the version before %.4f on the same %d events "
      "(McNemar: %.2g)",
      now / events, then / events, paired.events,
      OneSidedMcNemar(paired.only_reference, paired.only_current));
}

}  // namespace

QualityWatch::QualityWatch(Options options, const model::State* state,
                           Callbacks callbacks)
    : options_(std::move(options)),
      state_(state),
      callbacks_(std::move(callbacks)),
      random_(options_.seed) {}

QualityWatch::~QualityWatch() { Stop(); }

void QualityWatch::OnSwap(std::shared_ptr<const ServingModel> now, Swap swap) {
  // What nobody else holds is destroyed after the lock was given back.
  std::shared_ptr<const ServingModel> freed[3];
  v1::LiveFigures figures;
  model::SnapshotVersion version = 0;
  {
    absl::MutexLock lock(&mutex_);
    ++generation_;
    if (current_ != nullptr && own_events_ > 0) {
      figures = FiguresLocked();
      version = current_->snapshot->version;
    }
    freed[0] = std::move(before_);
    const bool due = options_.steady_now() - last_drift_ >= kDriftInterval;
    before_ = due && swap != Swap::kErasure ? current_ : nullptr;
    if (swap != Swap::kNext || options_.evaluation_share <= 0) {
      freed[1] = std::move(reference_);
      reference_ = nullptr;
      line_.Restart();
    } else if (reference_ == nullptr || line_.Judge() == LiveVerdict::kGood) {
      freed[1] = std::move(reference_);
      reference_ = current_;
      line_.Restart();
    }
    line_.Begin();
    freed[2] = std::move(current_);
    current_ = std::move(now);
    if (swap == Swap::kErasure) {
      served_.Clear();
      input_.Clear();
    }
    evaluation_.Compare(
        current_ == nullptr ? 0 : current_->snapshot->version,
        reference_ == nullptr ? 0 : reference_->snapshot->version);
    own_events_ = 0;
    own_hits_10_ = 0;
    own_popularity_hits_10_ = 0;
    own_ndcg_10_ = 0;
  }
  if (swap == Swap::kErasure) sampler_.Take();
  if (version != 0 && callbacks_.on_figures) {
    callbacks_.on_figures(version, figures);
  }
}

void QualityWatch::Begin() {
  seen_ = state_->interactions.size();
  last_look_ = options_.steady_now();
  absl::MutexLock lock(&mutex_);
  input_.Begin(state_->interactions, options_.steady_now());
}

void QualityWatch::Start() {
  Begin();
  thread_ = std::thread([this] { Run(); });
}

absl::Status QualityWatch::RunLater(absl::AnyInvocable<void()> task) {
  absl::MutexLock lock(&mutex_);
  if (stopping_) return absl::UnavailableError("the server is draining");
  if (tasks_.size() >= kMostTasks) {
    return absl::ResourceExhaustedError(
        "others wait for the same already; try again later");
  }
  tasks_.push_back(std::move(task));
  return absl::OkStatus();
}

void QualityWatch::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
  // Whoever waits for a task is told by its destruction.
  std::deque<absl::AnyInvocable<void()>> tasks;
  absl::MutexLock lock(&mutex_);
  tasks.swap(tasks_);
}

void QualityWatch::Run() {
  setpriority(PRIO_PROCESS, 0, kNice);
  std::vector<absl::AnyInvocable<void()>> tasks;
  while (true) {
    try {
      if (!Await(&tasks)) return;
      Look();
    } catch (...) {
      if (callbacks_.on_error) callbacks_.on_error(CaughtStatus());
    }
    for (auto& task : tasks) {
      try {
        task();
      } catch (...) {
        // Whoever waits for it is told by its destruction.
        if (callbacks_.on_error) callbacks_.on_error(CaughtStatus());
      }
    }
    tasks.clear();
  }
}

bool QualityWatch::Await(std::vector<absl::AnyInvocable<void()>>* tasks) {
  absl::MutexLock lock(&mutex_);
  const auto ready = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !tasks_.empty();
  };
  alarm_.Await(&mutex_, absl::Condition(&ready),
               model::SteadyNow() + kInterval);
  if (stopping_) return false;
  while (!tasks_.empty()) {
    tasks->push_back(std::move(tasks_.front()));
    tasks_.pop_front();
  }
  return true;
}

QualityWatch::Models QualityWatch::TakeModels() {
  absl::MutexLock lock(&mutex_);
  return {current_, reference_, generation_};
}

void QualityWatch::Look() {
  const absl::Time now = options_.steady_now();
  credit_ = std::min(credit_ + options_.evaluation_share *
                                   absl::ToDoubleSeconds(now - last_look_),
                     options_.evaluation_share * kCreditSeconds);
  last_look_ = now;
  const Models models = TakeModels();
  LookAtLists();
  LookAtSnapshots(models);
  const std::vector<model::Interaction> events =
      SampleArrivals(state_->interactions.size());
  if (models.current == nullptr || events.empty()) return;
  const double start = NowSeconds();
  Evaluate(models, events);
  const double took = NowSeconds() - start;
  credit_ -= took;
  const double each = took / static_cast<double>(events.size());
  event_seconds_ = event_seconds_ == 0 ? each : .9 * event_seconds_ + .1 * each;
  {
    absl::MutexLock lock(&mutex_);
    seconds_ += took;
  }
  JudgeAndAct(models);
}

double QualityWatch::NowSeconds() const {
  return absl::ToDoubleSeconds(options_.cpu_time ? options_.cpu_time()
                                                 : ThreadCpuTime());
}

std::vector<model::Interaction> QualityWatch::SampleArrivals(size_t end) {
  const double cost = event_seconds_ > 0 ? event_seconds_ : kFirstGuess;
  const size_t most =
      options_.evaluation_share <= 0 || credit_ <= 0
          ? 0
          : std::min(kMostEvents,
                     static_cast<size_t>(std::ceil(credit_ / cost)));
  const absl::Time now = options_.steady_now();
  std::vector<model::Interaction> sample;
  uint64_t could = 0;
  // Of very many not each is looked at for who is active.
  const size_t stride = 1 + (end - seen_) / kMostNames;
  size_t place = 0;
  absl::MutexLock lock(&mutex_);
  state_->interactions.ForEach(seen_, end, [&](const model::Interaction& one) {
    // The analysis does not see that the lock is held here.
    const bool names = place++ % stride == 0;
    [this, &one, now, names]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      if (!model::Interactions::IsErased(one)) input_.Add(one, names, now);
      skipped_ += !CanBeEvent(one);
    }();
    if (!CanBeEvent(one)) return;
    // Each has the same chance (Vitter 1985, algorithm R).
    ++could;
    if (sample.size() < most) {
      sample.push_back(one);
    } else if (most > 0) {
      const size_t at = random_() % could;
      if (at < most) sample[at] = one;
    }
  });
  seen_ = end;
  unsampled_ += could - sample.size();
  std::sort(sample.begin(), sample.end(), [](const auto& a, const auto& b) {
    return a.sequence < b.sequence;
  });
  return sample;
}

void QualityWatch::Evaluate(const Models& models,
                            const std::vector<model::Interaction>& events) {
  const ServingModel& current = *models.current;
  if (current.snapshot->version != tenths_of_) {
    tenth_bounds_ = TenthBoundsOf(current);
    tenths_of_ = current.snapshot->version;
  }
  const std::vector<model::Interaction> asked =
      OpenEvents(current, *state_, events);
  const auto ranked = RankEvents(current, models.reference.get(), *state_,
                                 tenth_bounds_, asked);
  absl::MutexLock lock(&mutex_);
  skipped_ += events.size() - asked.size();
  // A swap came between: the events were before it, and so is their model.
  if (!ranked.ok() || generation_ != models.generation) {
    skipped_ += asked.size();
    return;
  }
  for (const EvaluatedEvent& event : *ranked) {
    evaluation_.Add(event);
    line_.Add(event);
    ++own_events_;
    own_hits_10_ += event.rank > 0 && event.rank <= 10;
    own_popularity_hits_10_ +=
        event.popularity_rank > 0 && event.popularity_rank <= 10;
    if (event.rank > 0 && event.rank <= 10) {
      own_ndcg_10_ += trainer::GainOfRank(static_cast<double>(event.rank));
    }
  }
}

void QualityWatch::JudgeAndAct(const Models& models) {
  std::string why;
  {
    absl::MutexLock lock(&mutex_);
    if (generation_ != models.generation || models.reference == nullptr) return;
    if (!options_.automatic_rollback || !callbacks_.on_fall) return;
    PairedHits evidence;
    if (line_.Judge(&evidence) != LiveVerdict::kFallen) return;
    why = Why(evidence);
    // It is said once; the swap that follows begins anew.
    reference_ = nullptr;
  }
  callbacks_.on_fall(models.reference, models.current->snapshot->version, why);
}

void QualityWatch::LookAtLists() {
  const std::vector<ServedList> lists = sampler_.Take();
  const absl::Time now = options_.steady_now();
  absl::MutexLock lock(&mutex_);
  for (const ServedList& list : lists) served_.Add(list, *state_, now);
}

void QualityWatch::LookAtSnapshots(const Models& models) {
  if (models.generation == looked_generation_) return;
  looked_generation_ = models.generation;
  std::shared_ptr<const ServingModel> before;
  {
    absl::MutexLock lock(&mutex_);
    before = std::move(before_);
    before_ = nullptr;
  }
  if (models.current == nullptr) return;
  v1::LearningHealth health;
  {
    absl::MutexLock lock(&mutex_);
    health = learning_;
  }
  FillTemperatures(*models.current->snapshot, &health);
  if (before != nullptr) {
    FillDrift(*before->snapshot, *models.current->snapshot, &health);
  }
  absl::MutexLock lock(&mutex_);
  if (before != nullptr) last_drift_ = options_.steady_now();
  learning_ = health;
  items_with_vector_ = models.current->by_popularity.size();
}

v1::LiveFigures QualityWatch::FiguresLocked() const {
  v1::LiveFigures figures;
  figures.set_events(own_events_);
  const auto events = static_cast<double>(std::max<uint64_t>(1, own_events_));
  *figures.mutable_hit_rate_10() =
      ShareEstimate(static_cast<double>(own_hits_10_) / events,
                    static_cast<double>(own_events_));
  figures.set_popularity_hit_rate_10(
      static_cast<double>(own_popularity_hits_10_) / events);
  figures.set_ndcg_10(own_ndcg_10_ / events);
  return figures;
}

const ServingModel* QualityWatch::reference() const {
  absl::MutexLock lock(&mutex_);
  return reference_.get();
}

v1::LiveFigures QualityWatch::Live() const {
  absl::MutexLock lock(&mutex_);
  v1::LiveFigures figures;
  figures.set_events(evaluation_.evaluated());
  *figures.mutable_hit_rate_10() =
      evaluation_.short_model().hit_rate_10_estimate();
  figures.set_popularity_hit_rate_10(
      evaluation_.short_popularity().hit_rate_10());
  figures.set_ndcg_10(evaluation_.short_model().ndcg_10());
  return figures;
}

v1::Quality QualityWatch::Report() const {
  v1::Quality quality;
  absl::MutexLock lock(&mutex_);
  v1::Evaluation* evaluation = quality.mutable_evaluation();
  evaluation_.Fill(evaluation);
  evaluation->set_skipped(skipped_);
  evaluation->set_unsampled(unsampled_);
  evaluation->set_seconds(seconds_);
  served_.Fill(*state_, items_with_vector_, quality.mutable_served());
  *quality.mutable_learning() = learning_;
  input_.Fill(*state_, quality.mutable_input());
  return quality;
}

}  // namespace taud::server
