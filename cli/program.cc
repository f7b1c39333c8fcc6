#include "cli/program.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <iostream>
#include <string>

#include "CLI/CLI.hpp"
#include "cli/bench/commands.h"
#include "cli/client/client.h"
#include "cli/commands/commands.h"
#include "cli/lab/commands.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/output.h"
#include "lab/search_limit.h"
#include "taud_commit.h"

namespace taud::cli {
namespace {

int RunParsed(int argc, const Program& program) {
  // `bench` searches in this process, and should be as quick as taud; the
  // tensors of tauctl-lab multiply with OpenBLAS.
  const bool measures = std::any_of(
      program.argv, program.argv + argc,
      [](const char* word) { return std::strcmp(word, "bench") == 0; });
  if (measures || program.tensors != nullptr) {
    lab::RestartWithVectorInstructions(program.argv);
  }
  CLI::App app("tauctl talks to a running taud.", "tauctl");
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
  app.set_version_flag("--version",
                       "tauctl " TAUD_VERSION " (commit " TAUD_COMMIT ")");
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
  AddPause(&app, &common, &result);
  AddDecisions(&app, &common, &result);
  AddRollback(&app, &common, &result);
  AddRetract(&app, &common, &result);
  AddErasure(&app, &common, &result);
  AddBackup(&app, &common, &result);
  AddVerify(&app, &common, &result);
  AddExport(&app, &common, &result);
  AddBench(&app, &common, &result);
  AddLab(&app, &common, &program, &result);
  try {
    ParseWords({program.argv + 1, program.argv + argc}, &app);
  } catch (const CLI::ParseError& error) {
    // --help and --version come this way, too.
    if (error.get_exit_code() == 0) return app.exit(error);
    std::cerr << ParseErrorText(app, error) << std::endl;
    return error.get_exit_code();
  }
  if (result.ok()) return 0;
  std::cerr << "tauctl: " << InertLines(result.message()) << std::endl;
  return 1;
}

}  // namespace

int RunProgram(int argc, Program program) {
  try {
    return RunParsed(argc, program);
  } catch (const std::exception& e) {
    std::cerr << "tauctl: " << InertLines(e.what()) << std::endl;
    return 1;
  }
}

}  // namespace taud::cli
