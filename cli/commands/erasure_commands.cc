// tauctl erasure

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "cli/commands/commands.h"
#include "cli/terminal/confirm.h"
#include "cli/terminal/output.h"
#include "taud/v1/catalog_service.grpc.pb.h"

namespace taud::cli {
namespace {

struct ErasureFlags {
  std::string id;
  std::string erasure_id;
  std::vector<std::string> ids;
  bool wait = false;
  bool yes = false;
};

constexpr absl::Duration kWaitInterval = absl::Milliseconds(200);

std::string Describe(const v1::Erasure& erasure) {
  Table table = Table::OfProperties("erasure", erasure.erasure_id());
  table.AddRow(
      {"of", absl::StrCat(erasure.subject() == "item" ? "an " : "a ",
                          erasure.subject(), ", requested ",
                          TimeOf(erasure.requested_ms()),
                          ", after interaction ", Count(erasure.sequence()))});
  for (const v1::ErasedCopy& copy : erasure.copies()) {
    table.AddRow({copy.copy(),
                  copy.gone_ms() == 0
                      ? std::string("still there")
                      : absl::StrCat("gone since ", TimeOf(copy.gone_ms()))});
  }
  table.AddRow({"interactions", Count(erasure.interactions())});
  table.AddRow(
      {"serving version", erasure.serving_version() == 0
                              ? std::string("-")
                              : absl::StrCat(erasure.serving_version())});
  table.AddRow({"complete", erasure.complete() ? "yes" : "not yet"});
  return table.ToString();
}

absl::Status Get(const Common& common, const std::string& id,
                 v1::Erasure* erasure) {
  grpc::ClientContext context;
  Prepare(common, &context);
  v1::GetErasureRequest request;
  request.set_erasure_id(id);
  const auto stub = v1::CatalogService::NewStub(Connect(common));
  return FromRpc(stub->GetErasure(&context, request, erasure), common.server);
}

// Until it is complete, if that is wanted, and prints it.
absl::Status Report(const Common& common, bool wait, v1::Erasure erasure) {
  while (wait && !erasure.complete()) {
    absl::SleepFor(kWaitInterval);
    absl::Status status = Get(common, erasure.erasure_id(), &erasure);
    if (!status.ok()) return status;
  }
  std::cout << (common.json ? ToJson(erasure, true) : Describe(erasure));
  return absl::OkStatus();
}

absl::Status EraseUser(const Common& common, const ErasureFlags& flags) {
  absl::Status meant =
      Confirm(absl::StrCat("user \"", flags.id,
                           "\" is forgotten for good, with every interaction"),
              flags.yes);
  if (!meant.ok()) return meant;
  grpc::ClientContext context;
  Prepare(common, &context);
  v1::EraseUserRequest request;
  request.set_id(flags.id);
  request.set_erasure_id(flags.erasure_id);
  v1::EraseUserResponse response;
  const auto stub = v1::CatalogService::NewStub(Connect(common));
  const grpc::Status status = stub->EraseUser(&context, request, &response);
  if (!status.ok()) return FromRpc(status, common.server);
  return Report(common, flags.wait, response.erasure());
}

absl::Status DeleteItems(const Common& common, const ErasureFlags& flags) {
  absl::Status meant = Confirm(
      absl::StrCat(flags.ids.size() == 1 ? "item \"" : "items \"",
                   absl::StrJoin(flags.ids, "\", \""),
                   flags.ids.size() == 1
                       ? "\" is forgotten for good, with every interaction"
                       : "\" are forgotten for good, with every "
                         "interaction"),
      flags.yes);
  if (!meant.ok()) return meant;
  grpc::ClientContext context;
  Prepare(common, &context);
  v1::DeleteItemsRequest request;
  for (const std::string& id : flags.ids) request.add_ids(id);
  v1::DeleteItemsResponse response;
  const auto stub = v1::CatalogService::NewStub(Connect(common));
  const grpc::Status status = stub->DeleteItems(&context, request, &response);
  if (!status.ok()) return FromRpc(status, common.server);
  for (const std::string& id : response.unknown_ids()) {
    std::cerr << "item " << Inert(id) << " is unknown\n";
  }
  for (const v1::Erasure& erasure : response.erasures()) {
    absl::Status reported = Report(common, flags.wait, erasure);
    if (!reported.ok()) return reported;
  }
  if (response.unknown_ids().empty()) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat(response.unknown_ids_size(), " of ",
                                          flags.ids.size(),
                                          " items are unknown"));
}

}  // namespace

void AddErasure(CLI::App* app, const Common* common, absl::Status* result) {
  auto flags = std::make_shared<ErasureFlags>();
  CLI::App* erasure = app->add_subcommand(
      "erase", "Forgets users and items, and says when each copy was gone");
  erasure->require_subcommand(1);
  CLI::App* user = erasure->add_subcommand("user", "Forgets a user");
  user->add_option("id", flags->id, "The user's id")->required();
  user->add_option("--erasure-id", flags->erasure_id,
                   "The id the receipt is to have; makes a retry safe");
  user->add_flag("--wait", flags->wait, "Until every copy is gone");
  user->add_flag("--yes", flags->yes, "Do not ask");
  user->callback(
      [common, flags, result] { *result = EraseUser(*common, *flags); });
  CLI::App* items = erasure->add_subcommand(
      "items", "Forgets items and every interaction with them");
  items->add_option("ids", flags->ids, "The items' ids")->required();
  items->add_flag("--wait", flags->wait, "Until every copy is gone");
  items->add_flag("--yes", flags->yes, "Do not ask");
  items->callback(
      [common, flags, result] { *result = DeleteItems(*common, *flags); });
  CLI::App* get = erasure->add_subcommand("get", "The state of an erasure");
  get->add_option("erasure_id", flags->erasure_id, "Of the receipt")
      ->required();
  get->add_flag("--wait", flags->wait, "Until every copy is gone");
  get->callback([common, flags, result] {
    v1::Erasure found;
    *result = Get(*common, flags->erasure_id, &found);
    if (result->ok()) *result = Report(*common, flags->wait, found);
  });
}

}  // namespace taud::cli
