#include "trainer/online/online_trainer.h"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <exception>
#include <iterator>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "model/steady_clock.h"
#include "model/sync_point.h"
#include "trainer/online/fit_state.h"
#include "trainer/online/learner_place.h"
#include "trainer/online/online_fit.h"

namespace taud::trainer {
namespace {

// The deterministic mode's block, by sequence, and the steps after each, more
// of them until every new pair was visited.
constexpr model::Sequence kBlock = 256;
constexpr int kMinStepsPerBlock = 4;

}  // namespace

class OnlineTrainer::Impl {
 public:
  Impl(const OnlineTrainerOptions& options, std::unique_ptr<LearnerPlace> place,
       const model::Interactions* interactions, Publish publish)
      : options_(options),
        interactions_(interactions),
        publish_(std::move(publish)),
        place_(std::move(place)) {
    absl::MutexLock lock(&mutex_);
    status_.device = place_->name();
  }

  ~Impl() { Stop(); }

  absl::Status WarmStart(const model::Snapshot& snapshot);
  absl::Status Resume(std::unique_ptr<model::TrainingState> state,
                      uint64_t num_users, uint64_t num_items);
  void SetCheckpoint(Checkpoint checkpoint) {
    checkpoint_ = std::move(checkpoint);
  }
  absl::Status Forget(std::vector<uint32_t> users, std::vector<uint32_t> items,
                      Checkpoint done);
  std::unique_ptr<model::TrainingState> StateWhenStopped() const {
    return fit_ != nullptr && fit_->HasModel() ? ExportState() : nullptr;
  }
  void Start();
  void Stop();
  void Notify();
  void SetPaused(bool paused);
  absl::Status RequestPublish();
  TrainerStatus status() const;

 private:
  enum class Next { kGoOn, kEnd };
  struct Forgetting {
    std::vector<uint32_t> users, items;
    Checkpoint done;
  };

  void Run();
  void MakeFit();
  // Starts again on the CPU from the last snapshot.
  void LeaveGpu(const std::string& error);
  // At a snapshot, when its time has come.
  void RetryGpu();
  void Learn();
  // One turn of the loop: some learning, or a rest. False if it failed.
  bool LearnSome();
  bool LearnBlock();
  bool Step();
  void CheckpointIfDue();
  std::unique_ptr<model::TrainingState> ExportState() const;
  Next ObeyCommands();
  void Rest(TrainerState state);
  void CarryOut(const Forgetting& forgetting);
  void PublishNow();
  void PublishIfDue();
  void ReportStep();
  void FillFigures() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Fail(const std::string& why);
  void SetState(TrainerState state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What ends a rest.
  bool Called() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stop_ || publish_requested_ || !forgettings_.empty() ||
           (paused_ ? false : notified_);
  }

  // Constant after construction.
  const OnlineTrainerOptions options_;
  const model::Interactions* const interactions_;
  const Publish publish_;

  // The trainer thread's; the owner's while it does not run.
  const std::unique_ptr<LearnerPlace> place_;  // outlives the fit
  // On a GPU: what was last handed out, to go on from if the GPU fails.
  std::unique_ptr<model::Snapshot> last_snapshot_;
  Checkpoint checkpoint_;  // set before the first start; may be null
  std::unique_ptr<model::Snapshot> warm_;  // until the fit has taken it over
  std::unique_ptr<model::TrainingState> resume_;  // the same
  std::unique_ptr<OnlineFit> fit_;
  std::deque<Forgetting> forgetting_now_;  // taken from forgettings_
  bool published_untrained_ = false;
  bool changed_ = false;  // since the last publish
  // The last snapshot does not say how far there is nothing left to learn.
  bool advanced_ = false;
  bool changed_since_checkpoint_ = false;
  absl::Time last_checkpoint_;
  absl::Time last_publish_;
  bool published_ = false;  // since the start
  absl::Time rate_since_;
  uint64_t rate_from_ = 0;  // positives learnt at rate_since_
  std::thread thread_;      // the owner's

