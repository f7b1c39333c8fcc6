#include "tests/e2e/daemon_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"
#include "gtest/gtest.h"
#include "tests/e2e/raw_call.h"

extern char** environ;

namespace taud::e2e {
namespace {

constexpr absl::Duration kPatience = absl::Minutes(1);

std::string BinaryFor(const std::string& fault) {
#ifdef TAUD_FAULTS_BINARY
  if (!fault.empty()) return TAUD_FAULTS_BINARY;
#endif
  if (!fault.empty()) std::abort();  // this test was built without it
  return TAUD_BINARY;
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern =
      (std::filesystem::temp_directory_path() / "taud-test-XXXXXX").string();
  path_ = mkdtemp(pattern.data());
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

DaemonProcess::DaemonProcess(const std::string& data_dir,
                             const std::vector<std::string>& arguments,
                             const std::string& fault) {
  const std::string binary = BinaryFor(fault);
  // Later ones win: a test can set the addresses, too.
  std::vector<std::string> all = {binary,
                                  "--data-dir",
                                  data_dir,
                                  "--set",
                                  "server.grpc_address=127.0.0.1:0",
                                  "--set",
                                  "server.http_address=127.0.0.1:0"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& argument : all) argv.push_back(argument.data());
  argv.push_back(nullptr);

  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  if (!fault.empty()) setenv("TAUD_FAULT", fault.c_str(), 1);
  if (posix_spawn(&pid_, binary.c_str(), &actions, nullptr, argv.data(),
                  environ) != 0) {
    pid_ = -1;
  }
  unsetenv("TAUD_FAULT");
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  stderr_ = ends[0];
  reader_ = std::thread([this] { ReadLog(); });
}

DaemonProcess::~DaemonProcess() {
#ifdef __SANITIZE_ADDRESS__
  // What is leaked is looked for at an orderly end alone.
  if (pid_ > 0) {
    Signal(SIGTERM);
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&ended_), kPatience);
  }
#endif
  Kill();
  reader_.join();
  close(stderr_);
  CheckLog();
}

void DaemonProcess::ReadLog() {
  char buffer[4096];
  ssize_t n = 0;
  while ((n = read(stderr_, buffer, sizeof(buffer))) > 0) {
    absl::MutexLock lock(&mutex_);
    log_.append(buffer, static_cast<size_t>(n));
  }
  absl::MutexLock lock(&mutex_);
  ended_ = true;
}

void DaemonProcess::CheckLog() const {
  for (const char* report :
       {"AddressSanitizer", "LeakSanitizer", "ThreadSanitizer",
        "UndefinedBehaviorSanitizer", "runtime error: "}) {
    const std::string text = log();
    const size_t at = text.find(report);
    if (at == std::string::npos) continue;
    ADD_FAILURE() << "the daemon's log has a report:\n"
                  << text.substr(at, 4000);
    return;
  }
}

std::string DaemonProcess::log() const {
  absl::MutexLock lock(&mutex_);
  return log_;
}

bool DaemonProcess::WaitForLog(const std::string& text) {
  absl::MutexLock lock(&mutex_);
  const auto there = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return log_.find(text) != std::string::npos || ended_;
  };
  mutex_.AwaitWithTimeout(absl::Condition(&there), kPatience);
  return log_.find(text) != std::string::npos;
}

bool DaemonProcess::WaitUntilServing() {
  return WaitUntilListening() && WaitForLog(" serving\n");
}

bool DaemonProcess::WaitUntilListening() {
  // The line ends with the version: by then it has the ports.
  if (!WaitForLog("listening") || !WaitForLog("version=")) return false;
  const std::string text = log();
  const size_t at = text.find("grpc_port=");
  return std::sscanf(text.c_str() + at, "grpc_port=%d http_port=%d",
                     &grpc_port_, &http_port_) == 2;
}

std::string DaemonProcess::grpc_address() const {
  return absl::StrCat("127.0.0.1:", grpc_port_);
}

std::shared_ptr<grpc::Channel> DaemonProcess::channel() const {
  // Each test its own connection: gRPC would share one by default.
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(64 << 20);
  return grpc::CreateCustomChannel(
      grpc_address(), grpc::InsecureChannelCredentials(), arguments);
}

void DaemonProcess::Signal(int signal) {
  if (pid_ > 0) kill(pid_, signal);
}

int DaemonProcess::Wait() {
  if (pid_ <= 0) return -1;
  {
    // Its end closes the pipe.
    absl::MutexLock lock(&mutex_);
    if (!mutex_.AwaitWithTimeout(absl::Condition(&ended_), kPatience)) {
      return -1;
    }
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void DaemonProcess::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

// Without its generated code: field 1 of the request is the service's name,
// field 1 of the response the status.
std::string HealthOf(const DaemonProcess& daemon, const std::string& service) {
  grpc::ClientContext context;
  std::string bytes;
  if (!service.empty()) {
    bytes = std::string("\x0A") + static_cast<char>(service.size()) + service;
  }
  grpc::ByteBuffer response;
  const grpc::Status status =
      CallRaw(daemon.channel(), "/grpc.health.v1.Health/Check", bytes, &context,
              &response);
  if (!status.ok()) return status.error_message();
  grpc::Slice answer;
  if (!response.TrySingleSlice(&answer).ok() || answer.size() < 2) return "";
  return answer.begin()[1] == 1 ? "SERVING" : "NOT_SERVING";
}

}  // namespace taud::e2e
