// taud, the daemon.

#include <cblas.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "server/config_loader.h"
#include "server/daemon.h"
#include "server/logging.h"

namespace taud::server {
namespace {

struct Flags {
  std::string config;
  std::string data_dir;
  std::string grpc_address;
  std::string http_address;
  std::vector<std::string> overrides;
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

// Signals are waited for, not handled: every thread inherits the mask.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

int WaitForSignal(const sigset_t& signals) {
  int signal = 0;
  sigwait(&signals, &signal);
  return signal;
}

int Fail(const absl::Status& status) {
  std::cerr << "taud: " << status.message() << std::endl;
  return 1;
}

int Serve(const config::v1::Config& config) {
  InitLogging(config.log().level(), config.log().format());
  const sigset_t signals = BlockSignals();
  // OpenBLAS has one pool for the process: with more than one thread, a
  // search would wait for the trainer's products.
  openblas_set_num_threads(1);

  auto daemon = Daemon::Start(config);
  if (!daemon.ok()) return Fail(daemon.status());
  Log(LogLevel::kInfo, "listening",
      {{"grpc_port", absl::StrCat((*daemon)->grpc_port())},
       {"http_port", absl::StrCat((*daemon)->http_port())},
       {"data_dir", config.store().data_dir()},
       {"version", TAUD_VERSION}});
  absl::Status status = (*daemon)->Run();
  if (!status.ok()) return Fail(status);
  Log(LogLevel::kInfo, "serving");

  const int signal = WaitForSignal(signals);
  Log(LogLevel::kInfo, "signal", {{"signal", strsignal(signal)}});
  // It ends with the process: a second signal means at once.
  std::thread([signals] {
    WaitForSignal(signals);
    Log(LogLevel::kWarning, "second signal, exiting at once");
    std::_Exit(1);
  }).detach();
  (*daemon)->Drain();
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
