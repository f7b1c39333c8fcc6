#include "server/serving/batcher.h"

#include <omp.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/rpc/errors.h"

namespace taud::server {
namespace {

constexpr absl::Duration kShortestRetry = absl::Milliseconds(10);
constexpr absl::Duration kLongestRetry = absl::Seconds(10);
// Of a new batch in the mean time of a query.
constexpr double kSpeedDecay = 0.1;

absl::Status NoSnapshot() {
  return absl::UnavailableError(
      "no snapshot serves yet: the model is waiting for its first "
      "interactions; retry after some were ingested");
}

// Whether it may take more than one search, or more than a list to look at.
bool IsCostly(const RecommendTask& task) {
  return !task.rules.empty() || task.explore > 0 ||
         task.filter_in_use().tags.expression != nullptr;
}

// Why nobody needs the answer any more; OK if somebody does.
absl::Status DeadReason(const RecommendJob& job, absl::Time now) {
  if (job.cancelled != nullptr &&
      job.cancelled->load(std::memory_order_relaxed)) {
    return absl::CancelledError("cancelled while waiting");
  }
  if (now >= job.deadline) {
    return absl::DeadlineExceededError("the deadline passed while waiting");
  }
  return absl::OkStatus();
}

// Those from `from` on.
void FailAll(std::vector<RecommendJob>* jobs, size_t from,
             const absl::Status& why) {
  for (size_t j = from; j < jobs->size(); ++j) {
    if ((*jobs)[j].done) (*jobs)[j].done(why);
  }
}

}  // namespace

// What one searcher works on: online jobs, or a part of one bulk job. Kept from
// turn to turn, so that taking a turn allocates nothing.
struct Batcher::Turns {
  explicit Turns(size_t max_batch) {
    online.reserve(max_batch);
    live.reserve(max_batch);
    tasks.reserve(max_batch);
  }

