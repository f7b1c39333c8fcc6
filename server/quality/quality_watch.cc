#include "server/quality/quality_watch.h"

#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/quality/model_measures.h"
#include "server/rpc/errors.h"

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
constexpr size_t kScoresForDrift = 1'000'000;
constexpr double kTauBounds[] = {.4,  .5,   .6,  .7,   .8, .9, 1,
                                 1.1, 1.25, 1.5, 1.75, 2,  2.5};
// τ_u is between τ₀ / e and e·τ₀ (trainer/temperature/temperature.h); τ₀ moves
// a little after τ_u was set.
constexpr double kTauLower = .3679 * 1.01;
constexpr double kTauUpper = 2.7183 * .99;

absl::Duration ThreadCpuTime() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return absl::DurationFromTimespec(time);
}

size_t RankOf(const Recommendation& answer, model::ItemIndex item) {
  for (size_t i = 0; i < answer.items.size(); ++i) {
    if (answer.items[i].item == item) return i + 1;
  }
  return 0;
}

double TopTenOverlap(const Recommendation& a, const Recommendation& b) {
  constexpr size_t kTop = 10;
  size_t both = 0;
  const size_t n = std::min(kTop, a.items.size());
  const size_t m = std::min(kTop, b.items.size());
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < m; ++j) {
      both += a.items[i].item == b.items[j].item;
    }
  }
  return static_cast<double>(both) /
         static_cast<double>(std::max<size_t>(1, std::max(n, m)));
}

RecommendTask TaskOf(const model::Interaction& event, size_t k) {
  RecommendTask task;
  task.user = event.user;
  task.before = event.sequence;
  task.k = k;
  return task;
}

bool CanBeEvent(const model::Interaction& one) {
  return !model::Interactions::IsErased(one) && !one.repeated &&
         model::IsPositive(one.kind);
}

// The popularity of an item at which each tenth of all interactions ends, the
// most popular first.
std::array<uint32_t, Evaluation::kTenths - 1> TenthBounds(
    const ServingModel& model) {
  std::array<uint32_t, Evaluation::kTenths - 1> bounds{};
  const model::Snapshot& snapshot = *model.snapshot;
  double all = 0;
  for (const uint32_t count : snapshot.item_popularity) all += count;
  double sum = 0;
  size_t tenth = 0;
  for (const model::ItemIndex item : model.by_popularity) {
    sum += snapshot.item_popularity[item];
    while (tenth < bounds.size() &&
           sum >= all * static_cast<double>(tenth + 1) / 10) {
      bounds[tenth++] = snapshot.item_popularity[item];
    }
  }
  return bounds;
}

void FillTemperatures(const model::Snapshot& snapshot,
                      v1::LearningHealth* health) {
  constexpr size_t kBounds = std::size(kTauBounds);
  std::array<uint64_t, kBounds + 1> counts{};
  uint64_t users = 0;
  uint64_t at_lower = 0;
  uint64_t at_upper = 0;
  for (size_t user = 0; user < snapshot.users.rows; ++user) {
    if (snapshot.user_degree[user] == 0) continue;
    ++users;
    const double ratio =
        double{snapshot.temperatures[user]} / double{snapshot.tau0};
    const auto at =
        std::lower_bound(std::begin(kTauBounds), std::end(kTauBounds), ratio);
    ++counts[static_cast<size_t>(at - std::begin(kTauBounds))];
    at_lower += ratio <= kTauLower;
    at_upper += ratio >= kTauUpper;
  }
  health->clear_tau_user();
  for (size_t b = 0; b <= kBounds; ++b) {
    v1::HistogramBucket* bucket = health->add_tau_user();
    bucket->set_upper(b < kBounds ? kTauBounds[b] : HUGE_VAL);
    bucket->set_count(counts[b]);
  }
  const double all = static_cast<double>(std::max<uint64_t>(1, users));
  health->set_tau_user_at_lower(static_cast<double>(at_lower) / all);
  health->set_tau_user_at_upper(static_cast<double>(at_upper) / all);
  health->set_tau0(double{snapshot.tau0});
}

