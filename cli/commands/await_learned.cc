#include "cli/commands/await_learned.h"

#include <cmath>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "cli/terminal/progress.h"
#include "taud/v1/model_service.grpc.pb.h"

namespace taud::cli {
namespace {

constexpr int kIntervalMs = 100;  // the least that the daemon takes

// Why nothing will be learnt, if so.
absl::Status CheckLearning(const v1::TrainerStatus& trainer) {
  if (trainer.state() == "paused") {
    return absl::FailedPreconditionError(
        "learning is paused; `tauctl resume` lets it go on");
  }
  if (trainer.state() != "failed") return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("learning has failed: ", trainer.error()));
}

std::string Standing(const v1::Status& status) {
  return absl::StrCat("snapshot ", status.serving().snapshot_version(),
                      " has learnt through ",
                      status.serving().snapshot_trained_through());
}

}  // namespace

void AddWait(CLI::App* command, double* seconds) {
  command
      ->add_option("--wait", *seconds,
                   "Then wait, at most so many seconds, until a snapshot "
                   "serves that has learnt from all of it; a token needs the "
                   "role observe for it")
      // Before anything is sent. CLI11's own checks let NaN pass.
      ->check([](const std::string& text) {
        double given = 0;
        const bool good =
            absl::SimpleAtod(text, &given) && std::isfinite(given) && given > 0;
        return good ? std::string() : text + " is no number of seconds above 0";
      });
}

absl::Status AwaitLearned(const Common& common, uint64_t sequence,
                          double seconds) {
  const auto stub = v1::ModelService::NewStub(Connect(common));
  const absl::Time until = absl::Now() + absl::Seconds(seconds);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(until));
  v1::WatchStatusRequest request;
  request.set_interval_ms(kIntervalMs);
  const auto stream = stub->WatchStatus(&context, request);
  Progress progress("interactions learnt");
  v1::Status status;
  while (stream->Read(&status)) {
    const uint64_t through = status.serving().snapshot_trained_through();
    // Of a file that an earlier run has sent: all that there is.
    if (sequence == 0) sequence = status.log().last_sequence();
    if (status.serving().snapshot_version() > 0 && through >= sequence) {
      context.TryCancel();
      return absl::OkStatus();
    }
    absl::Status learning = CheckLearning(status.trainer());
    if (!learning.ok()) {
      context.TryCancel();
      return learning;
    }
    progress.Show(Standing(status), -1);
  }
  const grpc::Status ended = stream->Finish();
  if (ended.error_code() != grpc::StatusCode::DEADLINE_EXCEEDED) {
    return FromRpc(ended, common.server);
  }
  const std::string& rejection = status.serving().last_rejection();
  return absl::DeadlineExceededError(absl::StrCat(
      "after ", seconds, " s ", Standing(status), ", not yet ", sequence,
      rejection.empty()
          ? ""
          : absl::StrCat("; the last one rejected: ", rejection)));
}

}  // namespace taud::cli
