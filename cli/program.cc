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

int Failed(const absl::Status& status) {
  std::cerr << "tauctl: " << InertLines(status.message()) << std::endl;
  return 1;
}

void AddTls(CLI::App* app, Common* common) {
  app->add_flag("--tls", common->tls,
                "Speak TLS; the server's certificate is checked")
      ->envname("TAUD_TLS");
  app->add_option("--ca", common->ca,
                  "File of those who vouch for the server, in PEM, instead of "
                  "the system's; with TLS")
      ->envname("TAUD_CA")
      ->check(CLI::ExistingFile);
  CLI::Option* certificate =
      app->add_option("--cert", common->certificate,
                      "File of this client's certificate, in PEM; with TLS")
          ->envname("TAUD_CERT")
          ->check(CLI::ExistingFile);
  CLI::Option* key =
      app->add_option("--key", common->key, "File of its private key, in PEM")
          ->envname("TAUD_KEY")
          ->check(CLI::ExistingFile);
  certificate->needs(key);
  key->needs(certificate);
  app->add_option("--server-name", common->server_name,
                  "Name that the server's certificate is to have, if it is not "
                  "that of --server; with TLS")
      ->envname("TAUD_SERVER_NAME");
}

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
  const auto own_token = FindToken("");
  if (!own_token.ok()) return Failed(own_token.status());
  common.token = *own_token;
  std::string token_file;
  app.add_option("--token-file", token_file,
                 "File with the token to call with; without it $TAUD_TOKEN "
                 "has it")
      ->envname("TAUD_TOKEN_FILE")
      ->check([&common](const std::string& path) {
        const auto token = FindToken(path);
        if (token.ok()) common.token = *token;
        return token.ok() ? std::string()
                          : std::string(token.status().message());
      });
  AddTls(&app, &common);
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
  AddToken(&app, &common, &result);
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
  return result.ok() ? 0 : Failed(result);
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