  std::vector<RecommendJob> online;
  bool costly = false;  // they are
  std::shared_ptr<BulkJob> bulk;
  size_t bulk_take = 0;
  // AnswerOnline's: the jobs that are answered, and their tasks.
  std::vector<RecommendJob*> live;
  std::vector<RecommendTask> tasks;
  std::vector<Recommendation> answers;
};

Batcher::Batcher(const Options& options, const model::State* state,
                 const ServingSlot* slot)
    : options_(options), state_(state), slot_(slot) {
  for (int i = 0; i < options_.threads; ++i) {
    threads_.emplace_back([this] { Run(); });
  }
}

Batcher::~Batcher() { Stop(); }

absl::Status Batcher::CheckRoom() {
  const absl::Time now = model::SteadyNow();
  absl::MutexLock lock(&mutex_);
  const size_t limit = OnlineLimit(now);
  if (online_.size() + costly_.size() < limit) return absl::OkStatus();
  return Refuse(false, limit, now);
}

absl::Status Batcher::Submit(RecommendJob job) {
  absl::Status status =
      job.tasks.empty()
          ? absl::InvalidArgumentError("no tasks")
          : Guarded([&] { return Enqueue(&job, job.tasks.size() > 1); });
  if (!status.ok()) job.done.Dismiss();
  return status;
}

absl::Status Batcher::Enqueue(RecommendJob* job, bool is_bulk) {
  job->queued = model::SteadyNow();
  std::shared_ptr<BulkJob> bulk;
  if (is_bulk) {
    bulk = std::make_shared<BulkJob>();
    bulk->answers.reserve(job->tasks.size());
  }
  absl::MutexLock lock(&mutex_);
  if (stopping_) return absl::UnavailableError("the server is draining");
  if (!is_bulk) {
    const size_t limit = OnlineLimit(job->queued);
    if (online_.size() + costly_.size() >= limit) {
      return Refuse(false, limit, job->queued);
    }
    (IsCostly(job->tasks.front()) ? costly_ : online_)
        .push_back(std::move(*job));
    return absl::OkStatus();
  }
  const size_t tasks = job->tasks.size();
  const size_t limit = options_.max_queue * options_.max_batch;
  if (bulk_tasks_ + tasks > limit) return Refuse(true, limit, job->queued);
  bulk_.push_back(bulk);  // may throw: the job is still the caller's
  bulk->job = std::move(*job);
  bulk_tasks_ += tasks;
  return absl::OkStatus();
}

size_t Batcher::OnlineLimit(absl::Time now) const {
  QueueInput input;
  input.max_queue = options_.max_queue;
  input.max_batch = options_.max_batch;
  input.threads = options_.threads;
  input.max_wait_seconds = absl::ToDoubleSeconds(options_.max_wait);
  input.query_seconds = query_seconds_;
  input.since_refusal_seconds = absl::ToDoubleSeconds(now - last_refusal_);
  return QueueLimit(input);
}

absl::Status Batcher::Refuse(bool is_bulk, size_t limit, absl::Time now) {
  ++stats_.refused;
  if (!is_bulk) last_refusal_ = now;
  absl::Status status = absl::ResourceExhaustedError(absl::StrCat(
      "the queue of ", is_bulk ? "bulk " : "", "requests is full (", limit,
      " wait; serving.max_queue, serving.max_wait_ms); retry after a pause"));
  const double queued = static_cast<double>(
      is_bulk ? bulk_tasks_ : online_.size() + costly_.size());
  const absl::Duration empty_in =
      absl::Seconds(queued * query_seconds_ / options_.threads);
  SetRetryDelay(std::clamp(empty_in, kShortestRetry, kLongestRetry), &status);
  return status;
}

void Batcher::Note(size_t queries, absl::Duration took,
                   const FoldInCounts& fold_ins) {
  const double seconds =
      absl::ToDoubleSeconds(took) / static_cast<double>(queries);
  absl::MutexLock lock(&mutex_);
  stats_.fold_ins.wanted += fold_ins.wanted;
  stats_.fold_ins.cached += fold_ins.cached;
  query_seconds_ =
      query_seconds_ == 0
          ? seconds
          : query_seconds_ + kSpeedDecay * (seconds - query_seconds_);
}

void Batcher::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

Batcher::Stats Batcher::stats() const {
  absl::MutexLock lock(&mutex_);
  Stats stats = stats_;
  stats.queued = online_.size() + costly_.size() + bulk_tasks_;
  return stats;
}

void Batcher::Run() {
  // The searchers are the parallelism; a library's own would oversubscribe.
  omp_set_num_threads(1);
  Turns turns(options_.max_batch);
  while (AwaitTurn(&turns)) {
    if (turns.bulk != nullptr) {
      AnswerBulk(&turns);
    } else if (turns.costly) {
      AnswerCostly(&turns);
    } else {
      AnswerOnline(&turns);
    }
  }
}

bool Batcher::AwaitTurn(Turns* turns) {
  absl::MutexLock lock(&mutex_);
  while (true) {
    const Turn turn = Plan();
    if (turn.lane != Lane::kNone) {
      Take(turn, turns);
      return true;
    }
    if (stopping_ && bulk_.empty() && costly_.empty()) return false;
    if (turn.wait_seconds > 0) {
      // Should the wall clock be set back meanwhile, by which absl waits, the
      // next job that comes ends the wait.
      const absl::Time until =
          model::SteadyNow() + absl::Seconds(turn.wait_seconds);
      const auto full = [this, until]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return online_.size() >= options_.max_batch || online_.empty() ||
               !costly_.empty() || stopping_ || model::SteadyNow() >= until;
      };
      mutex_.AwaitWithTimeout(absl::Condition(&full),
                              absl::Seconds(turn.wait_seconds));
      continue;
    }
    const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      // A bulk job that another searcher holds is not work for this one.
      return !online_.empty() || !costly_.empty() ||
             (!bulk_.empty() && !bulk_.front()->in_turn) ||
             (stopping_ && bulk_.empty());
    };
    mutex_.Await(absl::Condition(&ready));
  }
}

