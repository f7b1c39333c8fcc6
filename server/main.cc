// taud, the daemon.

#include <fcntl.h>
#include <poll.h>
#ifdef __GLIBC__
#include <malloc.h>
#include <sys/stat.h>
#endif
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "index/vector_instructions.h"
#include "server/daemon.h"
#include "server/lifecycle/config_loader.h"
#include "server/lifecycle/service_manager.h"
#include "server/lifecycle/synthetic_world.h"
#include "server/observe/logging.h"
#include "server/rpc/echo_server.h"
#include "store/files/backup.h"
#include "taud_commit.h"

namespace taud::server {
namespace {

struct Flags {
  std::string config;
  std::string data_dir;
  std::string grpc_address;
  std::string http_address;
  std::vector<std::string> overrides;
  std::string restore;
  std::string synthetic;
  size_t echo_bytes = 0;
  bool check_config = false;
  bool print_config = false;
};

// Gives memory from so many bytes on a mapping of its own, which goes back to
// the system when it is freed. glibc would raise its own threshold to the size
// of the first snapshot that is freed and put the next ones between small
// things, where what they leave is never whole again: with a swap every 0.4 s
// at 41,000 items 311 MiB instead of 261.
constexpr int kMappedBytes = 1 << 20;
void KeepLargeMemoryApart() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, kMappedBytes);
#endif
}

// Without an environment: for printing, and not checked as a whole.
absl::StatusOr<config::v1::Config> MakeConfig(const Flags& flags,
                                              const Environment& environment) {
  config::v1::Config config = DefaultConfig();
  if (!flags.config.empty()) {
    auto loaded = LoadConfig(flags.config, environment);
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
  if (environment != nullptr) {
    absl::Status status = CheckAddresses(config);
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

// The signal that came within `time`, or 0.
int WaitForSignal(absl::Duration time) {
  constexpr absl::Duration kLongest = absl::Hours(1);
  const int milliseconds =
      static_cast<int>(absl::ToInt64Milliseconds(std::min(time, kLongest)));
  pollfd waited = {signal_pipe[0], POLLIN, 0};
  if (poll(&waited, 1, milliseconds) <= 0) return 0;
  char byte = 0;
  return read(signal_pipe[0], &byte, 1) == 1 ? byte : 0;
}

// Until then the service manager hears every so often how it goes. Each part
// is asked for its state: one that never answers again is what the watchdog is
// for.
int ServeUntilSignal(const Daemon& daemon) {
  const absl::Duration interval = ServiceManagerInterval();
  NotifyServiceManager(absl::StrCat("READY=1\nSTATUS=", daemon.Summary()));
  for (;;) {
    const int signal = WaitForSignal(interval);
    if (signal != 0) return signal;
    NotifyServiceManager(absl::StrCat("WATCHDOG=1\nSTATUS=", daemon.Summary()));
  }
}

int Fail(const absl::Status& status) {
  std::cerr << "taud: " << status.message() << std::endl;
  return 1;
}

// Answers with nothing behind it, until a signal.
int Echo(const config::v1::Config& config, size_t bytes) {
  InitLogging(config.log().level(), config.log().format());
  absl::Status status = HandleSignals();
  if (!status.ok()) return Fail(status);
  auto echo = EchoServer::Start(config.server(), bytes);
  if (!echo.ok()) return Fail(echo.status());
  Log(LogLevel::kInfo, "listening",
      {{"grpc_port", absl::StrCat((*echo)->port())}, {"http_port", "0"}});
  Log(LogLevel::kInfo, "serving");
  while (WaitForSignal(absl::InfiniteDuration()) == 0) {
  }
  return 0;
}

int Serve(const config::v1::Config& config, const std::string& synthetic) {
  InitLogging(config.log().level(), config.log().format());
  absl::Status status = HandleSignals();
  if (!status.ok()) return Fail(status);
  index::UseOneBlasThread();
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
  NotifyServiceManager("STATUS=reading the log");
  if (synthetic.empty()) {
    status = (*daemon)->Run();
  } else {
    auto world = ParseSyntheticWorld(synthetic);
    if (!world.ok()) return Fail(world.status());
    status = (*daemon)->RunSynthetic(*world);
  }
  if (!status.ok()) return Fail(status);
  Log(LogLevel::kInfo, "serving");

  const int signal = ServeUntilSignal(**daemon);
  Log(LogLevel::kInfo, "signal", {{"signal", strsignal(signal)}});
  NotifyServiceManager("STOPPING=1\nSTATUS=draining");
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
  app.add_option("--synthetic", flags.synthetic,
                 "Serves random vectors instead of learning, for measuring: "
                 "users=N,items=N,seen=N,swap_ms=N,… in an empty data_dir; "
                 "`tauctl bench serve` uses it");
  app.add_option("--echo", flags.echo_bytes,
                 "Answers every Recommend with so many bytes and nothing "
                 "behind it: the transport's own limit, for measuring")
      ->check(CLI::Range(size_t{1}, size_t{16} << 20));
  app.add_flag("--check-config", flags.check_config,
               "Checks the configuration and exits");
  app.add_flag("--print-config", flags.print_config,
               "Prints the configuration, explained, and exits");
  app.set_version_flag("--version",
                       "taud " TAUD_VERSION " (commit " TAUD_COMMIT ")");
  CLI11_PARSE(app, argc, argv);

  auto config = MakeConfig(flags, ProcessEnvironment);
  if (!config.ok()) return Fail(config.status());
  if (flags.print_config) {
    // ${NAME} as it is in the file, and not what it stands for.
    const auto printed = MakeConfig(flags, nullptr);
    if (!printed.ok()) return Fail(printed.status());
    std::cout << PrintConfig(*printed);
    return 0;
  }
  if (flags.check_config) {
    std::cout << "the configuration is good\n";
    return 0;
  }
  if (!flags.restore.empty()) {
    umask(S_IRWXG | S_IRWXO);
    return Restore(flags.restore, config->store().data_dir());
  }
  // Whatever is created, whoever creates it, is for the owner only.
  umask(S_IRWXG | S_IRWXO);
  index::RestartWithVectorInstructions(argv);
  KeepLargeMemoryApart();
  if (flags.echo_bytes > 0) return Echo(*config, flags.echo_bytes);
  return Serve(*config, flags.synthetic);
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
