// taud, the daemon.

#include <cblas.h>
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <system_error>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "server/config_loader.h"
#include "server/daemon.h"
#include "server/logging.h"
#include "store/backup.h"

namespace taud::server {
namespace {

struct Flags {
  std::string config;
  std::string data_dir;
  std::string grpc_address;
  std::string http_address;
  std::vector<std::string> overrides;
  std::string restore;
  bool check_config = false;
  bool print_config = false;
};

absl::StatusOr<config::v1::Config> MakeConfig(const Flags& flags) {
  config::v1::Config config = DefaultConfig();
  if (!flags.config.empty()) {
    auto loaded = LoadConfig(flags.config);
    if (!loaded.ok()) return loaded.status();
    config = *std::move(loaded);
  }
  std::vector<std::string> overrides = flags.overrides;
  const struct {
    const char* key;
    const std::string& value;
  } shorthands[] = {{"store.data_dir", flags.data_dir},
                    {"server.grpc_address", flags.grpc_address},
                    {"server.http_address", flags.http_address}};
  for (const auto& shorthand : shorthands) {
    if (shorthand.value.empty()) continue;
    overrides.push_back(absl::StrCat(shorthand.key, "=", shorthand.value));
  }
  for (const std::string& assignment : overrides) {
    absl::Status status = OverrideConfig(assignment, &config);
    if (!status.ok()) return status;
  }
  return config;
}

// The first signal is a byte in this pipe; a second one ends the process.
int signal_pipe[2] = {-1, -1};
volatile std::sig_atomic_t signals_seen = 0;

// Runs on any thread, some of which the libraries made before main: that is
// why signals are handled and not blocked and waited for.
void OnSignal(int signal) {
  signals_seen = signals_seen + 1;
  if (signals_seen > 1) {
    constexpr char kMessage[] = "taud: second signal, exiting at once\n";
    (void)!write(STDERR_FILENO, kMessage, sizeof(kMessage) - 1);
    _exit(1);
  }
  const auto byte = static_cast<char>(signal);
  (void)!write(signal_pipe[1], &byte, 1);
}

absl::Status HandleSignals() {
  if (pipe2(signal_pipe, O_CLOEXEC) != 0) {
    return absl::InternalError("cannot make a pipe");
  }
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return absl::OkStatus();
}

int WaitForSignal() {
  char byte = 0;
  while (read(signal_pipe[0], &byte, 1) != 1) {
  }
  return byte;
}

int Fail(const absl::Status& status) {
  std::cerr << "taud: " << status.message() << std::endl;
  return 1;
}

// OpenBLAS chooses its kernels when it is loaded, by the processor's model
// number; for a model newer than itself it falls back to SSE, at a quarter of
// the speed. It can be told by a variable only, so the program starts again
// with it set.
void UseVectorInstructions(char** argv) {
  constexpr char kVariable[] = "OPENBLAS_CORETYPE";
  constexpr char kFallback[] = "Prescott";
  if (std::getenv(kVariable) != nullptr) return;
  if (std::strcmp(openblas_get_corename(), kFallback) != 0) return;
  const char* kernels = nullptr;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    kernels = "Haswell";
  }
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq")) {
    kernels = "SkylakeX";
  }
#endif
  if (kernels == nullptr) return;
  // Its own path, not /proc/self/exe: the process keeps its name.
  std::error_code error;
  const std::string self =
      std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return;
  setenv(kVariable, kernels, 1);
  execv(self.c_str(), argv);
  // Only if that failed: slower, and right.
}

int Serve(const config::v1::Config& config) {
  InitLogging(config.log().level(), config.log().format());
  absl::Status status = HandleSignals();
  if (!status.ok()) return Fail(status);
  // OpenBLAS has one pool for the process: with more than one thread, a
  // search would wait for the trainer's products.
  openblas_set_num_threads(1);
  // Debian's Abseil looks for lock cycles in release builds too: a third of
  // the time of reading the log, and some of every request.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);

  auto daemon = Daemon::Start(config);
  if (!daemon.ok()) return Fail(daemon.status());
  Log(LogLevel::kInfo, "listening",
      {{"grpc_port", absl::StrCat((*daemon)->grpc_port())},
       {"http_port", absl::StrCat((*daemon)->http_port())},
       {"data_dir", config.store().data_dir()},
       {"version", TAUD_VERSION}});
  status = (*daemon)->Run();
  if (!status.ok()) return Fail(status);
  Log(LogLevel::kInfo, "serving");

  const int signal = WaitForSignal();
  Log(LogLevel::kInfo, "signal", {{"signal", strsignal(signal)}});
  (*daemon)->Drain();
  return 0;
}

int Restore(const std::string& backup, const std::string& data_dir) {
  bool terminal = isatty(STDERR_FILENO) == 1;
  const absl::Status status = store::RestoreBackup(
      backup, data_dir, [terminal](uint64_t done, uint64_t all) {
        if (terminal) std::cerr << "\rrestored " << done << " of " << all;
      });
  if (terminal) std::cerr << "\n";
  if (!status.ok()) return Fail(status);
  std::cout << data_dir << " restored from " << backup
            << "; start taud with --data-dir " << data_dir << "\n";
  return 0;
}

int Main(int argc, char** argv) {
  CLI::App app(
      "taud learns from a stream of interactions and answers top-K "
      "recommendations over gRPC.");
  Flags flags;
  app.add_option("--config", flags.config, "Configuration file (YAML)");
  app.add_option("--data-dir", flags.data_dir, "Same as store.data_dir");
  app.add_option("--grpc-address", flags.grpc_address,
                 "Same as server.grpc_address");
  app.add_option("--http-address", flags.http_address,
                 "Same as server.http_address");
  app.add_option("--set", flags.overrides,
                 "Sets one key over the file, as trainer.threads=2");
  app.add_option("--restore", flags.restore,
                 "Makes the data directory, which must be missing or empty, "
                 "of this backup, and exits");
  app.add_flag("--check-config", flags.check_config,
               "Checks the configuration and exits");
  app.add_flag("--print-config", flags.print_config,
               "Prints the configuration, explained, and exits");
  app.set_version_flag("--version", "taud " TAUD_VERSION);
  CLI11_PARSE(app, argc, argv);

  auto config = MakeConfig(flags);
  if (!config.ok()) return Fail(config.status());
  if (flags.print_config) {
    std::cout << PrintConfig(*config);
    return 0;
  }
  if (flags.check_config) {
    std::cout << "the configuration is good\n";
    return 0;
  }
  if (!flags.restore.empty()) {
    return Restore(flags.restore, config->store().data_dir());
  }
  UseVectorInstructions(argv);
  return Serve(*config);
}

}  // namespace
}  // namespace taud::server

int main(int argc, char** argv) {
  try {
    return taud::server::Main(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "taud: " << e.what() << std::endl;
    return 1;
  }
}