Turn Batcher::Plan() const {
  TurnInput input;
  input.online_waiting = online_.size();
  input.costly_waiting = costly_.size();
  input.last_was_costly = last_was_costly_;
  if (!bulk_.empty() && !bulk_.front()->in_turn) {
    const BulkJob& first = *bulk_.front();
    input.bulk_waiting = first.job.tasks.size() - first.answers.size();
  }
  input.online_turns = online_turns_;
  input.max_batch = options_.max_batch;
  input.stopping = stopping_;
  if (options_.max_delay > absl::ZeroDuration() && !online_.empty()) {
    input.max_delay_seconds = absl::ToDoubleSeconds(options_.max_delay);
    input.oldest_wait_seconds =
        absl::ToDoubleSeconds(model::SteadyNow() - online_.front().queued);
  }
  return PlanTurn(input);
}

void Batcher::Take(const Turn& turn, Turns* turns) {
  turns->online.clear();
  turns->bulk = nullptr;
  turns->costly = last_was_costly_ = turn.lane == Lane::kCostly;
  if (turns->costly) {
    for (size_t i = 0; i < turn.take; ++i) {
      turns->online.push_back(std::move(costly_.front()));
      costly_.pop_front();
    }
  } else if (turn.lane == Lane::kBulk) {
    online_turns_ = 0;
    turns->bulk = bulk_.front();
    turns->bulk->in_turn = true;
    turns->bulk_take = turn.take;
  } else {
    ++online_turns_;
    for (size_t i = 0; i < turn.take; ++i) {
      turns->online.push_back(std::move(online_.front()));
      online_.pop_front();
    }
  }
  ++stats_.batches;
  stats_.queries += turn.take;
}

void Batcher::AnswerOnline(Turns* turns) noexcept {
  const absl::Status failed = Guarded([&] {
    SearchOnline(turns);
    return absl::OkStatus();
  });
  for (RecommendJob& job : turns->online) {
    if (job.done) job.done(failed);
  }
  // Not kept for as long as nobody asks.
  turns->online.clear();
  turns->tasks.clear();
  turns->answers.clear();
}

void Batcher::AnswerCostly(Turns* turns) noexcept {
  const absl::Time end = model::SteadyNow() + absl::Seconds(kCostlyTurnSeconds);
  std::vector<RecommendJob> jobs = std::move(turns->online);
  turns->online.clear();
  const absl::Status failed = Guarded([&] {
    turns->online.reserve(1);
    return absl::OkStatus();
  });
  if (!failed.ok()) return FailAll(&jobs, 0, failed);
  size_t done = 0;
  do {
    // As an online turn of one.
    turns->online.clear();
    turns->online.push_back(std::move(jobs[done]));
    AnswerOnline(turns);
    ++done;
  } while (done < jobs.size() && model::SteadyNow() < end);
  turns->online = std::move(jobs);
  GiveBack(turns, done);
}

void Batcher::GiveBack(Turns* turns, size_t from) noexcept {
  std::vector<RecommendJob>& jobs = turns->online;
  absl::Status failed;
  {
    absl::MutexLock lock(&mutex_);
    stats_.queries -= jobs.size() - from;
    try {
      while (jobs.size() > from) {
        costly_.push_front(std::move(jobs.back()));
        jobs.pop_back();
      }
    } catch (...) {  // without memory: what was not moved is as it was
      failed = CaughtStatus();
    }
  }
  FailAll(&jobs, from, failed);
  jobs.clear();
}

