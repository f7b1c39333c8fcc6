// tauctl rollback, tauctl backup

#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/terminal/output.h"
#include "taud/v1/model_service.grpc.pb.h"

namespace taud::cli {
namespace {

absl::Status Rollback(const Common& common, uint64_t version) {
  grpc::ClientContext context;
  Prepare(common, &context);
  v1::RollbackRequest request;
  request.set_version(version);
  v1::RollbackResponse response;
  const auto stub = v1::ModelService::NewStub(Connect(common));
  const grpc::Status status = stub->Rollback(&context, request, &response);
  if (!status.ok()) return FromRpc(status, common.server);
  if (common.json) {
    std::cout << ToJson(response, true);
  } else {
    std::cout << "snapshot " << response.version()
              << " serves, trained through interaction "
              << Count(response.trained_through())
              << ", until `tauctl publish`\n";
  }
  return absl::OkStatus();
}

absl::Status Backup(const Common& common, const std::string& directory) {
  grpc::ClientContext context;  // no deadline: as long as it takes
  v1::BackupRequest request;
  request.set_directory(
      std::filesystem::absolute(directory).lexically_normal().string());
  v1::BackupResponse response;
  const auto stub = v1::ModelService::NewStub(Connect(common));
  if (!common.json) {
    std::cerr << "taud makes a backup in " << Inert(request.directory())
              << "\n";
  }
  const grpc::Status status = stub->Backup(&context, request, &response);
  if (!status.ok()) return FromRpc(status, common.server);
  if (common.json) {
    std::cout << ToJson(response, true);
  } else {
    std::cout << Inert(response.directory()) << ": " << Count(response.files())
              << " files, " << Bytes(response.bytes())
              << ", through interaction " << Count(response.last_sequence())
              << "; `tauctl verify` checks it, `taud --restore` brings it "
                 "back\n";
  }
  return absl::OkStatus();
}

}  // namespace

void AddRollback(CLI::App* app, const Common* common, absl::Status* result) {
  auto version = std::make_shared<uint64_t>(0);
  CLI::App* command = app->add_subcommand(
      "rollback",
      "Puts an earlier snapshot back into service until the next publish");
  command->add_option("version", *version,
                      "As `tauctl snapshots` lists it; without it, the newest "
                      "that is older than the serving one");
  command->callback(
      [common, version, result] { *result = Rollback(*common, *version); });
}

void AddBackup(CLI::App* app, const Common* common, absl::Status* result) {
  auto directory = std::make_shared<std::string>();
  CLI::App* command = app->add_subcommand(
      "backup", "Has the daemon copy its data while it runs");
  command
      ->add_option("directory", *directory,
                   "A new directory on the daemon's host")
      ->required();
  command->callback(
      [common, directory, result] { *result = Backup(*common, *directory); });
}

}  // namespace taud::cli
