// tauctl status

#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/commands/commands.h"
#include "cli/commands/status_text.h"
#include "cli/terminal/output.h"
#include "taud/v1/model_service.grpc.pb.h"

namespace taud::cli {
namespace {

struct StatusFlags {
  bool watch = false;
  int interval_ms = 1000;
};

absl::Status GetStatus(const Common& common) {
  grpc::ClientContext context;
  Prepare(common, &context);
  v1::Status response;
  const auto stub = v1::ModelService::NewStub(Connect(common));
  const grpc::Status status =
      stub->GetStatus(&context, v1::GetStatusRequest(), &response);
  if (!status.ok()) return FromRpc(status, common.server);
  std::cout << (common.json ? ToJson(response, true)
                            : DescribeStatus(response, TerminalWidth()));
  return absl::OkStatus();
}

// How long a daemon that went away is given before it is asked again.
constexpr absl::Duration kReconnect = absl::Milliseconds(500);

// Statuses as they come, until the stream ends.
class Watcher {
 public:
  explicit Watcher(const Common& common)
      : common_(common), terminal_(isatty(STDOUT_FILENO) == 1) {}

  // One call.
  grpc::Status Follow(v1::ModelService::Stub* stub, int interval_ms) {
    grpc::ClientContext context;  // no deadline: until interrupted
    v1::WatchStatusRequest request;
    request.set_interval_ms(interval_ms);
    const auto stream = stub->WatchStatus(&context, request);
    v1::Status status;
    while (stream->Read(&status)) {
      Show(status);
      seen_ = true;
      told_gone_ = false;
      before_ = status;
      knows_before_ = true;
    }
    knows_before_ = false;
    return stream->Finish();
  }

  // Once for each time that it goes away.
  void ShowGone(const grpc::Status& status) {
    if (told_gone_) return;
    told_gone_ = true;
    // Standard output is for statuses, if a program reads it.
    std::ostream& out = terminal_ && !common_.json ? std::cout : std::cerr;
    out << Wrapped(Inert(absl::StrCat(common_.server,
                                      " does not answer; waiting for it (",
                                      status.error_message(), ")")),
                   TerminalWidth())
        << std::flush;
  }

  // Whether anything came in any call.
  bool seen() const { return seen_; }

 private:
  void Show(const v1::Status& status) const {
    if (common_.json) {
      std::cout << ToJson(status, false) << std::flush;
      return;
    }
    if (terminal_) std::cout << "\033[H\033[2J";
    std::cout << DescribeEssentials(status, knows_before_ ? &before_ : nullptr,
                                    TerminalWidth())
              << (terminal_ ? "" : "\n") << std::flush;
  }

  const Common& common_;
  const bool terminal_;
  bool seen_ = false;
  bool told_gone_ = false;
  bool knows_before_ = false;
  v1::Status before_;
};

// Whether a daemon that is restarted may answer all the same. One that stops
// cancels what comes to it at its end.
bool MayComeBack(grpc::StatusCode code) {
  return code == grpc::StatusCode::UNAVAILABLE ||
         code == grpc::StatusCode::CANCELLED ||
         code == grpc::StatusCode::UNKNOWN ||
         code == grpc::StatusCode::INTERNAL;
}

// Until interrupted: a daemon that has answered once is waited for when it goes
// away, as while it is restarted.
absl::Status Watch(const Common& common, int interval_ms) {
  const auto stub = v1::ModelService::NewStub(Connect(common));
  Watcher watcher(common);
  while (true) {
    const grpc::Status status = watcher.Follow(stub.get(), interval_ms);
    if (!watcher.seen() || !MayComeBack(status.error_code())) {
      return FromRpc(status, common.server);
    }
    watcher.ShowGone(status);
    absl::SleepFor(kReconnect);
  }
}

}  // namespace

void AddStatus(CLI::App* app, const Common* common, absl::Status* result) {
  auto flags = std::make_shared<StatusFlags>();
  CLI::App* command = app->add_subcommand("status", "What the daemon is doing");
  command->add_flag("--watch", flags->watch, "Again and again, until Ctrl-C");
  command
      ->add_option("--interval-ms", flags->interval_ms,
                   "With --watch: how often")
      ->check(CLI::Range(100, 60000))
      ->capture_default_str();
  command->callback([common, flags, result] {
    *result =
        flags->watch ? Watch(*common, flags->interval_ms) : GetStatus(*common);
  });
}

}  // namespace taud::cli
