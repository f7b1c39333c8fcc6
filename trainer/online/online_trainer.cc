#include "trainer/online/online_trainer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "trainer/online/learner_place.h"
#include "trainer/online/learning_loop.h"

namespace taud::trainer {

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
  std::unique_ptr<OnlineTrainer> trainer(new OnlineTrainer);
  trainer->loop_ =
      std::make_unique<LearningLoop>(options, *std::move(place), interactions,
                                     std::move(publish), &trainer->inbox_);
  return trainer;
}

OnlineTrainer::OnlineTrainer() = default;
OnlineTrainer::~OnlineTrainer() { Stop(); }

absl::Status OnlineTrainer::WarmStart(const model::Snapshot& snapshot) {
  return loop_->WarmStart(snapshot);
}

absl::Status OnlineTrainer::Resume(std::unique_ptr<model::TrainingState> state,
                                   uint64_t num_users, uint64_t num_items) {
  return loop_->Resume(std::move(state), num_users, num_items);
}

void OnlineTrainer::SetCheckpoint(Checkpoint checkpoint) {
  loop_->SetCheckpoint(std::move(checkpoint));
}

void OnlineTrainer::Start() {
  if (inbox_.is_open()) return;
  if (thread_.joinable()) thread_.join();  // it has failed
  loop_->Prepare();
  inbox_.Open();
  thread_ = std::thread([this] { loop_->Run(); });
}

void OnlineTrainer::Stop() {
  inbox_.AskToStop();
  if (thread_.joinable()) thread_.join();
}

void OnlineTrainer::Notify() { inbox_.Notify(); }
void OnlineTrainer::Pause() { inbox_.SetPaused(true); }
void OnlineTrainer::Resume() { inbox_.SetPaused(false); }

absl::Status OnlineTrainer::RequestPublish() {
  switch (inbox_.RequestPublish()) {
    case TrainerInbox::Asked::kTaken:
      return absl::OkStatus();
    case TrainerInbox::Asked::kNothingLearnt:
      return absl::UnavailableError("the trainer has learnt nothing yet");
    case TrainerInbox::Asked::kNotRunning:
      break;
  }
  return NotRunning();
}

absl::Status OnlineTrainer::Forget(std::vector<uint32_t> users,
                                   std::vector<uint32_t> items,
                                   Forgotten done) {
  TrainerInbox::Forgetting forgetting{std::move(users), std::move(items),
                                      std::move(done)};
  if (inbox_.Forget(&forgetting) == TrainerInbox::Asked::kTaken) {
    return absl::OkStatus();
  }
  forgetting.done.Dismiss();
  return NotRunning();
}

absl::Status OnlineTrainer::NotRunning() const {
  const TrainerStatus status = loop_->status();
  return absl::UnavailableError(
      absl::StrCat("the trainer is ", TrainerStateName(status.state),
                   status.error.empty() ? "" : ": ", status.error));
}

std::unique_ptr<model::TrainingState> OnlineTrainer::StateWhenStopped() const {
  return loop_->StateWhenStopped();
}

TrainerStatus OnlineTrainer::status() const { return loop_->status(); }

}  // namespace taud::trainer
