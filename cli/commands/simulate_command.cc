// tauctl simulate

#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "cli/client/event_sender.h"
#include "cli/commands/await_learned.h"
#include "cli/commands/commands.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "lab/simulator.h"
#include "nlohmann/json.hpp"
#include "taud/v1/catalog_service.grpc.pb.h"

namespace taud::cli {
namespace {

constexpr uint32_t kItemsPerUpsert = 1000;

struct SimulateFlags {
  lab::Simulator::Options world;
  uint64_t interactions = 100000;
  double rate = 0;  // interactions a second; 0: as fast as it goes
  uint64_t drift_after = 0;
  size_t batch = 500;
  bool without_items = false;
  double wait_seconds = 0;  // 0: do not wait
};

absl::Status UpsertWorld(const Common& common,
                         const lab::Simulator& simulator) {
  const auto stub = v1::CatalogService::NewStub(Connect(common));
  v1::UpsertItemsRequest request;
  const auto send = [&]() -> absl::Status {
    grpc::ClientContext context;
    Prepare(common, &context);
    v1::UpsertItemsResponse response;
    const grpc::Status status = stub->UpsertItems(&context, request, &response);
    request.clear_items();
    return FromRpc(status, common.server);
  };
  for (const lab::Simulator::Item& item : simulator.items()) {
    v1::Item* to = request.add_items();
    to->set_id(item.id);
    to->set_title(item.title);
    to->add_tags(item.genre);
    if (request.items_size() < static_cast<int>(kItemsPerUpsert)) continue;
    absl::Status status = send();
    if (!status.ok()) return status;
  }
  return request.items_size() == 0 ? absl::OkStatus() : send();
}

// Waits until interaction number `sent` is due.
void Pace(absl::Time start, uint64_t sent, double rate) {
  const absl::Time due =
      start + absl::Seconds(static_cast<double>(sent) / rate);
  absl::SleepFor(due - absl::Now());
}

absl::Status Simulate(const Common& common, const SimulateFlags& flags) {
  if (flags.world.genres > flags.world.items) {
    return absl::InvalidArgumentError(
        absl::StrCat("--genres ", flags.world.genres, " is more than --items ",
                     flags.world.items));
  }
  lab::Simulator simulator(flags.world);
  if (!flags.without_items) {
    absl::Status status = UpsertWorld(common, simulator);
    if (!status.ok()) return status;
  }
  EventSender::Options options;
  options.batch = flags.batch;
  EventSender sender(common, options, [](uint64_t, const std::string& reason) {
    std::cerr << "rejected: " << Inert(reason) << "\n";
  });
  Progress progress("interactions");
  const absl::Time start = absl::Now();
  for (uint64_t sent = 0; sent < flags.interactions; ++sent) {
    if (flags.drift_after > 0 && sent == flags.drift_after) simulator.Drift();
    if (flags.rate > 0 && sent % flags.batch == 0) {
      Pace(start, sent, flags.rate);
    }
    const lab::Simulator::Event event = simulator.Next();
    v1::Interaction interaction;
    interaction.set_user_id(simulator.UserId(event.user));
    interaction.set_item_id(simulator.items()[event.item].id);
    interaction.set_kind(static_cast<v1::InteractionKind>(event.kind));
    absl::Status status =
        sender.Add(std::move(interaction), sent + 1, sent + 1);
    if (!status.ok()) return status;
    progress.Update(sent, static_cast<double>(sent) /
                              static_cast<double>(flags.interactions));
  }
  absl::Status status = sender.Finish();
  if (!status.ok()) return status;
  const EventSender::Totals totals = sender.totals();
  progress.Finish(totals.accepted);
  if (common.json) {
    nlohmann::ordered_json json;
    json["accepted"] = totals.accepted;
    json["rejected"] = totals.rejected;
    json["last_sequence"] = totals.last_sequence;
    std::cout << json.dump() << "\n";
  } else {
    std::cout << Count(totals.accepted) << " interactions acknowledged, last "
              << "sequence " << totals.last_sequence << "\n";
  }
  if (totals.rejected > 0) {
    return absl::InternalError(
        absl::StrCat(Count(totals.rejected), " interactions were rejected"));
  }
  if (flags.wait_seconds == 0) return absl::OkStatus();
  return AwaitLearned(common, totals.last_sequence, flags.wait_seconds);
}

}  // namespace

void AddSimulate(CLI::App* app, const Common* common, absl::Status* result) {
  auto flags = std::make_shared<SimulateFlags>();
  CLI::App* command =
      app->add_subcommand("simulate", "Sends interactions of a made-up world");
  const auto positive = CLI::Range(1u, 100000000u);
  command->add_option("--interactions", flags->interactions, "How many")
      ->capture_default_str();
  command
      ->add_option("--rate", flags->rate,
                   "Interactions a second; 0: as fast as it goes")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--users", flags->world.users, "Users in the world")
      ->check(positive)
      ->capture_default_str();
  command->add_option("--items", flags->world.items, "Items in the world")
      ->check(positive)
      ->capture_default_str();
  command->add_option("--genres", flags->world.genres, "Genres in the world")
      ->check(positive)
      ->capture_default_str();
  command
      ->add_option("--drift-after", flags->drift_after,
                   "Every user's taste changes after so many interactions; "
                   "0: never")
      ->capture_default_str();
  command->add_option("--batch", flags->batch, "Interactions in a message")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command->add_option("--seed", flags->world.seed, "Same seed, same stream")
      ->capture_default_str();
  command->add_flag("--without-items", flags->without_items,
                    "Do not upsert the items' titles and genres");
  AddWait(command, &flags->wait_seconds);
  command->callback(
      [common, flags, result] { *result = Simulate(*common, *flags); });
}

}  // namespace taud::cli