  mutable absl::Mutex mutex_;
  model::SteadyAlarm alarm_;  // the trainer thread's
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  bool paused_ ABSL_GUARDED_BY(mutex_) = false;
  bool notified_ ABSL_GUARDED_BY(mutex_) = false;
  bool publish_requested_ ABSL_GUARDED_BY(mutex_) = false;
  bool has_model_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Forgetting> forgettings_ ABSL_GUARDED_BY(mutex_);
  // Interactions read, and those read but not yet learnt from.
  size_t absorbed_ ABSL_GUARDED_BY(mutex_) = 0;
  uint32_t unvisited_ ABSL_GUARDED_BY(mutex_) = 0;
  TrainerStatus status_ ABSL_GUARDED_BY(mutex_);
};

absl::Status OnlineTrainer::Impl::WarmStart(const model::Snapshot& snapshot) {
  if (snapshot.dim() != static_cast<size_t>(options_.dim)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "snapshot.dim is ", snapshot.dim(), ", trainer.dim is ", options_.dim));
  }
  absl::Status status = model::ValidateSnapshot(snapshot);
  if (!status.ok()) return status;
  warm_ = std::make_unique<model::Snapshot>(snapshot);
  return absl::OkStatus();
}

absl::Status OnlineTrainer::Impl::Resume(
    std::unique_ptr<model::TrainingState> state, uint64_t num_users,
    uint64_t num_items) {
  absl::Status status =
      CheckTrainingState(*state, options_.dim, num_users, num_items);
  if (!status.ok()) return status;
  resume_ = std::move(state);
  return absl::OkStatus();
}

absl::Status OnlineTrainer::Impl::Forget(std::vector<uint32_t> users,
                                         std::vector<uint32_t> items,
                                         Checkpoint done) {
  absl::MutexLock lock(&mutex_);
  if (!running_ || stop_) {
    return absl::UnavailableError(
        absl::StrCat("the trainer is ", TrainerStateName(status_.state)));
  }
  forgettings_.push_back({std::move(users), std::move(items), std::move(done)});
  return absl::OkStatus();
}

void OnlineTrainer::Impl::Start() {
  {
    absl::MutexLock lock(&mutex_);
    if (running_) return;
    if (status_.state == TrainerState::kFailed) {
      // Whatever failed may have left it half changed.
      fit_.reset();
      has_model_ = false;
    }
    // The thread has yet to take it over, but there is something to publish.
    if (warm_ != nullptr || resume_ != nullptr) has_model_ = true;
    running_ = true;
    stop_ = false;
    status_.error.clear();
    SetState(TrainerState::kWaiting);
  }
  if (thread_.joinable()) thread_.join();  // it has failed
  thread_ = std::thread([this] { Run(); });
}

void OnlineTrainer::Impl::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void OnlineTrainer::Impl::Notify() {
  absl::MutexLock lock(&mutex_);
  notified_ = true;
}

void OnlineTrainer::Impl::SetPaused(bool paused) {
  absl::MutexLock lock(&mutex_);
  paused_ = paused;
  notified_ = true;  // what arrived in between is looked at
}

absl::Status OnlineTrainer::Impl::RequestPublish() {
  absl::MutexLock lock(&mutex_);
  if (!running_ || stop_) {
    return absl::UnavailableError(
        absl::StrCat("the trainer is ", TrainerStateName(status_.state),
                     status_.error.empty() ? "" : ": ", status_.error));
  }
  if (!has_model_) {
    return absl::UnavailableError("the trainer has learnt nothing yet");
  }
  publish_requested_ = true;
  return absl::OkStatus();
}

TrainerStatus OnlineTrainer::Impl::status() const {
  absl::MutexLock lock(&mutex_);
  TrainerStatus status = status_;
  const size_t size = interactions_->size();
  status.backlog = (size > absorbed_ ? size - absorbed_ : 0) + unvisited_;
  return status;
}

void OnlineTrainer::Impl::SetState(TrainerState state) {
  if (status_.state != state) {
    status_.state_since_ms = absl::ToUnixMillis(absl::Now());
  }
  status_.state = state;
  if (state != TrainerState::kTraining) status_.positives_per_second = 0;
}

