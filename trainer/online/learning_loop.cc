#include "trainer/online/learning_loop.h"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "model/steady_clock.h"
#include "model/sync_point.h"
#include "trainer/online/fit_state.h"

namespace taud::trainer {
namespace {

// The deterministic mode's block, by sequence, and the steps after each, more
// of them until every new pair was visited.
constexpr model::Sequence kBlock = 256;
constexpr int kMinStepsPerBlock = 4;

}  // namespace

LearningLoop::LearningLoop(const OnlineTrainerOptions& options,
                           std::unique_ptr<LearnerPlace> place,
                           const model::Interactions* interactions,
                           Publish publish, TrainerInbox* inbox)
    : options_(options),
      interactions_(interactions),
      publish_(std::move(publish)),
      inbox_(inbox),
      place_(std::move(place)) {
  absl::MutexLock lock(&mutex_);
  status_.device = place_->name();
}

absl::Status LearningLoop::WarmStart(const model::Snapshot& snapshot) {
  if (snapshot.dim() != static_cast<size_t>(options_.dim)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "snapshot.dim is ", snapshot.dim(), ", trainer.dim is ", options_.dim));
  }
  absl::Status status = model::ValidateSnapshot(snapshot);
  if (!status.ok()) return status;
  warm_ = std::make_unique<model::Snapshot>(snapshot);
  return absl::OkStatus();
}

absl::Status LearningLoop::Resume(std::unique_ptr<model::TrainingState> state,
                                  uint64_t num_users, uint64_t num_items) {
  absl::Status status =
      CheckTrainingState(*state, options_.dim, num_users, num_items);
  if (!status.ok()) return status;
  resume_ = std::move(state);
  return absl::OkStatus();
}

void LearningLoop::Prepare() {
  absl::MutexLock lock(&mutex_);
  if (status_.state == TrainerState::kFailed) {
    // Whatever failed may have left it half changed.
    fit_.reset();
    inbox_->SetHasModel(false);
  }
  // The thread has yet to take it over, but there is something to publish.
  if (warm_ != nullptr || resume_ != nullptr) inbox_->SetHasModel(true);
  status_.error.clear();
  SetState(TrainerState::kWaiting);
}

std::unique_ptr<model::TrainingState> LearningLoop::StateWhenStopped() const {
  return fit_ != nullptr && fit_->HasModel() ? ExportState() : nullptr;
}

void LearningLoop::Run() {
  // Libraries throw (LibTorch c10::Error, std::bad_alloc).
  try {
    // On Linux this is the calling thread's own niceness, and the workers that
    // it creates inherit it. Refused only where it would be a raise.
    setpriority(PRIO_PROCESS, 0, options_.nice);
    while (true) {
      try {
        if (fit_ == nullptr) MakeFit();
        Learn();
        return;
      } catch (const std::exception& error) {
        // What is no fault of the GPU's comes again on the CPU.
        if (!place_->on_gpu()) throw;
        LeaveGpu(error.what());
      }
    }
  } catch (const std::exception& error) {
    Fail(error.what());
  } catch (...) {
    Fail("an exception of unknown type");
  }
}

void LearningLoop::MakeFit() {
  OnlineFitOptions options;
  options.batch_rows = options_.batch_rows;
  options.negatives = options_.negatives;
  options.learning_rate = options_.learning_rate;
  options.neighbours = options_.neighbours;
  options.seed = options_.seed;
  auto fit = std::make_unique<OnlineFit>(options, place_->Make());
  if (resume_ != nullptr) {
    const absl::Status status = fit->Import(*resume_);
    if (!status.ok()) throw std::runtime_error(status.ToString());
    resume_.reset();
    warm_.reset();
    // What the checkpoint has learnt may be in no snapshot that can serve: it
    // is published even if there is nothing left to learn.
    changed_ = fit->HasModel();
  } else if (warm_ != nullptr) {
    const absl::Status status = fit->WarmStart(*warm_);
    if (!status.ok()) throw std::runtime_error(status.ToString());
    warm_.reset();
  }
  fit_ = std::move(fit);
  if (place_->on_gpu() && fit_->HasModel()) {
    last_snapshot_ = fit_->MakeSnapshot();
  }
  last_publish_ = last_checkpoint_ = options_.steady_now();
}

void LearningLoop::LeaveGpu(const std::string& error) {
  place_->Leave(error);
  fit_.reset();
  warm_ = last_snapshot_ == nullptr
              ? nullptr
              : std::make_unique<model::Snapshot>(*last_snapshot_);
  last_snapshot_.reset();
  MakeFit();
  // What the GPU had learnt since is learnt again.
  changed_ = changed_since_checkpoint_ = fit_->HasModel();
}

void LearningLoop::RetryGpu() {
  if (!place_->TryAgain()) return;
  resume_ = fit_->Export();
  const bool changed_since_checkpoint = changed_since_checkpoint_;
  MakeFit();
  changed_ = false;  // this was at a snapshot
  changed_since_checkpoint_ = changed_since_checkpoint;
}

