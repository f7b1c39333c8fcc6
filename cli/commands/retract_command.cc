// tauctl retract

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/terminal/confirm.h"
#include "cli/terminal/output.h"
#include "taud/v1/ingestion_service.grpc.pb.h"

namespace taud::cli {
namespace {

struct RetractFlags {
  std::string user, item;
  std::vector<uint64_t> sequences;
  std::vector<std::string> event_ids;
  bool yes = false;
};

absl::Status Retract(const Common& common, const RetractFlags& flags) {
  v1::RetractInteractionsRequest request;
  for (const uint64_t sequence : flags.sequences) {
    request.add_retractions()->set_sequence(sequence);
  }
  for (const std::string& id : flags.event_ids) {
    request.add_retractions()->set_event_id(id);
  }
  if (!flags.user.empty()) {
    v1::Pair* pair = request.add_retractions()->mutable_pair();
    pair->set_user_id(flags.user);
    pair->set_item_id(flags.item);
  }
  if (request.retractions().empty()) {
    return absl::InvalidArgumentError(
        "nothing to take back: give --sequence, --event-id, or --user and "
        "--item");
  }
  const int count = request.retractions_size();
  absl::Status meant = Confirm(
      flags.user.empty()
          ? absl::StrCat(count,
                         count == 1 ? " interaction is" : " interactions are",
                         " taken back for good")
          : absl::StrCat("all that user \"", flags.user, "\" did with item \"",
                         flags.item, "\" is taken back for good"),
      flags.yes);
  if (!meant.ok()) return meant;
  grpc::ClientContext context;
  Prepare(common, &context);
  v1::RetractInteractionsResponse response;
  const auto stub = v1::IngestionService::NewStub(Connect(common));
  const grpc::Status status =
      stub->RetractInteractions(&context, request, &response);
  if (!status.ok()) return FromRpc(status, common.server);
  if (common.json) {
    std::cout << ToJson(response, true);
    return absl::OkStatus();
  }
  std::cout << Count(response.interactions())
            << (response.interactions() == 1 ? " interaction" : " interactions")
            << " taken back, as interaction";
  for (const uint64_t sequence : response.sequences()) {
    std::cout << " " << sequence;
  }
  std::cout << "\n";
  return absl::OkStatus();
}

}  // namespace

void AddRetract(CLI::App* app, const Common* common, absl::Status* result) {
  auto flags = std::make_shared<RetractFlags>();
  CLI::App* command = app->add_subcommand(
      "retract",
      "Takes interactions back, as if they had never been: out of history, "
      "popularity, model and log");
  command->add_option("--sequence", flags->sequences,
                      "The number that one was acknowledged with");
  command->add_option("--event-id", flags->event_ids,
                      "The event id that one was sent with");
  auto* user = command->add_option("--user", flags->user,
                                   "All that this user did with --item");
  auto* item = command->add_option("--item", flags->item, "See --user");
  user->needs(item);
  item->needs(user);
  command->add_flag("--yes", flags->yes, "Do not ask");
  command->callback(
      [common, flags, result] { *result = Retract(*common, *flags); });
}

}  // namespace taud::cli