void Batcher::SearchOnline(Turns* turns) {
  const absl::Time now = model::SteadyNow();
  const std::shared_ptr<const ServingModel> model = slot_->Get();
  std::vector<RecommendJob*>& live = turns->live;
  std::vector<RecommendTask>& tasks = turns->tasks;
  live.clear();
  tasks.clear();
  uint64_t expired = 0;
  for (RecommendJob& job : turns->online) {
    absl::Status dead = DeadReason(job, now);
    if (!dead.ok()) {
      ++expired;
      job.done(std::move(dead));
    } else if (model == nullptr) {
      job.done(NoSnapshot());
    } else {
      live.push_back(&job);
      tasks.push_back(std::move(job.tasks.front()));
    }
  }
  if (expired > 0) {
    absl::MutexLock lock(&mutex_);
    stats_.expired += expired;
  }
  if (live.empty()) return;
  FoldInCounts fold_ins;
  // Only of a costly job, which is alone, more than one search may be made.
  const auto keep_on = [&live] {
    return DeadReason(*live.front(), model::SteadyNow());
  };
  const absl::Status status =
      Recommend(*model, *state_, absl::ToUnixMillis(absl::Now()), tasks,
                &turns->answers, &fold_ins, keep_on);
  for (size_t i = 0; i < live.size(); ++i) {
    if (status.ok()) {
      live[i]->done(Answered{model, {&turns->answers[i], 1}});
    } else {
      live[i]->done(status);
    }
  }
  for (size_t i = 0; status.ok() && options_.observer && i < live.size(); ++i) {
    options_.observer(model, tasks[i], turns->answers[i]);
  }
  // What rules cost says nothing of how fast a queue of others empties.
  if (!turns->costly) Note(live.size(), model::SteadyNow() - now, fold_ins);
}

absl::Status Batcher::SearchBulk(BulkJob* bulk, size_t take) {
  if (bulk->model == nullptr) bulk->model = slot_->Get();
  if (bulk->model == nullptr) return NoSnapshot();
  const absl::Time end = model::SteadyNow() + absl::Seconds(kCostlyTurnSeconds);
  const auto keep_on = [bulk] {
    return DeadReason(bulk->job, model::SteadyNow());
  };
  // With rules one by one, as long as the turn lasts.
  const size_t step = IsCostly(bulk->job.tasks.front()) ? 1 : take;
  absl::Status status;
  for (size_t done = 0; done < take && status.ok(); done += step) {
    if (done > 0 && model::SteadyNow() >= end) break;
    std::vector<Recommendation> answers;
    status = Recommend(*bulk->model, *state_, absl::ToUnixMillis(absl::Now()),
                       absl::MakeConstSpan(bulk->job.tasks)
                           .subspan(bulk->answers.size(), step),
                       &answers, nullptr, keep_on);
    // There is room for them since the job came.
    std::move(answers.begin(), answers.end(),
              std::back_inserter(bulk->answers));
  }
  return status;
}

void Batcher::AnswerBulk(Turns* turns) noexcept {
  const std::shared_ptr<BulkJob> bulk = std::move(turns->bulk);
  const absl::Time now = model::SteadyNow();
  absl::Status status;
  bool dead = false;
  try {
    status = DeadReason(bulk->job, now);
    dead = !status.ok();
    if (!dead) status = SearchBulk(bulk.get(), turns->bulk_take);
  } catch (...) {
    status = CaughtStatus();
  }
  const bool finished =
      !status.ok() || bulk->answers.size() == bulk->job.tasks.size();
  {
    absl::MutexLock lock(&mutex_);
    bulk->in_turn = false;
    if (dead) ++stats_.expired;
    if (finished) {
      bulk_tasks_ -= bulk->job.tasks.size();
      bulk_.pop_front();
    }
  }
  if (!finished) return;
  if (status.ok()) {
    bulk->job.done(Answered{bulk->model, bulk->answers});
    for (size_t t = 0; options_.observer && t < bulk->answers.size(); ++t) {
      options_.observer(bulk->model, bulk->job.tasks[t], bulk->answers[t]);
    }
  } else {
    bulk->job.done(std::move(status));
  }
}

}  // namespace taud::server
