#include "server/batcher.h"

#include <omp.h>

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/errors.h"

namespace taud::server {
namespace {

constexpr absl::Duration kShortestRetry = absl::Milliseconds(10);
constexpr absl::Duration kLongestRetry = absl::Seconds(10);
// Of a new batch in the mean time of a query.
constexpr double kSpeedDecay = 0.1;

// Recommend, with what it or a library beneath it might throw turned into a
// status: the searcher must go on.
absl::Status RecommendSafely(const ServingModel& model,
                             const model::State& state, absl::Time now,
                             absl::Span<const RecommendTask> tasks,
                             std::vector<Recommendation>* answers) {
  try {
    return Recommend(model, state, absl::ToUnixMillis(now), tasks, answers);
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(
        "not enough memory for the answer; retry, or ask for less");
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("recommending: ", e.what()));
  }
}

absl::Status NoSnapshot() {
  return absl::UnavailableError(
      "no snapshot serves yet: the model is waiting for its first "
      "interactions; retry after some were ingested");
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

}  // namespace

// What one turn works on: online jobs, or a part of one bulk job.
struct Batcher::Batch {
  std::vector<RecommendJob> online;
  std::shared_ptr<BulkJob> bulk;
  size_t bulk_take = 0;
};

Batcher::Batcher(const Options& options, const model::State* state,
                 const ServingSlot* slot)
    : options_(options), state_(state), slot_(slot) {
  for (int i = 0; i < options_.threads; ++i) {
    threads_.emplace_back([this] { Run(); });
  }
}

Batcher::~Batcher() { Stop(); }

absl::Status Batcher::Submit(RecommendJob job) {
  if (job.tasks.empty()) return absl::InvalidArgumentError("no tasks");
  const bool is_bulk = job.tasks.size() > 1;
  absl::MutexLock lock(&mutex_);
  if (stopping_) return absl::UnavailableError("the server is draining");
  if (is_bulk) {
    const size_t limit = options_.max_queue * options_.max_batch;
    if (bulk_tasks_ + job.tasks.size() > limit) return Refuse(true, limit);
  } else {
    QueueInput input;
    input.max_queue = options_.max_queue;
    input.max_batch = options_.max_batch;
    input.threads = options_.threads;
    input.max_wait_seconds = absl::ToDoubleSeconds(options_.max_wait);
    input.query_seconds = query_seconds_;
    const size_t limit = QueueLimit(input);
    if (online_.size() >= limit) return Refuse(false, limit);
  }
  if (is_bulk) {
    bulk_tasks_ += job.tasks.size();
    auto bulk = std::make_shared<BulkJob>();
    bulk->job = std::move(job);
    bulk_.push_back(std::move(bulk));
  } else {
    online_.push_back(std::move(job));
  }
  return absl::OkStatus();
}

absl::Status Batcher::Refuse(bool is_bulk, size_t limit) {
  ++stats_.refused;
  absl::Status status = absl::ResourceExhaustedError(absl::StrCat(
      "the queue of ", is_bulk ? "bulk " : "", "requests is full (", limit,
      " wait; serving.max_queue, serving.max_wait_ms); retry after a pause"));
  const double queued =
      static_cast<double>(is_bulk ? bulk_tasks_ : online_.size());
  const absl::Duration empty_in =
      absl::Seconds(queued * query_seconds_ / options_.threads);
  SetRetryDelay(std::clamp(empty_in, kShortestRetry, kLongestRetry), &status);
  return status;
}

void Batcher::NoteSpeed(size_t queries, absl::Duration took) {
  const double seconds =
      absl::ToDoubleSeconds(took) / static_cast<double>(queries);
  absl::MutexLock lock(&mutex_);
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
  stats.queued = online_.size() + bulk_tasks_;
  return stats;
}

bool Batcher::HasWork() const {
  // A bulk job that another searcher holds is not work for this one.
  return !online_.empty() || (!bulk_.empty() && !bulk_.front()->in_turn);
}

void Batcher::Run() {
  // The searchers are the parallelism; a library's own would oversubscribe.
  omp_set_num_threads(1);
  while (true) {
    Batch batch;
    {
      absl::MutexLock lock(&mutex_);
      const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return HasWork() || (stopping_ && bulk_.empty());
      };
      mutex_.Await(absl::Condition(&ready));
      if (!HasWork()) return;
      batch = TakeTurn();
    }
    if (batch.bulk != nullptr) {
      AnswerBulk(std::move(batch.bulk), batch.bulk_take);
    } else {
      AnswerOnline(std::move(batch.online));
    }
  }
}

Batcher::Batch Batcher::TakeTurn() {
  const bool bulk_free = !bulk_.empty() && !bulk_.front()->in_turn;
  TurnInput input;
  input.online_waiting = online_.size();
  if (bulk_free) {
    const BulkJob& first = *bulk_.front();
    input.bulk_waiting = first.job.tasks.size() - first.answers.size();
  }
  input.online_turns = online_turns_;
  input.max_batch = options_.max_batch;
  const Turn turn = PlanTurn(input);

  Batch batch;
  if (turn.lane == Lane::kBulk) {
    online_turns_ = 0;
    batch.bulk = bulk_.front();
    batch.bulk->in_turn = true;
    batch.bulk_take = turn.take;
  } else {
    ++online_turns_;
    for (size_t i = 0; i < turn.take; ++i) {
      batch.online.push_back(std::move(online_.front()));
      online_.pop_front();
    }
  }
  ++stats_.batches;
  stats_.queries += turn.take;
  return batch;
}

void Batcher::AnswerOnline(std::vector<RecommendJob> jobs) {
  const absl::Time now = absl::Now();
  const std::shared_ptr<const ServingModel> model = slot_->Get();
  std::vector<RecommendJob*> live;
  std::vector<RecommendTask> tasks;
  uint64_t expired = 0;
  for (RecommendJob& job : jobs) {
    absl::Status dead = DeadReason(job, now);
    if (!dead.ok()) {
      ++expired;
      job.done(std::move(dead), nullptr, {});
    } else if (model == nullptr) {
      job.done(NoSnapshot(), nullptr, {});
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
  std::vector<Recommendation> answers;
  const absl::Status status =
      RecommendSafely(*model, *state_, now, tasks, &answers);
  for (size_t i = 0; i < live.size(); ++i) {
    if (!status.ok()) {
      live[i]->done(status, nullptr, {});
      continue;
    }
    std::vector<Recommendation> own;
    own.push_back(std::move(answers[i]));
    live[i]->done(absl::OkStatus(), model, std::move(own));
  }
  NoteSpeed(live.size(), absl::Now() - now);
}

void Batcher::AnswerBulk(std::shared_ptr<BulkJob> bulk, size_t take) {
  const absl::Time now = absl::Now();
  absl::Status status = DeadReason(bulk->job, now);
  const bool dead = !status.ok();
  if (bulk->model == nullptr) bulk->model = slot_->Get();
  if (!dead && bulk->model == nullptr) status = NoSnapshot();
  if (status.ok()) {
    std::vector<Recommendation> answers;
    status = RecommendSafely(*bulk->model, *state_, now,
                             absl::MakeConstSpan(bulk->job.tasks)
                                 .subspan(bulk->answers.size(), take),
                             &answers);
    std::move(answers.begin(), answers.end(),
              std::back_inserter(bulk->answers));
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
    bulk->job.done(absl::OkStatus(), bulk->model, std::move(bulk->answers));
  } else {
    bulk->job.done(std::move(status), nullptr, {});
  }
}

}  // namespace taud::server
