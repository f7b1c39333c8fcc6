// tauctl: everything a person does with taud.

#include <cstdlib>
#include <exception>
#include <iostream>

#include "CLI/CLI.hpp"
#include "cli/client.h"
#include "cli/commands.h"

namespace taud::cli {
namespace {

int Main(int argc, char** argv) {
  CLI::App app("tauctl talks to a running taud.");
  Common common;
  absl::Status result;
  app.add_option("--server", common.server, "host:port of taud's gRPC API")
      ->envname("TAUD_SERVER")
      ->capture_default_str();
  app.add_option("--timeout", common.timeout_seconds,
                 "Seconds a single call may take")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
  app.add_flag("--json", common.json, "Print JSON instead of tables");
  app.set_version_flag("--version", "tauctl " TAUD_VERSION);
  // --server and --json may stand behind the sub-command, too.
  app.fallthrough();
  app.require_subcommand(1);
  AddRecommend(&app, &common, &result);
  AddSimilar(&app, &common, &result);
  AddIngest(&app, &common, &result);
  AddItems(&app, &common, &result);
  AddUsers(&app, &common, &result);
  AddSimulate(&app, &common, &result);
  AddStatus(&app, &common, &result);
  AddSnapshots(&app, &common, &result);
  AddPublish(&app, &common, &result);
  AddRollback(&app, &common, &result);
  AddErasure(&app, &common, &result);
  AddBackup(&app, &common, &result);
  AddVerify(&app, &common, &result);
  AddExport(&app, &common, &result);
  AddBench(&app, &common, &result);
  AddLab(&app, &common, &result);
  CLI11_PARSE(app, argc, argv);
  if (result.ok()) return 0;
  std::cerr << "tauctl: " << result.message() << std::endl;
  return 1;
}

}  // namespace
}  // namespace taud::cli

int main(int argc, char** argv) {
  try {
    return taud::cli::Main(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "tauctl: " << e.what() << std::endl;
    return 1;
  }
}
