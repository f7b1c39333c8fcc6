#include "server/batcher.h"

#include <omp.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace taud::server {
namespace {

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
  const bool full = is_bulk ? bulk_tasks_ + job.tasks.size() >
                                  options_.max_queue * options_.max_batch
                            : online_.size() >= options_.max_queue;
  if (full) {
    ++stats_.refused;
    return absl::ResourceExhaustedError(absl::StrCat(
        "the queue of ", is_bulk ? "bulk " : "",
        "requests is full (serving.max_queue = ", options_.max_queue,
        "); retry after a pause"));
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
      Recommend(*model, *state_, absl::ToUnixMillis(now), tasks, &answers);
  for (size_t i = 0; i < live.size(); ++i) {
    if (!status.ok()) {
      live[i]->done(status, nullptr, {});
      continue;
    }
    std::vector<Recommendation> own;
    own.push_back(std::move(answers[i]));
    live[i]->done(absl::OkStatus(), model, std::move(own));
  }
}

void Batcher::AnswerBulk(std::shared_ptr<BulkJob> bulk, size_t take) {
  const absl::Time now = absl::Now();
  absl::Status status = DeadReason(bulk->job, now);
  const bool dead = !status.ok();
  if (bulk->model == nullptr) bulk->model = slot_->Get();
  if (!dead && bulk->model == nullptr) status = NoSnapshot();
  if (status.ok()) {
    std::vector<Recommendation> answers;
    status = Recommend(*bulk->model, *state_, absl::ToUnixMillis(now),
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