void LearningLoop::Learn() {
  rate_since_ = options_.steady_now();
  rate_from_ = fit_->figures().positives;
  while (ObeyCommands() == Next::kGoOn) {
    if (!(options_.deterministic ? LearnBlock() : LearnSome())) return;
    CheckpointIfDue();
  }
}

bool LearningLoop::LearnSome() {
  const model::Sequence before = fit_->trained_through();
  fit_->Absorb(*interactions_);
  if (fit_->HasModel() && fit_->trained_through() > before) advanced_ = true;
  if (!fit_->Ready()) {
    // Too little to learn from: what is popular can be served.
    if (!fit_->HasModel() && fit_->pairs() > 0 && !published_untrained_) {
      published_untrained_ = true;
      PublishNow();
    }
    // What was taken back may have left too little of what was learnt.
    if (fit_->HasModel()) PublishIfDue();
    Rest(TrainerState::kWaiting);
    return true;
  }
  if (fit_->Settled()) {
    PublishIfDue();
    Rest(TrainerState::kIdle);
    return true;
  }
  return Step();
}

// By sequence, not by position, which erasures and retention change.
bool LearningLoop::LearnBlock() {
  const model::Sequence end = (fit_->absorbed_through() / kBlock + 1) * kBlock;
  if (interactions_->last_sequence() < end) {
    PublishIfDue();
    Rest(fit_->Ready() ? TrainerState::kIdle : TrainerState::kWaiting);
    return true;
  }
  fit_->Absorb(*interactions_, end);
  fit_->AdvanceThrough(end);
  if (!fit_->Ready()) return true;
  for (int step = 0; step < kMinStepsPerBlock || fit_->unvisited() > 0;
       ++step) {
    if (!Step()) return false;
  }
  return true;
}

bool LearningLoop::Step() {
  TAUD_SYNC_POINT("trainer/step");
  absl::Status status = fit_->Step();
  if (TAUD_SYNC_POINT_INJECTS("trainer/fail")) {
    status = absl::InternalError("injected");
  }
  if (!status.ok()) {
    Fail(std::string(status.message()));
    return false;
  }
  changed_ = changed_since_checkpoint_ = true;
  ReportStep();
  if (options_.steady_now() - last_publish_ >= options_.publish_interval)
    PublishNow();
  return true;
}

// When there is nothing left to learn. The first one does not wait: until then
// nothing may serve. The others do, however seldom there is something to learn:
// an index and what is cached beside it are made anew for each.
void LearningLoop::PublishIfDue() {
  const bool due =
      options_.steady_now() - last_publish_ >= options_.publish_interval;
  if (changed_ ? due || !published_ : advanced_ && due) PublishNow();
}

void LearningLoop::CheckpointIfDue() {
  if (checkpoint_ == nullptr || !changed_since_checkpoint_ ||
      options_.steady_now() - last_checkpoint_ < options_.checkpoint_interval) {
    return;
  }
  checkpoint_(ExportState());
  changed_since_checkpoint_ = false;
  last_checkpoint_ = options_.steady_now();
}

std::unique_ptr<model::TrainingState> LearningLoop::ExportState() const {
  std::unique_ptr<model::TrainingState> state = fit_->Export();
  state->created_ms = absl::ToUnixMillis(absl::Now());
  return state;
}

// Carries out what was asked for since the last step. A pause is spent here.
LearningLoop::Next LearningLoop::ObeyCommands() {
  while (true) {
    TrainerInbox::Orders orders = inbox_->Take();
    std::move(orders.forgettings.begin(), orders.forgettings.end(),
              std::back_inserter(forgetting_now_));
    // The state of before must not be what is served next.
    const bool forgets = !forgetting_now_.empty();
    while (!forgetting_now_.empty()) CarryOut(&forgetting_now_.front());
    if (orders.publish || (forgets && fit_->HasModel())) PublishNow();
    if (orders.stop) {
      // A request that came while publishing is kept too.
      if (!inbox_->CloseIfEmpty()) continue;
      absl::MutexLock lock(&mutex_);
      SetState(TrainerState::kStopped);
      return Next::kEnd;
    }
    if (!orders.paused) return Next::kGoOn;
    Rest(TrainerState::kPaused);
  }
}

// The one that is carried out is the first of forgetting_now_ until it is
// answered: Fail answers those that are left.
void LearningLoop::CarryOut(TrainerInbox::Forgetting* forgetting) {
  if (last_snapshot_ != nullptr) {
    model::ForgetRows(forgetting->users, forgetting->items,
                      last_snapshot_.get());
  }
  std::unique_ptr<model::TrainingState> state;
  try {
    fit_->Forget(forgetting->users, forgetting->items);
    changed_ = changed_ || fit_->HasModel();
    if (fit_->HasModel()) state = ExportState();
  } catch (const std::exception& error) {
    if (!place_->on_gpu()) throw;
    // Begins again without them: neither the snapshot nor the interactions
    // have them. Lists that were found with them are found anew.
    if (last_snapshot_ != nullptr) last_snapshot_->neighbours = {};
    LeaveGpu(error.what());
    if (fit_->HasModel()) state = ExportState();
  }
  auto done = std::move(forgetting->done);
  forgetting_now_.pop_front();
  done(std::move(state));
}