void FillDrift(const model::Snapshot& before, const model::Snapshot& now,
               v1::LearningHealth* health) {
  health->set_user_drift(1 - RowCosine(before.users, before.user_degree,
                                       now.users, now.user_degree));
  health->set_item_drift(1 - RowCosine(before.items, before.item_popularity,
                                       now.items, now.item_popularity));
  const size_t sample = std::min<size_t>(
      32, kScoresForDrift / std::max<size_t>(1, now.items.rows));
  if (sample == 0) return;
  const std::vector<model::ItemIndex> items = SampleItems(before, sample);
  health->set_neighbour_drift(1 - Overlap(ExactNeighboursOf(before, items, 10),
                                          ExactNeighboursOf(now, items, 10)));
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
  while (Await(&tasks)) {
    try {
      Look();
    } catch (...) {
      if (callbacks_.on_error) callbacks_.on_error(CaughtStatus());
    }
    for (auto& task : tasks) task();
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
  std::vector<RecommendTask> tasks;
  std::vector<model::Interaction> asked;
  std::vector<model::ItemIndex> since;
  for (const model::Interaction& event : events) {
    const bool learnt =
        event.sequence <= models.current->snapshot->trained_through;
    if (learnt || !state_->interactions.CopyTakenSince(
                      event.user, event.sequence, &since)) {
      continue;
    }
    tasks.push_back(TaskOf(event, kEvaluatedDepth));
    asked.push_back(event);
  }
  const size_t skipped = events.size() - asked.size();
  const int64_t now_ms = absl::ToUnixMillis(absl::Now());
  std::vector<Recommendation> lists;
  std::vector<Recommendation> popular;
  std::vector<Recommendation> reference;
  absl::Status status =
      Recommend(*models.current, *state_, now_ms, tasks, &lists);
  for (RecommendTask& task : tasks) task.popular = true;
  if (status.ok()) {
    status = Recommend(*models.current, *state_, now_ms, tasks, &popular);
  }
  for (RecommendTask& task : tasks) {
    task.popular = false;
    task.k = 20;
  }
  if (status.ok() && models.reference != nullptr) {
    status = Recommend(*models.reference, *state_, now_ms, tasks, &reference);
  }
  if (models.current->snapshot->version != tenths_of_) {
    tenth_bounds_ = TenthBounds(*models.current);
    tenths_of_ = models.current->snapshot->version;
  }
  absl::MutexLock lock(&mutex_);
  skipped_ += skipped;
  // A swap came between: the events were before it, and so is their model.
  if (!status.ok() || generation_ != models.generation) {
    skipped_ += asked.size();
    return;
  }
  const std::vector<uint32_t>& popularity =
      models.current->snapshot->item_popularity;
  for (size_t e = 0; e < asked.size(); ++e) {
    const model::ItemIndex item = asked[e].item;
    EvaluatedEvent event;
    event.rank = RankOf(lists[e], item);
    event.popularity_rank = RankOf(popular[e], item);
    event.representation = lists[e].representation;
    const uint32_t count = item < popularity.size() ? popularity[item] : 0;
    event.popularity_tenth = 0;
    for (const uint32_t bound : tenth_bounds_) {
      event.popularity_tenth += count < bound;
    }
    if (!reference.empty()) {
      event.reference_rank = RankOf(reference[e], item);
      event.list_overlap_10 = TopTenOverlap(lists[e], reference[e]);
    }
    evaluation_.Add(event);
    line_.Add(event);
    ++own_events_;
    own_hits_10_ += event.rank > 0 && event.rank <= 10;
    own_popularity_hits_10_ +=
        event.popularity_rank > 0 && event.popularity_rank <= 10;
    if (event.rank > 0 && event.rank <= 10) {
      own_ndcg_10_ += 1 / std::log2(1 + static_cast<double>(event.rank));
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
