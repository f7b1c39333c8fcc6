#include "cli/client/child_daemon.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"

extern char** environ;

namespace taud::cli {
namespace {

constexpr absl::Duration kPatience = absl::Minutes(1);

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Those that live, for InterruptGuard. A child is ended under the mutex, by its
// owner or by the guard.
absl::Mutex children_mutex(absl::kConstInit);
std::set<ChildDaemon*>* children ABSL_GUARDED_BY(children_mutex) = nullptr;

// Where the signal handler writes the signal's number; 0 ends the guard.
int signal_pipe[2] = {-1, -1};
constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};

void OnSignal(int signal) {
  const auto number = static_cast<unsigned char>(signal);
  // Nothing can be done about a failure here.
  const ssize_t ignored = write(signal_pipe[1], &number, 1);
  (void)ignored;
}

void Handle(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  for (const int signal : kSignals) sigaction(signal, &action, nullptr);
}

}  // namespace

ChildDaemon::ChildDaemon() {
  absl::MutexLock lock(&children_mutex);
  if (children == nullptr) children = new std::set<ChildDaemon*>;
  children->insert(this);
}

ChildDaemon::~ChildDaemon() {
  absl::MutexLock lock(&children_mutex);
  children->erase(this);
  End();
}

void ChildDaemon::End() {
  if (pid_ > 0) {
    // What it holds is thrown away: there is nothing to save.
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

InterruptGuard::InterruptGuard() {
  if (pipe2(signal_pipe, O_CLOEXEC) != 0) return;  // as without a guard
  Handle(OnSignal);
  thread_ = std::thread([this] { Wait(); });
}

InterruptGuard::~InterruptGuard() {
  if (!thread_.joinable()) return;
  Handle(SIG_DFL);
  OnSignal(0);
  thread_.join();
  close(signal_pipe[0]);
  close(signal_pipe[1]);
}

void InterruptGuard::Wait() {
  unsigned char signal = 0;
  while (read(signal_pipe[0], &signal, 1) != 1) {
  }
  if (signal == 0) return;
  // Held to the end: nobody starts another child.
  absl::MutexLock lock(&children_mutex);
  if (children != nullptr) {
    for (ChildDaemon* child : *children) child->End();
  }
  Handle(SIG_DFL);
  kill(getpid(), signal);
  pause();
}

absl::StatusOr<std::unique_ptr<ChildDaemon>> ChildDaemon::Start(
    const std::vector<std::string>& arguments) {
  std::unique_ptr<ChildDaemon> child(new ChildDaemon);
  absl::Status status = child->Spawn(arguments);
  if (status.ok()) status = child->AwaitPort();
  if (!status.ok()) return status;
  return child;
}

absl::Status ChildDaemon::Spawn(const std::vector<std::string>& arguments) {
  std::error_code error;
  const std::filesystem::path self =
      std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string binary = (self.parent_path() / "taud").string();
  if (error || access(binary.c_str(), X_OK) != 0) {
    return absl::NotFoundError(absl::StrCat(
        binary, " is not there: build the target taud beside tauctl"));
  }
  // The guard ends a child that is begun, or it has not begun.
  absl::MutexLock lock(&children_mutex);
  std::string pattern =
      (std::filesystem::temp_directory_path() / "tauctl-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) {
    return absl::UnavailableError(
        absl::StrCat("cannot make a directory like ", pattern));
  }
  directory_ = pattern;
  log_path_ = directory_ + "/log.txt";
  std::vector<std::string> all = {
      binary,        "--data-dir",     directory_ + "/data", "--grpc-address",
      "127.0.0.1:0", "--http-address", "127.0.0.1:0"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  argv.reserve(all.size() + 1);
  for (std::string& argument : all) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log_path_.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int failed = posix_spawn(&pid_, binary.c_str(), &actions, nullptr,
                                 argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed == 0) return absl::OkStatus();
  pid_ = -1;
  return absl::UnavailableError(absl::StrCat("cannot start ", binary));
}

bool ChildDaemon::HasEnded() {
  absl::MutexLock lock(&children_mutex);
  if (waitpid(pid_, nullptr, WNOHANG) != pid_) return false;
  pid_ = -1;
  return true;
}

absl::Status ChildDaemon::AwaitPort() {
  const absl::Time deadline = absl::Now() + kPatience;
  while (absl::Now() < deadline) {
    const std::string log = ReadFile(log_path_);
    const size_t at = log.find("grpc_port=");
    int port = 0;
    // The line is whole when something stands behind the number.
    if (at != std::string::npos && log.find('\n', at) != std::string::npos &&
        std::sscanf(log.c_str() + at, "grpc_port=%d", &port) == 1) {
      address_ = absl::StrCat("127.0.0.1:", port);
      return absl::OkStatus();
    }
    if (HasEnded()) {
      return absl::UnavailableError(absl::StrCat("taud ended:\n", log));
    }
    absl::SleepFor(absl::Milliseconds(20));
  }
  return absl::DeadlineExceededError("taud did not listen within a minute");
}

}  // namespace taud::cli