// Waits in `state` until there is something to look at.
void LearningLoop::Rest(TrainerState state) {
  {
    absl::MutexLock lock(&mutex_);
    FillFigures();
    SetState(state);
  }
  // What was learnt before the rest is kept, too.
  const absl::Time checkpoint_due =
      checkpoint_ != nullptr && changed_since_checkpoint_
          ? last_checkpoint_ + options_.checkpoint_interval
          : absl::InfiniteFuture();
  const bool publishes =
      (changed_ || advanced_) && fit_->HasModel() &&
      (state == TrainerState::kIdle || state == TrainerState::kWaiting);
  const absl::Time publish_due = publishes
                                     ? last_publish_ + options_.publish_interval
                                     : absl::InfiniteFuture();
  const absl::Duration left =
      std::min(checkpoint_due, publish_due) - options_.steady_now();
  inbox_->Await(model::SteadyNow() + left);
  rate_since_ = options_.steady_now();
  rate_from_ = fit_->figures().positives;
}

void LearningLoop::PublishNow() {
  std::unique_ptr<model::Snapshot> snapshot = fit_->MakeSnapshot();
  snapshot->created_ms = absl::ToUnixMillis(absl::Now());
  if (TAUD_SYNC_POINT_INJECTS("trainer/nan")) {
    snapshot->items.values[0] = std::nanf("");
  }
  {
    absl::MutexLock lock(&mutex_);
    SetQuantiles(snapshot->temperatures, &status_);
  }
  if (place_->on_gpu()) {
    last_snapshot_ = std::make_unique<model::Snapshot>(*snapshot);
  }
  publish_(std::move(snapshot));
  changed_ = advanced_ = false;
  published_ = true;
  last_publish_ = options_.steady_now();
  {
    absl::MutexLock lock(&mutex_);
    ++status_.publishes;
  }
  RetryGpu();
}

void LearningLoop::FillFigures() {
  const OnlineFitFigures figures = fit_->figures();
  status_.device = place_->name();
  status_.gpu_errors = place_->errors();
  status_.last_gpu_error = place_->last_error();
  absorbed_ = fit_->absorbed();
  unvisited_ = fit_->unvisited();
  inbox_->SetHasModel(fit_->HasModel());
  status_.steps = figures.steps;
  status_.epochs = figures.epochs;
  status_.loss = figures.loss;
  status_.gradient_norm = figures.gradient_norm;
  status_.tau0 = figures.tau0;
  status_.tau0_factor = figures.tau0_factor;
  status_.rho = figures.rho;
  status_.warming_up = figures.warming_up;
  status_.contained = figures.contained;
  status_.pairs = fit_->pairs();
  status_.trained_through = fit_->trained_through();
}

void LearningLoop::ReportStep() {
  const OnlineFitFigures figures = fit_->figures();
  const absl::Time now = options_.steady_now();
  absl::MutexLock lock(&mutex_);
  FillFigures();
  SetState(TrainerState::kTraining);
  const absl::Duration elapsed = now - rate_since_;
  if (elapsed >= absl::Seconds(1)) {
    status_.positives_per_second =
        static_cast<double>(figures.positives - rate_from_) /
        absl::ToDoubleSeconds(elapsed);
    rate_since_ = now;
    rate_from_ = figures.positives;
  }
}

void LearningLoop::Fail(const std::string& why) {
  // Half changed, perhaps; and an erasure must find nothing here.
  fit_.reset();
  std::vector<TrainerInbox::Forgetting> left = inbox_->Close();
  std::move(left.begin(), left.end(), std::back_inserter(forgetting_now_));
  // An erasure must not wait for what does not run.
  while (!forgetting_now_.empty()) {
    auto done = std::move(forgetting_now_.front().done);
    forgetting_now_.pop_front();
    done(nullptr);
  }
  absl::MutexLock lock(&mutex_);
  status_.error = why;
  SetState(TrainerState::kFailed);
}

void LearningLoop::SetState(TrainerState state) {
  if (status_.state != state) {
    status_.state_since_ms = absl::ToUnixMillis(absl::Now());
  }
  status_.state = state;
  if (state != TrainerState::kTraining) status_.positives_per_second = 0;
}

TrainerStatus LearningLoop::status() const {
  absl::MutexLock lock(&mutex_);
  TrainerStatus status = status_;
  const size_t size = interactions_->size();
  status.backlog = (size > absorbed_ ? size - absorbed_ : 0) + unvisited_;
  return status;
}

}  // namespace taud::trainer