void OnlineTrainer::Impl::Run() {
  // The thread's edge: libraries throw (LibTorch c10::Error, std::bad_alloc),
  // the daemon goes on serving.
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

void OnlineTrainer::Impl::MakeFit() {
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

void OnlineTrainer::Impl::LeaveGpu(const std::string& error) {
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

void OnlineTrainer::Impl::RetryGpu() {
  if (!place_->TryAgain()) return;
  resume_ = fit_->Export();
  const bool changed_since_checkpoint = changed_since_checkpoint_;
  MakeFit();
  changed_ = false;  // this was at a snapshot
  changed_since_checkpoint_ = changed_since_checkpoint;
}

void OnlineTrainer::Impl::Learn() {
  rate_since_ = options_.steady_now();
  rate_from_ = fit_->figures().positives;
  while (ObeyCommands() == Next::kGoOn) {
    if (!(options_.deterministic ? LearnBlock() : LearnSome())) return;
    CheckpointIfDue();
  }
}

bool OnlineTrainer::Impl::LearnSome() {
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
bool OnlineTrainer::Impl::LearnBlock() {
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

bool OnlineTrainer::Impl::Step() {
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
void OnlineTrainer::Impl::PublishIfDue() {
  const bool due =
      options_.steady_now() - last_publish_ >= options_.publish_interval;
  if (changed_ ? due || !published_ : advanced_ && due) PublishNow();
}

void OnlineTrainer::Impl::CheckpointIfDue() {
  if (checkpoint_ == nullptr || !changed_since_checkpoint_ ||
      options_.steady_now() - last_checkpoint_ < options_.checkpoint_interval) {
    return;
  }
  checkpoint_(ExportState());
  changed_since_checkpoint_ = false;
  last_checkpoint_ = options_.steady_now();
}

std::unique_ptr<model::TrainingState> OnlineTrainer::Impl::ExportState() const {
  std::unique_ptr<model::TrainingState> state = fit_->Export();
  state->created_ms = absl::ToUnixMillis(absl::Now());
  return state;
}

// Carries out what was asked for since the last step. A pause is spent here.
OnlineTrainer::Impl::Next OnlineTrainer::Impl::ObeyCommands() {
  while (true) {
    bool publish = false;
    bool stop = false;
    bool paused = false;
    {
      absl::MutexLock lock(&mutex_);
      publish = std::exchange(publish_requested_, false);
      stop = stop_;
      paused = paused_;
      notified_ = false;
      std::move(forgettings_.begin(), forgettings_.end(),
                std::back_inserter(forgetting_now_));
      forgettings_.clear();
    }
    // The state of before must not be what is served next.
    const bool forgets = !forgetting_now_.empty();
    while (!forgetting_now_.empty()) CarryOut(forgetting_now_.front());
    if (forgets && fit_->HasModel()) publish = true;
    if (publish) PublishNow();
    if (stop) {
      absl::MutexLock lock(&mutex_);
      // A request that came while publishing is kept too.
      if (publish_requested_ || !forgettings_.empty()) continue;
      running_ = false;
      SetState(TrainerState::kStopped);
      return Next::kEnd;
    }
    if (!paused) return Next::kGoOn;
    Rest(TrainerState::kPaused);
  }
}

// The one that is carried out is the first of forgetting_now_ until its `done`
// is called: Fail calls those that are left.
void OnlineTrainer::Impl::CarryOut(const Forgetting& forgetting) {
  if (last_snapshot_ != nullptr) {
    model::ForgetRows(forgetting.users, forgetting.items, last_snapshot_.get());
  }
  std::unique_ptr<model::TrainingState> state;
  try {
    fit_->Forget(forgetting.users, forgetting.items);
    changed_ = changed_ || fit_->HasModel();
    if (fit_->HasModel()) state = ExportState();
  } catch (const std::exception& error) {
    if (!place_->on_gpu()) throw;
    // Begins again without them: neither the snapshot nor the interactions
    // have them.
    LeaveGpu(error.what());
    if (fit_->HasModel()) state = ExportState();
  }
  const Checkpoint done = forgetting.done;
  forgetting_now_.pop_front();
  done(std::move(state));
}

// Waits in `state` until there is something to look at.
void OnlineTrainer::Impl::Rest(TrainerState state) {
  absl::MutexLock lock(&mutex_);
  FillFigures();
  SetState(state);
  const bool was_paused = paused_;
  const auto called = [this, was_paused]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return paused_ != was_paused || Called();
  };
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
  alarm_.Await(&mutex_, absl::Condition(&called), model::SteadyNow() + left);
  rate_since_ = options_.steady_now();
  rate_from_ = fit_->figures().positives;
}

void OnlineTrainer::Impl::PublishNow() {
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

void OnlineTrainer::Impl::FillFigures() {
  const OnlineFitFigures figures = fit_->figures();
  status_.device = place_->name();
  status_.gpu_errors = place_->errors();
  status_.last_gpu_error = place_->last_error();
  absorbed_ = fit_->absorbed();
  unvisited_ = fit_->unvisited();
  has_model_ = fit_->HasModel();
  status_.steps = figures.steps;
  status_.epochs = figures.epochs;
  status_.loss = figures.loss;
  status_.gradient_norm = figures.gradient_norm;
  status_.tau0 = figures.tau0;
  status_.rho = figures.rho;
  status_.warming_up = figures.warming_up;
  status_.contained = figures.contained;
  status_.pairs = fit_->pairs();
  status_.trained_through = fit_->trained_through();
}

void OnlineTrainer::Impl::ReportStep() {
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

void OnlineTrainer::Impl::Fail(const std::string& why) {
  // Half changed, perhaps; and an erasure must find nothing here.
  fit_.reset();
  {
    absl::MutexLock lock(&mutex_);
    running_ = false;
    std::move(forgettings_.begin(), forgettings_.end(),
              std::back_inserter(forgetting_now_));
    forgettings_.clear();
  }
  // An erasure must not wait for what does not run.
  while (!forgetting_now_.empty()) {
    const Checkpoint done = std::move(forgetting_now_.front().done);
    forgetting_now_.pop_front();
    done(nullptr);
  }
  absl::MutexLock lock(&mutex_);
  status_.error = why;
  SetState(TrainerState::kFailed);
}

absl::StatusOr<std::unique_ptr<OnlineTrainer>> OnlineTrainer::Create(
    const OnlineTrainerOptions& options,
    const model::Interactions* interactions, Publish publish) {
  absl::Status status = ValidateOptions(options);
  if (!status.ok()) return status;
  if (interactions == nullptr || publish == nullptr) {
    return absl::InvalidArgumentError(
        "interactions and publish must be given to the trainer");
  }
  auto place =
      LearnerPlace::Create(options.device, options.dim, options.threads,
                           options.make_gpu_learner, options.on_gpu_error);
  if (!place.ok()) return place.status();
  return std::unique_ptr<OnlineTrainer>(
      new OnlineTrainer(std::make_unique<Impl>(options, *std::move(place),
                                               interactions, publish)));
}

OnlineTrainer::OnlineTrainer(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}
OnlineTrainer::~OnlineTrainer() = default;

absl::Status OnlineTrainer::WarmStart(const model::Snapshot& snapshot) {
  return impl_->WarmStart(snapshot);
}
absl::Status OnlineTrainer::Resume(std::unique_ptr<model::TrainingState> state,
                                   uint64_t num_users, uint64_t num_items) {
  return impl_->Resume(std::move(state), num_users, num_items);
}
void OnlineTrainer::SetCheckpoint(Checkpoint checkpoint) {
  impl_->SetCheckpoint(std::move(checkpoint));
}
absl::Status OnlineTrainer::Forget(std::vector<uint32_t> users,
                                   std::vector<uint32_t> items,
                                   Checkpoint done) {
  return impl_->Forget(std::move(users), std::move(items), std::move(done));
}
std::unique_ptr<model::TrainingState> OnlineTrainer::StateWhenStopped() const {
  return impl_->StateWhenStopped();
}
void OnlineTrainer::Start() { impl_->Start(); }
void OnlineTrainer::Stop() { impl_->Stop(); }
void OnlineTrainer::Notify() { impl_->Notify(); }
void OnlineTrainer::Pause() { impl_->SetPaused(true); }
void OnlineTrainer::Resume() { impl_->SetPaused(false); }
absl::Status OnlineTrainer::RequestPublish() { return impl_->RequestPublish(); }
TrainerStatus OnlineTrainer::status() const { return impl_->status(); }

}  // namespace taud::trainer
